"""The frequency of time stamps: inferred, named and continued.

A frequency converts stamps to numbers of steps and back. The first of these units is used
on whose grid all stamps of all series lie:

1. months: the first, the last, the first or last business day, or one day of the month
   (so quarters and years, which are 3 and 12 months);
2. business days, if no stamp is at a weekend and a Monday follows a Friday somewhere;
3. days of the time zone, so that a day may last 23 or 25 hours;
4. a fixed duration.

The step is the greatest common divisor of all distances. In each series it must be the
most frequent distance, or at least half of the steps must be present and not all on a
coarser grid; otherwise the stamps are irregular.
"""

from dataclasses import dataclass, replace

import numpy as np

from lamina.encoders.series.times import DAY, to_instants, to_wall_clock
from lamina.state import Stored

UNITS = {
    "day": DAY,
    "hour": DAY // 24,
    "minute": DAY // 1440,
    "second": DAY // 86400,
    "millisecond": 1000,
    "microsecond": 1,
}
MIN_DISTANCES = 4
"""Distances from which a series on a coarser grid counts as irregular."""
TOLERANCE = 1e-3
"""The largest distance of a position from a whole number of steps."""


@dataclass(frozen=True)
class Frequency(Stored):
    """The distance of consecutive time stamps."""

    unit: str
    """"number", "duration", "day", "business day" or "month"."""
    step: float = 1
    """In units; microseconds for durations."""
    anchor: str = "start"
    """The day of a month: "start", "end", "first business day", "last business day", or
    its number."""
    time_of_day: int = 0
    """Microseconds, where the unit is a day or longer."""
    zone: str | None = None

    def __str__(self) -> str:
        """The step as text, such as "2 days"."""
        unit, step = self.unit, self.step
        if unit == "number":
            return f"{step:g}"
        if unit == "duration":
            unit = next(u for u, length in UNITS.items() if step % length == 0)
            step = step // UNITS[unit]
        return f"{step:g} {unit}{'' if step == 1 else 's'}"

    def units(self, values: np.ndarray) -> np.ndarray:
        """Whole units since 1970 of stamps (n,), which need not be on the grid."""
        if self.unit in ("number", "duration"):
            return values
        days = to_wall_clock(values, self.zone) // DAY
        if self.unit == "day":
            return days
        dates = days.astype("datetime64[D]")
        if self.unit == "month":
            return dates.astype("datetime64[M]").astype(np.int64)
        return np.busday_count(np.datetime64(0, "D"), dates)

    def stamps(self, units: np.ndarray) -> np.ndarray:
        """The stamps of units (n,); the inverse of `units`."""
        if self.unit in ("number", "duration"):
            return units
        if self.unit == "day":
            days = units
        elif self.unit == "month":
            days = _days_of(units, self.anchor)
        else:
            dates = np.busday_offset(np.datetime64(0, "D"), units)
            days = dates.astype(np.int64)
        return to_instants(days * DAY + self.time_of_day, self.zone)

    def positions(self, values: np.ndarray) -> np.ndarray | None:
        """Steps from the first of the stamps (n,) to each; None if one is off the grid."""
        units = self.units(values)
        if self.unit not in ("number", "duration") and (
            (self.stamps(units) != values).any()
        ):
            return None
        steps = (units - units[0]) / self.step
        whole = np.rint(steps)
        if (np.abs(steps - whole) > TOLERANCE).any():
            return None
        return whole.astype(np.int64)

    def after(self, first: float, positions: np.ndarray) -> np.ndarray:
        """The stamps (n,) at `positions` (n,) steps after the stamp `first`."""
        start = self.units(np.array([first]))[0]
        moved = start + positions * self.step
        if isinstance(start, np.integer) and self.step == int(self.step):
            moved = (start + positions * int(self.step)).astype(np.int64)
        return self.stamps(moved)

    def seasons(self) -> list[int]:
        """Steps in an hour, a day, a week and a year, where these are whole and above 1."""
        if self.unit == "number":
            return []
        if self.unit == "month":
            return [s for s in _whole(12, self.step) if s > 1]
        if self.unit == "business day":
            return [s for s in _whole(5, self.step) if s > 1]
        length = self.step * DAY if self.unit == "day" else self.step
        seasons = [
            s for cycle in (DAY // 24, DAY, 7 * DAY) for s in _whole(cycle, length)
        ]
        if length == 7 * DAY:
            seasons.append(52)
        return [s for s in seasons if s > 1]


def find_frequency(
    series: list[np.ndarray], is_calendar: bool, zone: str | None
) -> Frequency | None:
    """The frequency of sorted distinct stamps, an array a series; None if irregular."""
    several = [values for values in series if len(values) > 1]
    if not several:
        return None
    candidates = _calendar(several, zone) if is_calendar else [Frequency("number")]
    for candidate in candidates:
        frequency = _with_step(candidate, several)
        if frequency is not None:
            return frequency
    return None


def is_regular(positions: np.ndarray) -> bool:
    """Whether 1 is the most frequent distance, or at least half of the steps are there."""
    distances = np.diff(positions)
    if not len(distances):
        return True
    sizes, counts = np.unique(distances, return_counts=True)
    if sizes[counts.argmax()] == 1:
        return True
    if len(distances) >= MIN_DISTANCES and np.gcd.reduce(distances) > 1:
        return False
    return 2 * len(positions) >= positions[-1] - positions[0] + 1


def _with_step(candidate: Frequency, series: list[np.ndarray]) -> Frequency | None:
    """The candidate with its step; None if not all stamps are on its grid."""
    units = [candidate.units(values) for values in series]
    distances = np.concatenate([np.diff(u) for u in units])
    if (distances <= 0).any():
        return None
    if distances.dtype.kind == "f":
        step = float(distances.min())
    else:
        step = int(np.gcd.reduce(distances))
    frequency = replace(candidate, step=step)
    for values in series:
        positions = frequency.positions(values)
        if positions is None or not is_regular(positions):
            return None
    return frequency


def _calendar(series: list[np.ndarray], zone: str | None) -> list[Frequency]:
    """Frequencies of one unit to try, the longest unit first."""
    wall = np.concatenate([to_wall_clock(values, zone) for values in series])
    time_of_day = int(np.median(wall % DAY))
    days = (wall // DAY).astype("datetime64[D]")
    day = int((days - days.astype("datetime64[M]")).astype(np.int64).max()) + 1
    anchors = ("start", "end", "first business day", "last business day", str(day))
    candidates = [Frequency("month", 1, a, time_of_day, zone) for a in anchors]
    if _are_business_days(series, zone):
        candidates.append(Frequency("business day", 1, "start", time_of_day, zone))
    candidates.append(Frequency("day", 1, "start", time_of_day, zone))
    return [*candidates, Frequency("duration")]


def _are_business_days(series: list[np.ndarray], zone: str | None) -> bool:
    spans_weekend = False
    for values in series:
        days = to_wall_clock(values, zone) // DAY
        weekday = (days + 3) % 7  # 1 January 1970 was a Thursday
        if (weekday > 4).any():
            return False
        spans_weekend |= bool(((np.diff(days) == 3) & (weekday[:-1] == 4)).any())
    return spans_weekend


def _days_of(months: np.ndarray, anchor: str) -> np.ndarray:
    """Days since 1970 of one day in each month."""
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    last = (months + 1).astype("datetime64[M]").astype("datetime64[D]") - 1
    if anchor == "start":
        dates = first
    elif anchor == "end":
        dates = last
    elif anchor == "first business day":
        dates = np.busday_offset(first, 0, roll="forward")
    elif anchor == "last business day":
        dates = np.busday_offset(last, 0, roll="backward")
    else:
        dates = np.minimum(first + (int(anchor) - 1), last)
    return dates.astype(np.int64)


def _whole(cycle: float, step: float) -> list[int]:
    return [int(cycle // step)] if cycle % step == 0 else []
