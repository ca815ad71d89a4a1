"""Tables by their columns: frames of any library, dicts of columns, arrays of objects.

A column comes out as a one-dimensional array of numpy: numbers, `datetime64[us]` (in the
local time of its zone), `timedelta64[us]`, or objects whose values decide what they are.
"""

import weakref
from dataclasses import dataclass
from typing import Any, Protocol

import narwhals.stable.v2 as nw
import numpy as np

from lamina.exceptions import DataError

NUMERIC = "biuf"
"""Kinds of numpy's types that hold numbers."""


@dataclass(frozen=True)
class Values:
    """The values of a column, and the time zone in which their times are local."""

    array: np.ndarray
    time_zone: str | None = None
    is_category: bool = False
    """Whether the frame itself says that these are categories."""


class Table(Protocol):
    """Columns of equal length."""

    n_columns: int
    n_rows: int

    @property
    def labels(self) -> list | None:
        """What the columns are called; None where they have no names."""
        ...

    def column(self, i: int, time_zone: str | None = None) -> Values:
        """Column number `i`; times are converted to `time_zone` if one is given."""
        ...

    def numbers(self, columns: np.ndarray) -> np.ndarray | None:
        """(n, len(columns)) of floats at once; None if a column holds anything else."""
        ...


def is_frame(X: object) -> bool:
    """Whether X is a data frame of pandas, polars, pyarrow or another library."""
    # narwhals takes longer to say no than a small network takes to predict.
    if isinstance(X, np.ndarray | list):
        return False
    return nw.dependencies.is_into_dataframe(X)


def is_pandas(X: object) -> bool:
    """Whether X is a frame of pandas, without importing pandas."""
    return nw.dependencies.is_pandas_dataframe(X)


def table_of(X: Any) -> Table:
    """A frame, a dict of columns, or an array that is not plain numbers, as a table."""
    if isinstance(X, dict):
        return ColumnTable(list(X), [_column_array(v, k) for k, v in X.items()])
    if isinstance(X, np.ndarray):
        if X.dtype.names is not None:
            return ColumnTable(list(X.dtype.names), [X[n] for n in X.dtype.names])
        return ColumnTable(None, list(X.T), X.shape)
    if is_pandas(X):
        return PandasTable(X)
    return NarwhalsTable(X)


class ColumnTable:
    """Columns that lie in arrays of their own."""

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
                    f"Column {label!r} has shape {column.shape}; every column of a table "
                    f"has as many rows as the first, {self.n_rows}."
                )

    def column(self, i: int, time_zone: str | None = None) -> Values:
        del time_zone  # numpy's times have none
        column = self.columns[i]
        if isinstance(column, np.ma.MaskedArray):
            column = _unmasked(column)
        return Values(_in_microseconds(column))

    def numbers(self, columns: np.ndarray) -> np.ndarray | None:
        chosen = [self.columns[i] for i in columns]
        if not all(type(c) is np.ndarray and c.dtype.kind in NUMERIC for c in chosen):
            return None
        return np.stack(chosen, 1).astype(np.float64, copy=False)


class PandasTable:
    """A frame of pandas; its columns are addressed by place, whatever their labels are."""

    def __init__(self, frame: Any):
        self.frame = frame
        self.labels = _labels_of(frame.columns)
        self.n_rows, self.n_columns = frame.shape

    def numbers(self, columns: np.ndarray) -> np.ndarray | None:
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
        # pandas has types of its own beside numpy's, known by name.
        name = type(dtype).__name__
        if name == "CategoricalDtype":
            return Values(series.astype(object).to_numpy(), is_category=True)
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


def _labels_of(index: Any) -> list:
    """The labels in an index of pandas; many frames in a row share one and the same."""
    global _last  # noqa: PLW0603
    last = _last
    if last is None or last[0]() is not index:
        last = weakref.ref(index), list(index)
        _last = last
    return last[1]


class NarwhalsTable:
    """A frame of polars, pyarrow or another library."""

    def __init__(self, frame: Any):
        try:
            self.frame = nw.from_native(frame, eager_only=True)
        except TypeError as error:
            raise DataError(
                f"X is a {type(frame).__name__}, which is not a frame in memory; collect "
                f"it first ({error})."
            ) from None
        self.labels: list = list(self.frame.columns)
        self.n_rows, self.n_columns = self.frame.shape

    def numbers(self, columns: np.ndarray) -> np.ndarray | None:
        names = [self.labels[i] for i in columns]
        frame = self.frame.select(names)
        if not all(_is_number(dtype) for dtype in frame.schema.values()):
            return None
        floats = frame.select(nw.all().cast(nw.Float64))
        return np.stack([column.to_numpy() for column in floats.iter_columns()], 1)

    def column(self, i: int, time_zone: str | None = None) -> Values:
        column = self.frame[self.labels[i]]
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


def _is_number(dtype: Any) -> bool:
    return dtype.is_numeric() or dtype == nw.Boolean


def _column_array(values: Any, label: object) -> np.ndarray:
    if isinstance(values, str | bytes) or not hasattr(values, "__len__"):
        raise DataError(
            f"Column {label!r} is {values!r}; a column is a list of values."
        )
    if isinstance(values, np.ma.MaskedArray):
        return values
    array = np.asarray(values)
    if array.dtype.kind in "US":  # numbers among them would have become text
        objects = np.empty(len(array), dtype=object)
        objects[:] = list(values)
        return objects
    return array


def _unmasked(column: np.ma.MaskedArray) -> np.ndarray:
    """The same with NaN, NaT or None where values are masked."""
    mask = np.ma.getmaskarray(column)
    if column.dtype.kind in NUMERIC:
        return np.where(mask, np.nan, column.data)
    if column.dtype.kind in "mM":
        return np.where(mask, np.array("NaT", column.dtype), column.data)
    objects = column.data.astype(object)
    objects[mask] = None
    return objects


def _in_microseconds(column: np.ndarray) -> np.ndarray:
    kind = column.dtype.kind
    if kind == "M":
        return column.astype("datetime64[us]")
    return column.astype("timedelta64[us]") if kind == "m" else column
