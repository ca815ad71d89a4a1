"""Series as users hold them -> a panel.

One series is an array (steps,) or a list of numbers; several are an array (series, steps) or
a list of arrays (steps,) or (steps, columns); and a frame has a row for each step.
"""

from typing import Any

import numpy as np

from lamina.encoders.containers import opened
from lamina.encoders.series.panel import Panel, PanelSchema, check_columns
from lamina.encoders.series.regular import panel_of
from lamina.encoders.series.steps import Source, is_native, numbers_of, read_steps
from lamina.exceptions import DataError, warn_of_data
from lamina.params import refuse_unused

COLUMNS = ("id_column", "time_column", "value_column")
FEW_STEPS, MANY_SERIES = 50, 4
"""Rows of an array that are so short, and of which there are so many times more than steps,
are perhaps the steps of one series."""


def read_panel(X: Any, params: Any, schema: PanelSchema | None = None) -> Panel:
    """One series (steps,), several in rows, a list of arrays, or a frame of steps."""
    if isinstance(X, Panel):
        return X
    if is_native(X):
        panel = panel_of(read_steps(X, params), schema)
    else:
        for name in COLUMNS:
            if getattr(params, name) is not None and schema is None:
                refuse_unused(params, name, "series that come in no frame")
        panel = read_arrays(X, params.horizon)
    if schema is not None:
        check_columns(panel, schema)
    for i, series in enumerate(panel):
        if np.isinf(series).any():
            raise DataError(
                f"{panel.name(i)} contains inf; NaN stands for a missing step."
            )
        if len(series) == 0 or np.isnan(series[:, 0]).all():
            raise DataError(f"{panel.name(i)} has no value; leave it out.")
    return panel


def read_arrays(X: Any, horizon: int) -> Panel:
    """A panel of arrays and lists."""
    X = opened(X, is_table=False)
    if isinstance(X, np.ndarray) and X.ndim == 0:
        raise DataError(f"X is a single value, {X!r}; pass the steps of series.")
    if len(X) == 0:
        raise DataError("Found array with 0 sample(s): X holds no series.")
    single = is_single(X)
    rows = [X] if single else list(X)
    values = [_as_columns(row, i) for i, row in enumerate(rows)]
    for i, columns in enumerate(values):
        if columns.shape[1] != values[0].shape[1]:
            raise DataError(
                f"Series {i} has {columns.shape[1]} columns, series 0 has "
                f"{values[0].shape[1]}."
            )
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype != object:
        _suspect_columns(X.shape, horizon)
    return Panel(values, Source(is_single=single))


def is_single(X: Any) -> bool:
    """Whether X is one series by itself: an array (steps,) or a list of numbers."""
    if isinstance(X, list | tuple) or np.asarray(X).dtype.kind == "O":
        return all(np.ndim(value) == 0 for value in X)
    return np.ndim(X) == 1


def _as_columns(row: Any, i: int) -> np.ndarray:
    try:
        array = np.asanyarray(row)
    except ValueError as error:
        raise DataError(f"Series {i} is not an array of numbers: {error}") from None
    if array.dtype.kind in "US":  # numbers among text would have become text
        array = np.asarray(row, dtype=object)
    elif array.size and array.dtype.kind not in "biufO":
        raise DataError(
            f"Series {i} is not an array of numbers: it holds {array.flat[0].item()!r}."
        )
    array = numbers_of(array, f"Series {i}")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise DataError(
            f"Series {i} has {array.ndim} dimensions; it has (steps,) or (steps, columns)."
        )
    return array


def _suspect_columns(shape: tuple[int, ...], horizon: int) -> None:
    n_series, n_steps = shape
    read = f"X of shape {shape} is read as {n_series} series of {n_steps} steps"
    remedy = f"for one series of {n_series} steps and {n_steps} columns pass [X]"
    if n_steps < horizon + 2 and n_series > n_steps:
        raise DataError(f"{read}, too few for a horizon of {horizon}; {remedy}.")
    if n_steps <= FEW_STEPS and n_series >= MANY_SERIES * n_steps:
        warn_of_data(f"{read}; {remedy}, and otherwise list(X).")
