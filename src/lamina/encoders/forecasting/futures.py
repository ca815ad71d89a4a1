"""Values that follow series: the future of known columns, or the targets y of `score`."""

from collections.abc import Hashable

import numpy as np

from lamina.encoders.containers import unwrap
from lamina.encoders.forecasting.encoder import HistoryEncoder
from lamina.encoders.forecasting.outputs import future_stamps
from lamina.encoders.series.panel import Panel
from lamina.encoders.series.steps import Steps, floats_of, is_native, read_steps
from lamina.exceptions import DataError
from lamina.missing import as_array


def read_future(
    X: object,
    panel: Panel,
    columns: list[Hashable],
    encoder: HistoryEncoder,
    name: str,
) -> list[np.ndarray]:
    """(horizon, columns) for each series of the panel, in its order.

    Frames are matched by column names, ids and time stamps; later stamps are ignored.
    `name` is the name of X in messages.
    """
    horizon = encoder.horizon
    if not is_native(X):
        return _read_arrays(X, len(panel), len(columns), horizon, name)
    if panel.source.container == "arrays":
        raise DataError(
            f"{name} is a {type(X).__name__}, and X is arrays, which have no time stamps; "
            f"pass {name} as an array."
        )
    steps = read_steps(X, encoder.roles, needs_value=False)
    table = _columns_of(steps, columns, panel, name)
    rows = _rows_of(steps, panel, name)
    expected = future_stamps(panel, horizon)
    if steps.times is None or expected is None:
        for i, r in enumerate(rows):
            if len(r) != horizon:
                raise DataError(
                    f"{name} has {len(r)} steps of {panel.name(i)}; pass the next "
                    f"{horizon}."
                )
        return [table[r] for r in rows]
    values = []
    for i, r in enumerate(rows):
        stamps = expected[i * horizon : (i + 1) * horizon]
        values.append(table[_rows_at(steps, r, stamps, f"{name} of {panel.name(i)}")])
    return values


def _read_arrays(
    X: object, n_series: int, n_columns: int, horizon: int, name: str
) -> list[np.ndarray]:
    try:
        values = floats_of(as_array(unwrap(X, is_table=False)), name)
    except ValueError as error:
        raise DataError(f"{name} is not an array of numbers: {error}") from None
    full_shape = (n_series, horizon, n_columns)
    allowed: list[tuple[int, ...]] = [full_shape]
    if n_columns == 1:
        allowed.append(full_shape[:2])
    if n_series == 1:
        allowed += [shape[1:] for shape in allowed]
    if values.shape not in allowed:
        shape = " or ".join(map(str, allowed[::-1]))
        raise DataError(
            f"{name} has shape {values.shape}; for {n_series} series and a horizon of "
            f"{horizon} pass {shape}."
        )
    return list(values.reshape(full_shape))


def _columns_of(
    steps: Steps, columns: list[Hashable], panel: Panel, name: str
) -> np.ndarray:
    missing = [c for c in columns if c not in steps.columns]
    if len(columns) == len(steps.columns) == 1:
        return np.stack([*steps.columns.values()], 1)
    if missing:
        raise DataError(f"{name} lacks the columns {missing!r}; add them.")
    extra = [c for c in steps.columns if c not in (panel.columns or ())]
    if extra:
        raise DataError(
            f"{name} has the columns {extra!r}, which X does not have; drop them."
        )
    return np.stack([steps.columns[c] for c in columns], 1)


def _rows_of(steps: Steps, panel: Panel, name: str) -> list[np.ndarray]:
    n = len(next(iter(steps.columns.values())))
    if panel.ids is None or steps.ids is None:
        if (panel.ids is None) != (steps.ids is None) and len(panel) > 1:
            raise DataError(f"{name} has no ids of the series; pass those of X.")
        return [np.arange(n)]
    rows_by_id: dict[Hashable, list[int]] = {i: [] for i in panel.ids}
    for row, i in enumerate(steps.ids):
        if i not in rows_by_id:
            raise DataError(
                f"{name} has the series {i!r}, which X does not have; drop it."
            )
        rows_by_id[i].append(row)
    for i, rows in rows_by_id.items():
        if not rows:
            raise DataError(f"{name} has no steps of the series {i!r}; add them.")
    return [np.array(rows) for rows in rows_by_id.values()]


def _rows_at(
    steps: Steps, rows: np.ndarray, stamps: np.ndarray, name: str
) -> np.ndarray:
    """The rows with these time stamps, in the order of the stamps."""
    assert steps.times is not None
    values, kind = steps.times.values[rows], steps.times.kind
    if len(np.unique(values)) < len(values):
        raise DataError(f"{name} has a repeated time; keep one of them.")
    tolerance = 1e-3 * (stamps[-1] - stamps[0]) / max(len(stamps) - 1, 1)
    distance = np.abs(values[None] - stamps[:, None])
    nearest = distance.argmin(1)
    for stamp, gap in zip(stamps, distance.min(1), strict=True):
        if gap > (tolerance if values.dtype.kind == "f" else 0):
            raise DataError(
                f"{name} lacks the time {kind.text(stamp)}; pass the {len(stamps)} steps "
                f"that follow those of X."
            )
    return rows[nearest]
