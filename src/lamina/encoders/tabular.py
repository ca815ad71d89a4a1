"""Tables as users hold them -> their columns, checked against those that `fit` saw."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

from lamina.encoders.base import refuse_infinite
from lamina.encoders.columns import Column, column_of, converted
from lamina.encoders.containers import opened
from lamina.encoders.frames import Table, table_of
from lamina.encoders.names import check_names, refuse_duplicates
from lamina.exceptions import DataError, warn_of_data
from lamina.params import Params, Rule, Use
from lamina.schema import Schema

A_FEW = 4096
"""Numbers of a table that is looked through in less time than checks would take."""


def column_choice() -> Rule:
    """Columns by their names, by their numbers, or by a mask."""
    return Rule(
        "array-like of str, int or bool",
        lambda v: isinstance(v, list | tuple | np.ndarray) and np.ndim(v) == 1,
    )


class TableParams(Params):
    """What the columns of a table are."""

    categorical_features: Annotated[
        Sequence[Hashable] | None,
        column_choice(),
        Use.FROZEN,
        """Columns that hold categories though they are numbers: their names, their
        numbers from 0 on, or a mask with a bool for each. None takes what the types of
        the columns say.""",
    ] = None


@dataclass(frozen=True)
class TableSchema(Schema):
    """The columns of a table."""

    form: str = "table"
    n_columns: int = 0
    names: tuple[Hashable, ...] | None = None
    """What the columns are called; None where they came without names."""
    columns: tuple[Column, ...] | None = None
    """What each is; None where all are numbers, in an array or a sparse matrix."""
    missing: tuple[int, ...] = ()
    """The places, among the numbers, where values were missing in `fit`."""

    @cached_property
    def every_column(self) -> Sequence[Column]:
        """The columns, also where all are numbers."""
        if self.columns is not None:
            return self.columns
        return [Column(n, "number", "float64") for n in range(self.n_columns)]

    @cached_property
    def places(self) -> np.ndarray:
        """Which of the columns are numbers."""
        kinds = [column.kind for column in self.every_column]
        return np.flatnonzero(np.array(kinds) == "number")

    @cached_property
    def others(self) -> list[tuple[int, Column]]:
        """The columns that are not numbers, with their places."""
        columns = enumerate(self.every_column)
        return [(i, column) for i, column in columns if column.kind != "number"]


@dataclass
class Columns:
    """numbers (n, C) of floats or a sparse matrix; categories: one (n,) array a column."""

    numbers: Any
    categories: list[np.ndarray]

    def __len__(self) -> int:
        return self.numbers.shape[0]

    def __getitem__(self, rows: np.ndarray) -> "Columns":
        return Columns(self.numbers[rows], [c[rows] for c in self.categories])


class TableReader:
    """Reads tables; the first one says what the columns are."""

    schema: TableSchema | None = None
    is_complete = False
    """Whether `fit` has completed the schema."""

    def __init__(self, owner: str, categorical: Sequence[Hashable] | None):
        self.owner, self.categorical = owner, categorical

    def read(self, X: Any) -> Columns:
        """The columns of X."""
        if self._is_plain(X):
            return Columns(X, [])
        X = opened(X, is_table=True)
        if isinstance(X, list):
            raise _no_table(X)
        new = self.schema is None
        all_numbers = self.categorical is None if new else self._learnt.columns is None
        if all_numbers and _holds_numbers(X):
            return self._read_array(X)
        if sparse.issparse(X):
            raise DataError(
                "X is sparse; columns of several types, and categorical_features, need an "
                "array or a frame."
            )
        if isinstance(X, np.ndarray) and X.dtype.names is None and X.ndim != 2:
            raise DataError(
                f"Expected 2D array, got {X.ndim}D array instead. Reshape your data using "
                f"X.reshape(1, -1) if it is a single sample."
            )
        return self._read_table(table_of(X))

    @property
    def _learnt(self) -> TableSchema:
        assert self.schema is not None
        return self.schema

    def _is_plain(self, X: Any) -> bool:
        """Whether X is a few rows of an array that would pass all checks as it is.

        To find that out in general takes longer than a small network computes.
        """
        schema = self.schema
        return (
            type(X) is np.ndarray
            and schema is not None
            and schema.columns is None
            and schema.names is None
            and X.dtype in (np.float32, np.float64)
            and 0 < X.size <= A_FEW
            and X.shape[1:] == (schema.n_columns,)
            and bool(np.isfinite(X).all())
        )

    def _read_array(self, X: Any) -> Columns:
        numbers = check_array(
            X,
            accept_sparse="csr",
            ensure_all_finite=False,
            dtype="numeric",
            estimator=self.owner,
            input_name="X",
            ensure_min_features=1,
        )
        names = None
        if self.schema is None:
            self.schema = TableSchema(n_columns=numbers.shape[1])
        else:
            check_names(
                self.owner,
                self._learnt.names,
                names,
                numbers.shape[1],
                self._learnt.n_columns,
            )
        refuse_infinite(
            numbers.data[:, None] if sparse.issparse(numbers) else numbers,
            range(numbers.shape[1]),
        )
        self._warn_of_missing(numbers)
        return Columns(numbers, [])

    def _read_table(self, table: Table) -> Columns:
        if not table.n_rows or not table.n_columns:
            raise DataError(
                f"Found array with {table.n_rows} sample(s) and {table.n_columns} "
                f"feature(s); a minimum of 1 is required."
            )
        if self.schema is None:
            self.schema = self._schema_of(table)
        else:
            names = None if table.labels is None else tuple(table.labels)
            check_names(
                self.owner,
                self._learnt.names,
                names,
                table.n_columns,
                self._learnt.n_columns,
            )
        return self._converted(table, self._learnt)

    def _schema_of(self, table: Table) -> TableSchema:
        labels = table.labels
        if labels is not None:
            refuse_duplicates(labels)
        names = list(range(table.n_columns)) if labels is None else labels
        chosen = self._chosen(names, labels is not None)
        columns = tuple(
            column_of(name, table.column(i), i in chosen)
            for i, name in enumerate(names)
        )
        return TableSchema(
            n_columns=len(columns),
            names=None if labels is None else tuple(labels),
            columns=columns,
        )

    def _chosen(self, names: list, are_labels: bool) -> set[int]:
        """The places of `categorical_features`."""
        if self.categorical is None:
            return set()
        asked = list(self.categorical)
        if asked and all(isinstance(a, bool | np.bool_) for a in asked):
            if len(asked) != len(names):
                raise DataError(
                    f"categorical_features has {len(asked)} values for {len(names)} columns."
                )
            return {i for i, is_one in enumerate(asked) if is_one}
        found = set()
        for column in asked:
            if column in names:
                found.add(names.index(column))
            elif isinstance(column, int | np.integer) and 0 <= column < len(names):
                found.add(int(column))
            else:
                known = names if are_labels else f"0 to {len(names) - 1}"
                raise DataError(
                    f"categorical_features has {column!r}, which is no column of X: {known}."
                )
        return found

    def _converted(self, table: Table, schema: TableSchema) -> Columns:
        """Numbers first, all at once where their types allow, then dates and durations."""
        places, columns = schema.places, schema.every_column
        numbers = table.numbers(places) if len(places) else np.empty((table.n_rows, 0))
        if numbers is None:
            parts = [converted(columns[i], table.column(i)) for i in places]
            numbers = np.stack(parts, 1)
        else:
            refuse_infinite(numbers, (columns[i].name for i in places))
        self._warn_of_missing(numbers)
        others, categories = [numbers], []
        for i, column in schema.others:
            if column.kind == "category":
                categories.append(converted(column, table.column(i)))
            else:
                part = converted(column, table.column(i, column.time_zone))
                others.append(part.reshape(table.n_rows, -1))
        if len(others) > 1:
            numbers = np.concatenate(others, 1)
        return Columns(numbers, categories)

    def _warn_of_missing(self, numbers: Any) -> None:
        """Missing numbers in a column that `fit` saw whole become its mean: say so."""
        if (
            not self.is_complete
            or sparse.issparse(numbers)
            or not np.isnan(numbers.sum())
        ):
            return
        new = np.isnan(numbers).any(0)
        new[[i for i in self._learnt.missing if i < len(new)]] = False
        if new.any():
            schema = self._learnt
            name = schema.every_column[schema.places[int(new.argmax())]].name
            warn_of_data(
                f"Column {name!r} has missing values, and had none in fit; they are "
                f"replaced by its mean."
            )


def _holds_numbers(X: Any) -> bool:
    """Whether X is an array or a sparse matrix of numbers, or no table at all."""
    if sparse.issparse(X):
        return True
    is_array = isinstance(X, np.ndarray) and not isinstance(X, np.ma.MaskedArray)
    return (
        is_array and X.dtype.names is None and (X.dtype.kind in "biufc" or X.ndim != 2)
    )


def _no_table(X: list) -> DataError:
    """Why a list is no table."""
    lengths = [len(row) for row in X if np.ndim(row) == 1 or isinstance(row, list)]
    if len(lengths) == len(X) and len(set(lengths)) > 1:
        return DataError(
            f"X is a list of rows of unequal length ({min(lengths)} to {max(lengths)} "
            f"values), and a table is wanted. Pad the rows, or use RNNClassifier, "
            f"RNNRegressor, CNNClassifier or CNNRegressor."
        )
    if isinstance(X[0], dict):
        return DataError("X is a list of dicts; pass pandas.DataFrame(X).")
    return DataError(
        f"X is a list of {type(X[0]).__name__}, and a table is wanted: Expected 2D array, "
        f"got 1D array instead. Pass a list of rows, an array (samples, columns) or a frame."
    )
