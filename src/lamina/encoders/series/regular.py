"""The rows of a frame -> series in order of time, at regular steps.

Repeated time stamps of a series are refused, and so are stamps without a common distance.
Steps that are absent between the first and the last stamp become missing values.
"""

from collections.abc import Hashable

import numpy as np

from lamina.encoders.series.frequencies import Frequency, find_frequency, is_regular
from lamina.encoders.series.panel import Panel, PanelSchema
from lamina.encoders.series.steps import RESET, Steps
from lamina.encoders.series.times import TimeKind, Times
from lamina.exceptions import DataError, warn_of_data

MAX_ABSENT = 50
"""Absent steps for each present one, above which a stamp is assumed to be wrong."""


def panel_of(steps: Steps, schema: PanelSchema | None = None) -> Panel:
    """The series of a frame, each in order of time and regular."""
    panel, stamps = ordered_panel(steps)
    if stamps is None:
        return panel
    panel.first_stamps = [s[0] for s in stamps]
    panel.frequency = _frequency(stamps, panel, schema)
    if panel.frequency is not None:
        _make_regular(panel, stamps)
    return panel


def ordered_panel(steps: Steps) -> tuple[Panel, list[np.ndarray] | None]:
    """The series of a frame, each in order of time; and their time stamps, if any."""
    table = np.stack([*steps.columns.values()], 1)
    if len(table) == 0:
        raise DataError("Found array with 0 sample(s): X holds no steps.")
    ids, rows = _rows_by_id(steps.ids, len(table))
    names = None if steps.ids is None else ids
    columns = tuple(steps.columns)
    panel = Panel([table[r] for r in rows], steps.source, names, columns)
    if steps.times is None:
        return panel, None
    rows = _in_time(steps.times, rows, panel)
    panel.values = [table[r] for r in rows]
    return panel, [steps.times.values[r] for r in rows]


def _rows_by_id(ids: list | None, n: int) -> tuple[list, list[np.ndarray]]:
    """The ids in the order in which they first occur, and the rows of each."""
    if ids is None:
        return [None], [np.arange(n)]
    index: dict[Hashable, int] = {}
    codes = np.array([index.setdefault(i, len(index)) for i in ids])
    order = codes.argsort(kind="stable")
    ends = np.bincount(codes).cumsum()
    return list(index), np.split(order, ends[:-1])


def _in_time(times: Times, rows: list[np.ndarray], panel: Panel) -> list[np.ndarray]:
    """The rows of each series in order of time; a repeated time stamp is refused."""
    ordered = [r[times.values[r].argsort(kind="stable")] for r in rows]
    for i, order in enumerate(ordered):
        repeated = np.flatnonzero(np.diff(times.values[order]) == 0)
        if len(repeated):
            a, b = order[repeated[0]], order[repeated[0] + 1]
            remedy = (
                "pass id_column if the rows are of several series, or keep one of them"
                if panel.ids is None
                else "keep one of them, or add them up"
            )
            raise DataError(
                f"{panel.name(i)} has the time {times.kind.text(times.values[a])} twice, "
                f"in rows {a} and {b}; {remedy}."
            )
    return ordered


def _frequency(
    stamps: list[np.ndarray], panel: Panel, schema: PanelSchema | None
) -> Frequency | None:
    """The frequency of `fit`, or else that of these stamps; irregular ones are refused."""
    kind = panel.source.kind
    assert kind is not None
    fitted = None if schema is None else schema.frequency
    if fitted is None:
        frequency = find_frequency(stamps, kind.is_calendar, kind.zone)
        if frequency is None and any(len(s) > 1 for s in stamps):
            _refuse_irregular(stamps, panel)
        return frequency
    assert schema is not None and schema.time is not None
    if kind.is_calendar != schema.time.is_calendar or (
        kind.is_calendar and (kind.zone is None) != (schema.time.zone is None)
    ):
        raise DataError(
            f"X has time stamps that are {_words(kind)}, and those in fit were "
            f"{_words(schema.time)}; convert them."
        )
    for i, values in enumerate(stamps):
        positions = fitted.positions(values)
        if positions is None or not is_regular(positions):
            raise DataError(
                f"{panel.name(i)} has time stamps that are not {fitted} apart, as in fit: "
                f"{_unusual_step(values, kind, fitted)}. Resample them."
            )
    return fitted


def _make_regular(panel: Panel, stamps: list[np.ndarray]) -> None:
    """Insert absent steps as missing values, with one warning that counts them."""
    frequency, kind = panel.frequency, panel.source.kind
    assert frequency is not None and kind is not None
    n_absent, n_series = 0, 0
    for i, values in enumerate(stamps):
        positions = frequency.positions(values)
        assert positions is not None
        n_steps = int(positions[-1]) + 1
        if n_steps == len(values):
            continue
        n_absent, n_series = n_absent + n_steps - len(values), n_series + 1
        if n_steps > (MAX_ABSENT + 1) * len(values):
            raise DataError(
                f"{panel.name(i)} has {len(values)} steps of the {n_steps} from "
                f"{kind.text(values[0])} to {kind.text(values[-1])}; check whether a time "
                f"stamp is wrong."
            )
        whole = np.full((n_steps, panel[i].shape[1]), np.nan)
        whole[positions] = panel[i]
        panel.values[i] = whole
    if n_absent:
        where = "the series" if len(panel) == 1 else f"{n_series} of the series"
        warn_of_data(
            f"{n_absent} steps are absent between the first and the last of {where} "
            f"({frequency} apart); they are read as missing. Cross-validation folds other "
            f"than those of TimeSeriesSplit leave such gaps."
        )


def _refuse_irregular(stamps: list[np.ndarray], panel: Panel) -> None:
    kind = panel.source.kind
    assert kind is not None
    values = next(s for s in stamps if len(s) > 1)
    i = next(j for j, s in enumerate(stamps) if s is values)
    raise DataError(
        f"The time stamps of X have no common distance: in {panel.name(i)} "
        f"{_unusual_step(values, kind, None)}. Resample them, for example by "
        f'df.resample("D").mean(), or {RESET}.'
    )


def _unusual_step(
    values: np.ndarray, kind: TimeKind, frequency: Frequency | None
) -> str:
    """Two consecutive stamps at an unusual distance, for messages."""
    distances = np.diff(frequency.units(values) if frequency else values)
    sizes, counts = np.unique(distances, return_counts=True)
    usual = sizes[counts.argmax()] if frequency is None else frequency.step
    off = np.flatnonzero(distances != usual)
    at = int(off[0]) if len(off) else 0
    return f"{kind.text(values[at])} is followed by {kind.text(values[at + 1])}"


def _words(kind: TimeKind) -> str:
    zone = f" in {kind.zone}" if kind.zone else " without a time zone"
    return "numbers" if not kind.is_calendar else f"times{zone}"
