"""Series in any container -> a panel.

One series is an array (steps,) or a list of numbers; several are an array (series, steps) or
a list of arrays (steps,) or (steps, columns); and a frame has a row for each step.
"""

import numpy as np

from lamina.encoders.containers import unwrap
from lamina.encoders.series.panel import Panel, PanelSchema, check_columns
from lamina.encoders.series.regular import panel_of
from lamina.encoders.series.steps import (
    Roles,
    Source,
    floats_of,
    is_native,
    read_steps,
)
from lamina.exceptions import DataError, ParameterError, warn_of_data

LARGEST = 1e300
"""The largest absolute value of a series: forecasts of it do not overflow."""
FEW_STEPS, MANY_SERIES = 50, 4
"""An array (n, steps) with at most `FEW_STEPS` steps and at least `MANY_SERIES` times as
many rows may be one series with several columns."""


def read_panel(
    X: object, roles: Roles, horizon: int, schema: PanelSchema | None = None
) -> Panel:
    """One series (steps,), several in rows, a list of arrays, or a frame of steps."""
    if isinstance(X, Panel):
        return X
    is_frame = is_native(X)
    panel = (
        panel_of(read_steps(X, roles), schema) if is_frame else read_arrays(X, horizon)
    )
    if schema is not None:
        check_columns(panel, schema)
    for i, series in enumerate(panel):
        large = np.abs(series) > LARGEST
        if large.any():
            step, column = (int(a[0]) for a in np.nonzero(large))
            raise DataError(
                f"{panel.name(i)} contains {series[step, column]} in step {step}; values "
                f"beyond {LARGEST:g} overflow. Replace it, by NaN if it is not known."
            )
        if len(series) == 0 or np.isnan(series[:, 0]).all():
            raise DataError(f"{panel.name(i)} has no values; leave it out.")
    return panel


def refuse_roles(roles: Roles, owner: str) -> None:
    """Raise if a column is named although X is not a frame."""
    for name, value in vars(roles).items():
        if value is not None:
            raise ParameterError(
                f"{name}={value!r} has no effect on {owner} with series that are not in a "
                f"frame; leave it at its default."
            )


def read_arrays(data: object, horizon: int) -> Panel:
    """A panel of arrays and lists."""
    X = unwrap(data, is_table=False)
    if len(X) == 0:
        raise DataError("Found array with 0 sample(s): X holds no series.")
    single = is_single(X)
    rows = [X] if single else list(X)
    values = [_as_columns(row, i) for i, row in enumerate(rows)]
    for i, columns in enumerate(values):
        if columns.shape[1] != values[0].shape[1]:
            raise DataError(
                f"Series {i} has {columns.shape[1]} columns, series 0 has "
                f"{values[0].shape[1]}; pass the same columns for all series."
            )
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype != object:
        _warn_of_columns(X.shape, horizon)
    return Panel(values, Source(is_single=single))


def is_single(X: np.ndarray | list) -> bool:
    """Whether X is a single series: an array (steps,) or a list of numbers."""
    if isinstance(X, list | tuple) or np.asarray(X).dtype.kind == "O":
        return all(np.ndim(value) == 0 for value in X)
    return np.ndim(X) == 1


def _as_columns(row: object, i: int) -> np.ndarray:
    try:
        array = np.asanyarray(row)
    except ValueError as error:
        raise DataError(f"Series {i} is not an array of numbers: {error}") from None
    if array.dtype.kind in "US":  # numpy has made texts of numbers beside texts
        array = np.asarray(row, dtype=object)
    elif array.size and array.dtype.kind not in "biufO":
        raise DataError(
            f"Series {i} is not an array of numbers: it holds {array.flat[0].item()!r}."
        )
    array = floats_of(array, f"Series {i}")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise DataError(
            f"Series {i} has {array.ndim} dimensions; a series has (steps,) or (steps, "
            f"columns)."
        )
    return array


def _warn_of_columns(shape: tuple[int, ...], horizon: int) -> None:
    """Warn, or raise, if an array (series, steps) seems to be (steps, columns)."""
    n_series, n_steps = shape
    read = f"X of shape {shape} is read as {n_series} series of {n_steps} steps"
    remedy = f"for one series of {n_series} steps and {n_steps} columns pass [X]"
    if n_steps < horizon + 2 and n_series > n_steps:
        raise DataError(f"{read}, too few for a horizon of {horizon}; {remedy}.")
    if n_steps <= FEW_STEPS and n_series >= MANY_SERIES * n_steps:
        warn_of_data(f"{read}; {remedy}, and otherwise list(X).")
