"""Tables in any container -> their columns, checked against those that `fit` saw."""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypeGuard

import numpy as np

from lamina.encoders.containers import is_sparse, unwrap
from lamina.encoders.finite import refuse_infinite
from lamina.encoders.frames import Table, table_of
from lamina.encoders.names import check_names, refuse_duplicates
from lamina.encoders.tables.chosen import ChosenColumns
from lamina.encoders.tables.columns import column_of, converted
from lamina.encoders.tables.schema import Columns, TableSchema
from lamina.encoders.tokenizers import BagParams
from lamina.exceptions import DataError, warn_of_data
from lamina.params import Rule, Use
from lamina.state import Stored

if TYPE_CHECKING:
    from scipy import sparse

MAX_QUICK = 4096
"""Values of a table up to which one look at all of them is quicker than the checks."""


def column_choice() -> Rule:
    """Columns by name, by position, or by a mask."""
    return Rule(
        "array-like of str, int or bool",
        lambda v: isinstance(v, list | tuple | np.ndarray) and np.ndim(v) == 1,
    )


class TableParams(BagParams):
    """The kinds of the columns of a table."""

    categorical_features: Annotated[
        Sequence[Hashable] | None,
        column_choice(),
        Use.FROZEN,
        """Columns of numbers that are categories: their names, their positions from 0,
        or a mask with a bool for each column. None decides by the types of the
        columns.""",
    ] = None
    text_features: Annotated[
        Sequence[Hashable] | None,
        column_choice(),
        Use.FROZEN,
        """Columns of texts, likewise; each is read as a bag of n-grams. None takes columns of
        strings with 50 distinct values or more, most of which have three words or more (ten
        characters in scripts without spaces).""",
    ] = None
    numeric_embedding: Annotated[
        Literal["auto", "piecewise_linear", "none"],
        Use.FROZEN,
        """How numbers enter the network: "piecewise_linear" gives each number features that
        are piecewise linear functions of it, learnt over bins of its training values
        (Gorishniy et al. 2022), and constant beyond these; "none" gives it as it is, scaled.
        "auto" takes "piecewise_linear" for at most 512 numeric columns.""",
    ] = "auto"


class TableReader(Stored):
    """Reads tables; the first one determines the schema."""

    schema: TableSchema | None = None
    is_complete = False
    """Whether `fit` has completed the schema."""

    def __init__(self, owner: str, chosen: ChosenColumns):
        self.owner, self.chosen = owner, chosen

    def read(self, X: object) -> Columns:
        """The columns of X."""
        if self._needs_no_checks(X):
            return Columns(X, [])
        X = unwrap(X, is_table=True)
        if isinstance(X, list):
            raise _list_error(X)
        if self.schema is None:
            is_numeric = not self.chosen.are_chosen
        else:
            is_numeric = self.schema.columns is None
        if is_numeric and _is_numeric(X):
            return self._read_array(X)
        if is_sparse(X):
            raise DataError(
                "X is sparse; columns of several types, categorical_features and "
                "text_features need an array or a frame."
            )
        if isinstance(X, np.ndarray) and X.dtype.names is None and X.ndim != 2:
            raise DataError(
                f"Expected 2D array, got {X.ndim}D array instead. Reshape your data using "
                f"X.reshape(1, -1) if it is a single sample."
            )
        return self.read_columns(table_of(X))

    def _needs_no_checks(self, X: object) -> TypeGuard[np.ndarray]:
        """Whether X is a small array that passes all checks unchanged.

        The checks would take longer than the prediction of a small network.
        """
        schema = self.schema
        return (
            type(X) is np.ndarray
            and schema is not None
            and schema.columns is None
            and schema.names is None
            and X.dtype in (np.float32, np.float64)
            and 0 < X.size <= MAX_QUICK
            and X.shape[1:] == (schema.n_columns,)
            and bool(np.isfinite(X).all())
        )

    def _read_array(self, X: "np.ndarray | sparse.spmatrix") -> Columns:
        # Imported here, because `lamina.onnx` reads tables without scikit-learn.
        from sklearn.utils.validation import check_array

        values = check_array(
            X,
            accept_sparse="csr",
            ensure_all_finite=False,
            dtype="numeric",
            estimator=self.owner,
            input_name="X",
            ensure_min_features=1,
        )
        self._check_columns(None, values.shape[1])
        if self.schema is None:
            self.schema = TableSchema(n_columns=values.shape[1])
        if is_sparse(values):
            # Imported here: it needs torch, and `lamina.onnx` reads tables without it.
            from lamina.encoders.standardizer import as_floats

            values = as_floats(values)
        else:
            refuse_infinite(values, range(values.shape[1]))
        self._warn_of_missing(values)
        return Columns(values, [])

    def read_columns(self, table: Table) -> Columns:
        """The columns of a table in any container."""
        if not table.n_rows or not table.n_columns:
            raise DataError(
                f"Found array with {table.n_rows} sample(s) and {table.n_columns} "
                f"feature(s); a minimum of 1 is required."
            )
        self._check_columns(table.labels, table.n_columns)
        if self.schema is None:
            self.schema = self._schema_of(table)
        return self._converted(table, self.schema)

    def _check_columns(self, names: list | None, n: int) -> None:
        """Raise if `n` columns of these names are not those that `fit` saw."""
        fitted = self.schema
        if fitted is not None:
            check_names(self.owner, fitted.names, names, n, fitted.n_columns)

    def _schema_of(self, table: Table) -> TableSchema:
        labels = table.labels
        if labels is not None:
            refuse_duplicates(labels)
        names = list(range(table.n_columns)) if labels is None else labels
        chosen = self.chosen.of(names, labels is not None)
        columns = tuple(
            column_of(name, table.column(i), chosen[i]) for i, name in enumerate(names)
        )
        return TableSchema(
            n_columns=len(columns),
            names=None if labels is None else tuple(labels),
            columns=columns,
        )

    def _converted(self, table: Table, schema: TableSchema) -> Columns:
        """Numbers first, in one step if all have a numeric type, then dates and durations."""
        positions, columns = schema.number_columns, schema.every_column
        numeric = np.empty((table.n_rows, 0))
        if len(positions):
            numeric = table.floats(positions)
        if numeric is None:
            parts = [converted(columns[i], table.column(i)) for i in positions]
            numeric = np.stack(parts, 1)
        else:
            refuse_infinite(numeric, (columns[i].name for i in positions))
        self._warn_of_missing(numeric)
        parts, categories, texts = [numeric], [], []
        for i, column in schema.other_columns:
            if column.kind == "category":
                categories.append(converted(column, table.column(i)))
            elif column.kind == "text":
                texts.append(converted(column, table.column(i)))
            else:
                part = converted(column, table.column(i, column.time_zone))
                parts.append(part.reshape(table.n_rows, -1))
        if len(parts) > 1:
            numeric = np.concatenate(parts, 1)
        return Columns(numeric, categories, texts)

    def _warn_of_missing(self, numeric: "np.ndarray | sparse.csr_matrix") -> None:
        """Warn if values are missing in a column of numbers that had none in `fit`."""
        schema = self.schema
        if schema is None or not self.is_complete or is_sparse(numeric):
            return
        with np.errstate(over="ignore", invalid="ignore"):
            if not np.isnan(numeric.sum()):
                return
        new: np.ndarray = np.any(np.isnan(numeric), axis=0)
        new[[i for i in schema.missing if i < len(new)]] = False
        if new.any():
            name = schema.name_of(int(new.argmax()))
            warn_of_data(
                f"Column {name!r} has missing values, and had none in fit; they are "
                f"replaced by its mean."
            )


def _is_numeric(X: object) -> "TypeGuard[np.ndarray | sparse.spmatrix]":
    """Whether X is a sparse matrix or a numeric array, or an array that is not 2-D."""
    if is_sparse(X):
        return True
    if not isinstance(X, np.ndarray) or isinstance(X, np.ma.MaskedArray):
        return False
    # Numbers in more than 8 bytes may not be floats.
    is_plain = X.dtype.kind in "biuf" and X.dtype.itemsize <= 8
    return X.dtype.names is None and (is_plain or X.ndim != 2)


def _list_error(X: list) -> DataError:
    """The error about a list that is not a table."""
    lengths = [len(row) for row in X if np.ndim(row) == 1 or isinstance(row, list)]
    if len(lengths) == len(X) and len(set(lengths)) > 1:
        return DataError(
            f"X is a list of rows of unequal length ({min(lengths)} to {max(lengths)} "
            f"values), which is not a table. Pad the rows, or use RNNClassifier, "
            f"RNNRegressor, CNNClassifier or CNNRegressor."
        )
    if isinstance(X[0], dict):
        return DataError("X is a list of dicts; pass pandas.DataFrame(X).")
    return DataError(
        f"X is a list of {type(X[0]).__name__}, which is not a table: Expected 2D array, "
        f"got 1D array instead. Pass a list of rows, an array (samples, columns) or a frame."
    )
