"""The columns of a table: a frame of any library, a dict of columns or an array.

A column becomes a one-dimensional numpy array: numbers, `datetime64[us]` (in the local
time of its zone), `timedelta64[us]`, or objects.
"""

import weakref
from abc import ABC, abstractmethod
from collections.abc import Sized
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import narwhals.stable.v2 as nw
import numpy as np

from lamina.exceptions import DataError
from lamina.missing import unmasked
from lamina.numeric import as_floats

if TYPE_CHECKING:
    import pandas

NUMERIC = "biuf"
"""The kinds of numpy dtypes that hold numbers."""


@dataclass(frozen=True)
class Values:
    """The values of a column, and the time zone of its dates."""

    array: np.ndarray
    time_zone: str | None = None
    is_category: bool = False
    """Whether the column has a categorical type."""
    order: tuple[object, ...] | None = None
    """All categories, ascending, of an ordered categorical type."""


class Table(ABC):
    """Abstract: columns of equal length."""

    n_columns: int
    n_rows: int
    labels: list | None
    """The names of the columns; None where they have none."""

    @abstractmethod
    def column(self, i: int, time_zone: str | None = None) -> Values:
        """Column number `i`, with times in `time_zone` if one is given."""

    @abstractmethod
    def floats(self, columns: np.ndarray) -> np.ndarray | None:
        """These columns as floats (n, len(columns)); None if one is not numeric."""


def is_frame(X: object) -> bool:
    """Whether X is a data frame of pandas, polars, pyarrow or another library."""
    # narwhals takes longer to reject an array than a small network takes to predict.
    if isinstance(X, np.ndarray | list):
        return False
    return nw.dependencies.is_into_dataframe(X)


def is_pandas(X: object) -> "TypeGuard[pandas.DataFrame]":
    """Whether X is a frame of pandas; pandas is not imported."""
    return nw.dependencies.is_pandas_dataframe(X)


def table_of(X: object) -> Table:
    """The table of a frame, a dict of columns, or an array that is not numeric."""
    if isinstance(X, dict):
        return ColumnTable(list(X), [_column_array(v, k) for k, v in X.items()])
    if isinstance(X, np.ndarray):
        if X.dtype.names is not None:
            return ColumnTable(list(X.dtype.names), [X[n] for n in X.dtype.names])
        return ColumnTable(None, list(X.T), X.shape)
    if is_pandas(X):
        return PandasTable(X)
    return NarwhalsTable(X)


class ColumnTable(Table):
    """Columns as separate arrays."""

    def __init__(
        self,
        labels: list | None,
        columns: list[np.ndarray],
        shape: tuple[int, ...] | None = None,
    ):
        self.labels, self.columns = labels, columns
        self.n_columns = len(columns)
        self.n_rows = shape[0] if shape else (len(columns[0]) if columns else 0)
        for label, column in zip(labels or (), columns, strict=bool(labels)):
            if column.ndim != 1 or len(column) != self.n_rows:
                raise DataError(
                    f"Column {label!r} has shape {column.shape}; all columns of a table "
                    f"have the length of the first, {self.n_rows}."
                )

    def column(self, i: int, time_zone: str | None = None) -> Values:
        del time_zone  # numpy's times have none
        return Values(_in_microseconds(unmasked(self.columns[i])))

    def floats(self, columns: np.ndarray) -> np.ndarray | None:
        chosen = [self.columns[i] for i in columns]
        if not all(type(c) is np.ndarray and c.dtype.kind in NUMERIC for c in chosen):
            return None
        return as_floats(np.stack(chosen, 1), "X")


class PandasTable(Table):
    """A frame of pandas; its columns are addressed by position, as labels may repeat."""

    def __init__(self, frame: "pandas.DataFrame"):
        self.frame = frame
        self.labels = _labels_of(frame.columns)
        self.n_rows, self.n_columns = frame.shape

    def floats(self, columns: np.ndarray) -> np.ndarray | None:
        frame = self.frame
        if len(columns) != self.n_columns:
            frame = frame.take(columns, axis=1)
        types = set(frame.dtypes.to_numpy())
        if not all(isinstance(t, np.dtype) and t.kind in NUMERIC for t in types):
            return None
        return frame.to_numpy(dtype=np.float64)

    def column(self, i: int, time_zone: str | None = None) -> Values:
        series = self.frame.iloc[:, i]
        kind, dtype = getattr(series.dtype, "kind", "O"), series.dtype
        # Types of pandas beside numpy's are compared by name: pandas is not imported.
        name = type(dtype).__name__
        if name == "CategoricalDtype":
            # The attributes of a type that is not imported.
            known: Any = dtype
            order = tuple(known.categories) if known.ordered else None
            array = series.astype(object).to_numpy()
            return Values(array, is_category=True, order=order)
        if name == "IntervalDtype":
            return Values(series.astype(str).to_numpy(object), is_category=True)
        if name == "PeriodDtype":
            series = series.dt.to_timestamp()
        elif name == "SparseDtype":
            series = series.sparse.to_dense()
        if kind == "M" and getattr(dtype, "tz", None) is not None:
            zone = time_zone or str(dtype.tz)
            local = series.dt.tz_convert(zone).dt.tz_localize(None)
            return Values(local.to_numpy("datetime64[us]"), str(dtype.tz))
        if kind in NUMERIC and not isinstance(dtype, np.dtype):
            return Values(series.to_numpy(np.float64, na_value=np.nan))
        return Values(_in_microseconds(series.to_numpy()))


_last: tuple[Any, list] | None = None


def _labels_of(index: "pandas.Index") -> list:
    """The labels of an index of pandas, cached: consecutive frames often share it."""
    global _last  # noqa: PLW0603
    last = _last
    if last is None or last[0]() is not index:
        last = weakref.ref(index), list(index)
        _last = last
    return last[1]


class NarwhalsTable(Table):
    """A frame of polars, pyarrow or another library."""

    def __init__(self, frame: Any):
        try:
            self.frame = nw.from_native(frame, eager_only=True)
        except TypeError as error:
            raise DataError(
                f"X is a {type(frame).__name__}, which is not a frame in memory; collect "
                f"it first ({error})."
            ) from None
        self.names = self.frame.columns
        self.labels = list(self.names)
        self.n_rows, self.n_columns = self.frame.shape

    def floats(self, columns: np.ndarray) -> np.ndarray | None:
        frame = self.frame.select([self.names[i] for i in columns])
        if not all(_is_number(dtype) for dtype in frame.schema.values()):
            return None
        floats = frame.select(nw.all().cast(nw.Float64))
        return np.stack([column.to_numpy() for column in floats.iter_columns()], 1)

    def column(self, i: int, time_zone: str | None = None) -> Values:
        column = self.frame[self.names[i]]
        dtype = column.dtype
        if _is_number(dtype):
            return Values(column.cast(nw.Float64).to_numpy())
        if isinstance(dtype, nw.Datetime):
            zone = dtype.time_zone
            if zone is not None:
                column = column.dt.convert_time_zone(time_zone or zone)
                column = column.dt.replace_time_zone(None)
            return Values(column.to_numpy().astype("datetime64[us]"), zone)
        if dtype == nw.Date:
            return Values(column.cast(nw.Datetime("us")).to_numpy())
        if dtype == nw.Duration:
            return Values(column.to_numpy().astype("timedelta64[us]"))
        values = np.empty(len(column), dtype=object)
        values[:] = column.to_list()
        return Values(values, is_category=dtype in (nw.Categorical, nw.Enum))


def _is_number(dtype: nw.dtypes.DType) -> bool:
    return dtype.is_numeric() or dtype == nw.Boolean


def _column_array(values: object, label: object) -> np.ndarray:
    if isinstance(values, str | bytes) or not isinstance(values, Sized):
        raise DataError(
            f"Column {label!r} is {values!r}; a column is a list of values."
        )
    if isinstance(values, np.ma.MaskedArray):
        return values
    array = np.asarray(values)
    if array.dtype.kind in "US":  # numpy has made texts of numbers beside texts
        return np.asarray(values, dtype=object)
    return array


def _in_microseconds(column: np.ndarray) -> np.ndarray:
    kind = column.dtype.kind
    if kind == "M":
        return column.astype("datetime64[us]")
    return column.astype("timedelta64[us]") if kind == "m" else column
