"""Series as users hold them -> a list of arrays (steps, columns), the series first."""

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from lamina.encoders.frames import is_frame
from lamina.exceptions import DataError
from lamina.params import refuse_unused

COLUMNS = ("id_column", "time_column", "value_column")


class Panel(list):
    """Series that are read: arrays (steps, columns)."""

    single = False
    """Whether it was one series by itself."""


def read_panel(X: Any, params: Any) -> Panel:
    """One series (steps,), several in rows, a list of arrays, or a frame of steps."""
    if isinstance(X, Panel):
        return X
    if is_frame(X):
        return Panel(series for _, series in split_frame(X, params))
    for name in COLUMNS:
        if getattr(params, name) is not None:
            refuse_unused(params, name, "series that come in no frame")
    if hasattr(X, "detach"):
        X = X.detach().cpu().numpy()
    if not isinstance(X, list | tuple | np.ndarray):
        X = np.asarray(X)
    if len(X) == 0:
        raise DataError("Found array with 0 sample(s): X holds no series.")
    rows = [X] if is_single(X) else list(X)
    series = Panel(_as_columns(row, i) for i, row in enumerate(rows))
    for i, columns in enumerate(series):
        if columns.shape[1] != series[0].shape[1]:
            raise DataError(
                f"Series {i} has {columns.shape[1]} columns, series 0 has "
                f"{series[0].shape[1]}."
            )
    series.single = is_single(X)
    return series


def is_single(X: Any) -> bool:
    """Whether X is one series by itself: an array (steps,) or a list of numbers."""
    if is_frame(X):
        return False
    if isinstance(X, list | tuple) or np.asarray(X).dtype.kind == "O":
        return all(np.ndim(value) == 0 for value in X)
    return np.ndim(X) == 1


def split_frame(X: Any, params: Any) -> list[tuple[Any, np.ndarray]]:
    """(id, (steps, columns)) of each series, in the order in which they first occur."""
    frame = nw.from_native(X, eager_only=True)
    for name in COLUMNS:
        column = getattr(params, name)
        if column is not None and column not in frame.columns:
            raise DataError(f"{name}={column!r} is not a column of {frame.columns!r}.")
    rest = [c for c in frame.columns if c not in (params.id_column, params.time_column)]
    value = params.value_column
    if value is None:
        if len(rest) != 1:
            raise DataError(
                f"X has the columns {rest!r} beside id and time; pass value_column to "
                f"say which is forecast (and id_column and time_column, if these are "
                f"among them)."
            )
        (value,) = rest
    names = [value, *(c for c in rest if c != value)]
    if params.id_column is None:
        parts = [(None, frame)]
    else:
        ids = frame[params.id_column].unique(maintain_order=True).to_list()
        parts = [(i, frame.filter(nw.col(params.id_column) == i)) for i in ids]
    found = []
    if params.time_column is not None:
        parts = [(i, part.sort(params.time_column)) for i, part in parts]
    for number, (name, part) in enumerate(parts):
        array = np.stack([_numbers(part[c], c) for c in names], 1)
        found.append((name, _as_columns(array, number)))
    return found


def _numbers(column: Any, name: str) -> np.ndarray:
    values = column.to_list()
    try:
        return np.array([np.nan if v is None else v for v in values], dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(
            f"Column {name!r} does not hold numbers; a series is numbers."
        ) from None


def _as_columns(row: Any, i: int) -> np.ndarray:
    try:
        array = np.asarray(row, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"Series {i} is not an array of numbers: {error}") from None
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise DataError(
            f"Series {i} has {array.ndim} dimensions; it has (steps,) or (steps, columns)."
        )
    if np.isinf(array).any():
        raise DataError(f"Series {i} contains inf; NaN stands for a missing step.")
    if len(array) == 0 or np.isnan(array[:, 0]).all():
        raise DataError(f"Series {i} has no value; leave it out.")
    return array
