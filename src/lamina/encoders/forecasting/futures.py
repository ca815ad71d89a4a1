"""What follows series, as users pass it: the future of known columns, or the truth y."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from lamina.encoders.containers import opened
from lamina.encoders.forecasting.answers import future_stamps
from lamina.encoders.series.panel import Panel
from lamina.encoders.series.steps import Steps, is_native, numbers_of, read_steps
from lamina.exceptions import DataError


def read_after(
    X: Any, panel: Panel, columns: list[Hashable], encoder: Any, name: str
) -> list[np.ndarray]:
    """(horizon, columns) for each series of the panel, in the order of its series.

    Frames are matched by column names, ids and stamps; later stamps are left aside.
    """
    horizon = encoder.horizon
    if not is_native(X):
        return _arrays_after(X, len(panel), len(columns), horizon, name)
    if panel.source.container == "arrays":
        raise DataError(
            f"{name} is a {type(X).__name__} and X is arrays, which have no stamps; pass "
            f"{name} as an array."
        )
    steps = read_steps(X, encoder, needs_value=False)
    table = _columns_of(steps, columns, panel, name)
    rows = _rows_of(steps, panel, name)
    expected = future_stamps(panel, horizon)
    if steps.times is None or expected is None:
        for i, r in enumerate(rows):
            if len(r) != horizon:
                raise DataError(
                    f"{name} has {len(r)} steps of {panel.name(i)}; it needs the next "
                    f"{horizon}."
                )
        return [table[r] for r in rows]
    found = []
    for i, r in enumerate(rows):
        wanted = expected[i * horizon : (i + 1) * horizon]
        found.append(table[_at(steps, r, wanted, f"{name} of {panel.name(i)}")])
    return found


def _arrays_after(
    X: Any, n_series: int, n_columns: int, horizon: int, name: str
) -> list[np.ndarray]:
    try:
        values = numbers_of(np.asarray(opened(X, is_table=False)), name)
    except ValueError as error:
        raise DataError(f"{name} is not an array of numbers: {error}") from None
    wanted = (n_series, horizon, n_columns)
    allowed: list[tuple[int, ...]] = [wanted]
    if n_columns == 1:
        allowed.append(wanted[:2])
    if n_series == 1:
        allowed += [shape[1:] for shape in allowed]
    if values.shape not in allowed:
        shape = " or ".join(map(str, allowed[::-1]))
        raise DataError(
            f"{name} has shape {values.shape}; for {n_series} series and a horizon of "
            f"{horizon} it has {shape}."
        )
    return list(values.reshape(wanted))


def _columns_of(
    steps: Steps, columns: list[Hashable], panel: Panel, name: str
) -> np.ndarray:
    missing = [c for c in columns if c not in steps.columns]
    if len(columns) == len(steps.columns) == 1:
        return np.stack([*steps.columns.values()], 1)
    if missing:
        raise DataError(f"{name} lacks the columns {missing!r}.")
    seen = panel.columns or ()
    extra = [c for c in steps.columns if c not in seen]
    if extra:
        raise DataError(f"{name} has the columns {extra!r}, which X does not have.")
    return np.stack([steps.columns[c] for c in columns], 1)


def _rows_of(steps: Steps, panel: Panel, name: str) -> list[np.ndarray]:
    n = len(next(iter(steps.columns.values())))
    if panel.ids is None or steps.ids is None:
        if (panel.ids is None) != (steps.ids is None) and len(panel) > 1:
            raise DataError(
                f"{name} has no ids of the series; pass them as X has them."
            )
        return [np.arange(n)]
    rows: dict[Any, list[int]] = {i: [] for i in panel.ids}
    for row, i in enumerate(steps.ids):
        if i not in rows:
            raise DataError(f"{name} has the series {i!r}, which X does not have.")
        rows[i].append(row)
    for i, found in rows.items():
        if not found:
            raise DataError(f"{name} has no steps of the series {i!r}.")
    return [np.array(found) for found in rows.values()]


def _at(steps: Steps, rows: np.ndarray, wanted: np.ndarray, name: str) -> np.ndarray:
    """The rows with these stamps, in their order."""
    assert steps.times is not None
    values, kind = steps.times.values[rows], steps.times.kind
    if len(np.unique(values)) < len(values):
        raise DataError(f"{name} has a time twice; keep one of them.")
    near = 1e-3 * (wanted[-1] - wanted[0]) / max(len(wanted) - 1, 1)
    distance = np.abs(values[None] - wanted[:, None])
    best = distance.argmin(1)
    for stamp, gap in zip(wanted, distance.min(1), strict=True):
        if gap > (near if values.dtype.kind == "f" else 0):
            raise DataError(
                f"{name} lacks the time {kind.text(stamp)}; it needs the next "
                f"{len(wanted)} after those of X."
            )
    return rows[best]
