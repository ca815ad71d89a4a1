"""The columns of a table in two kinds: numbers, and categories.

A frame's types decide; in an array of objects, and in nested lists, a column is numbers if
all its values are. Booleans count as numbers. A date becomes numbers: its time in days,
and where it stands in the year, the week and the day, each as a point on a circle.
"""

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse

from lamina.exceptions import DataError

MISSING = None
DAY = 86_400.0
CYCLES = {"year": 365.2425 * DAY, "week": 7 * DAY, "day": DAY}


@dataclass
class Columns:
    """numbers (n, C) of floats or a sparse matrix; categories: one (n,) list a column."""

    numbers: Any
    categories: list[list]

    def __len__(self) -> int:
        return self.numbers.shape[0]


def kinds_of(X: Any) -> list[str] | None:
    """Whether each column is "number", "date" or "category"; None if all are numbers."""
    if is_frame(X):
        schema = nw.from_native(X, eager_only=True).schema
        return [_kind(name, dtype) for name, dtype in schema.items()]
    if isinstance(X, np.ndarray) and X.dtype.kind in "OUS":
        return ["number" if _all_numbers(column) else "category" for column in X.T]
    return None


def split(X: Any, kinds: list[str] | None) -> Columns:
    """The columns of X, each read as the kind that it had in `fit`."""
    if kinds is None:
        if sparse.issparse(X):
            return Columns(X.tocsr(), [])
        return Columns(_numeric_array(X), [])
    columns = _frame_columns(X) if is_frame(X) else list(X.T)
    n = len(columns[0])
    numbers, categories = [np.empty((n, 0))], []
    for column, kind in zip(columns, kinds, strict=True):
        if kind == "category":
            categories.append(_values(column))
        elif kind == "date":
            numbers.append(_unfold_date(column))
        else:
            numbers.append(_floats(column)[:, None])
    return Columns(np.concatenate(numbers, axis=1), categories)


def is_frame(X: Any) -> bool:
    """Whether X is a data frame of pandas, polars or another library."""
    # narwhals takes longer to say no than a small network takes to predict.
    if isinstance(X, np.ndarray):
        return False
    return nw.dependencies.is_into_dataframe(X)


def _kind(name: str, dtype: Any) -> str:
    if dtype.is_numeric() or dtype == nw.Boolean:
        return "number"
    if dtype in (nw.Datetime, nw.Date):
        return "date"
    if dtype in (nw.String, nw.Categorical, nw.Enum, nw.Object):
        return "category"
    raise DataError(
        f"Column {name!r} has type {dtype}; a column holds numbers, booleans, strings, "
        f"categories or dates."
    )


def _frame_columns(X: Any) -> list[nw.Series]:
    frame = nw.from_native(X, eager_only=True)
    return [frame[name] for name in frame.columns]


def _numeric_array(X: Any) -> np.ndarray:
    if is_frame(X):
        columns = [_floats(column) for column in _frame_columns(X)]
        return np.stack(columns, axis=1)
    return np.asarray(X)


def _floats(column: Any) -> np.ndarray:
    name = getattr(column, "name", None)
    which = "A column of numbers" if name is None else f"Column {name!r}"
    try:
        if isinstance(column, nw.Series):
            column = column.cast(nw.Float64).to_numpy()
        values = np.asarray(column, dtype=np.float64)
    except Exception as error:
        raise DataError(f"{which} held numbers in fit: {error}") from None
    if np.isinf(values).any():
        raise DataError(
            f"{which} contains inf in row {int(np.isinf(values).argmax())}; replace it, "
            f"by NaN if the value is not known."
        )
    return values


def _values(column: Any) -> list:
    values = column.to_list() if isinstance(column, nw.Series) else column.tolist()
    return [MISSING if _is_missing(v) else v for v in values]


def _is_missing(value: Any) -> bool:
    # NaN, NaT and the like are what is not equal to itself.
    try:
        return value is None or bool(value != value)  # noqa: PLR0124
    except TypeError:  # pandas.NA knows no truth
        return True


def _all_numbers(column: np.ndarray) -> bool:
    return all(
        v is None or isinstance(v, int | float | np.number | np.bool_) for v in column
    )


def _unfold_date(column: nw.Series) -> np.ndarray:
    """(n, 7): days since 1970, and the sine and cosine of each cycle."""
    if column.dtype == nw.Date:
        column = column.cast(nw.Datetime("ms"))
    milliseconds = column.dt.timestamp("ms")
    seconds = milliseconds.cast(nw.Float64).to_numpy() / 1000
    angles = [2 * np.pi * seconds / length for length in CYCLES.values()]
    circles = [f(angle) for angle in angles for f in (np.sin, np.cos)]
    return np.stack([seconds / DAY, *circles], axis=1)
