"""The rows of a frame -> series in order of time, at regular steps.

A stamp that is there twice is refused, and so are stamps without a common distance. Steps
that are absent between the first and the last stamp become missing values.
"""

from typing import Any

import numpy as np

from lamina.encoders.series.frequencies import Frequency, find_frequency, is_regular
from lamina.encoders.series.panel import Panel, PanelSchema
from lamina.encoders.series.steps import RESET, Steps
from lamina.encoders.series.times import TimeKind, Times
from lamina.exceptions import DataError, warn_of_data

MOST_ABSENT = 50
"""Absent steps for each one that is there, beyond which a stamp is taken for wrong."""


def panel_of(steps: Steps, schema: PanelSchema | None = None) -> Panel:
    """The series of a frame, each in order of time and regular."""
    panel, stamps = ordered_panel(steps)
    if stamps is None:
        return panel
    panel.first = [s[0] for s in stamps]
    panel.frequency = _frequency(stamps, panel, schema)
    if panel.frequency is not None:
        _make_regular(panel, stamps)
    return panel


def ordered_panel(steps: Steps) -> tuple[Panel, list[np.ndarray] | None]:
    """The series of a frame, each in order of time; and the stamps, if there are some."""
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
    numbers: dict[Any, int] = {}
    codes = np.array([numbers.setdefault(i, len(numbers)) for i in ids])
    order = codes.argsort(kind="stable")
    ends = np.bincount(codes).cumsum()
    return list(numbers), np.split(order, ends[:-1])


def _in_time(times: Times, rows: list[np.ndarray], panel: Panel) -> list[np.ndarray]:
    """The rows of each series in order of time; a stamp that is there twice is refused."""
    ordered = [r[times.values[r].argsort(kind="stable")] for r in rows]
    for i, order in enumerate(ordered):
        twice = np.flatnonzero(np.diff(times.values[order]) == 0)
        if len(twice):
            a, b = order[twice[0]], order[twice[0] + 1]
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
    """The frequency of fit, or else of these stamps; raises where they are irregular."""
    kind = panel.source.kind
    assert kind is not None
    learnt = None if schema is None else schema.frequency
    if learnt is None:
        found = find_frequency(stamps, kind.is_calendar, kind.zone)
        if found is None and any(len(s) > 1 for s in stamps):
            _refuse_irregular(stamps, panel)
        return found
    assert schema is not None and schema.time is not None
    if kind.is_calendar != schema.time.is_calendar or (
        kind.is_calendar and (kind.zone is None) != (schema.time.zone is None)
    ):
        raise DataError(
            f"X has stamps that are {_words(kind)}, and fit saw {_words(schema.time)}; "
            f"pass such as fit saw."
        )
    for i, values in enumerate(stamps):
        positions = learnt.positions(values)
        if positions is None or not is_regular(positions):
            raise DataError(
                f"{panel.name(i)} has stamps that are not {learnt} apart, as in fit: "
                f"{_strangest(values, kind, learnt)}. Resample them."
            )
    return learnt


def _make_regular(panel: Panel, stamps: list[np.ndarray]) -> None:
    """Steps that are absent become missing values; one warning counts them."""
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
        if n_steps > (MOST_ABSENT + 1) * len(values):
            raise DataError(
                f"{panel.name(i)} has {len(values)} steps of the {n_steps} from "
                f"{kind.text(values[0])} to {kind.text(values[-1])}; is a stamp wrong?"
            )
        whole = np.full((n_steps, panel[i].shape[1]), np.nan)
        whole[positions] = panel[i]
        panel.values[i] = whole
    if n_absent:
        where = "the series" if len(panel) == 1 else f"{n_series} of the series"
        warn_of_data(
            f"{n_absent} steps are absent between the first and the last of {where} "
            f"({frequency} apart); they are read as missing. Folds that are not those of "
            f"TimeSeriesSplit leave such gaps."
        )


def _refuse_irregular(stamps: list[np.ndarray], panel: Panel) -> None:
    kind = panel.source.kind
    assert kind is not None
    values = next(s for s in stamps if len(s) > 1)
    i = next(j for j, s in enumerate(stamps) if s is values)
    raise DataError(
        f"The stamps of X have no common distance: in {panel.name(i)} "
        f"{_strangest(values, kind, None)}. Resample them, for example by "
        f'df.resample("D").mean(), or {RESET}.'
    )


def _strangest(values: np.ndarray, kind: TimeKind, frequency: Frequency | None) -> str:
    """Two stamps that follow one another at an unusual distance."""
    distances = np.diff(frequency.units(values) if frequency else values)
    sizes, counts = np.unique(distances, return_counts=True)
    usual = sizes[counts.argmax()] if frequency is None else frequency.step
    off = np.flatnonzero(distances != usual)
    at = int(off[0]) if len(off) else 0
    return f"{kind.text(values[at])} is followed by {kind.text(values[at + 1])}"


def _words(kind: TimeKind) -> str:
    zone = f" in {kind.zone}" if kind.zone else " without a time zone"
    return "numbers" if not kind.is_calendar else f"times{zone}"
