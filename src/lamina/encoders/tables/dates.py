"""Dates and durations: ISO texts and Python objects -> numpy times -> floats."""

import datetime
import re
from collections.abc import Iterable
from types import EllipsisType
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from lamina.missing import is_missing

DAY = 86_400.0
CYCLES = {"year": 365.2425 * DAY, "week": 7 * DAY, "day": DAY}
WIDTH = 1 + 2 * len(CYCLES)
"""Values that a date becomes."""
ISO_DATE = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?"
)
OTHER_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{2,4}([T ].*)?")
"""Texts that look like dates in which the order of day and month is ambiguous."""

Parsed = datetime.date | EllipsisType | None


def parsed(value: object) -> Parsed:
    """A date or datetime, None for a missing value, Ellipsis for any other value."""
    if is_missing(value):
        return None
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[us]").item()
    if isinstance(value, datetime.date):
        return value
    if isinstance(value, bytes):
        value = value.decode("utf8", "replace")
    if isinstance(value, str) and ISO_DATE.fullmatch(value):
        try:
            return datetime.datetime.fromisoformat(value)
        except ValueError:
            return Ellipsis
    return Ellipsis


def local_time(date: Parsed, zone: str | None) -> Parsed:
    """A datetime with a time zone as local time of the zone of its column."""
    if not isinstance(date, datetime.datetime) or date.tzinfo is None:
        return date
    if zone is not None:
        date = date.astimezone(_zone(zone))
    return date.replace(tzinfo=None)


def _zone(name: str) -> datetime.tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return datetime.UTC


def zone_of(dates: Iterable[object]) -> str | None:
    """The first time zone of datetimes; None if none has one."""
    zones = (d.tzinfo for d in dates if isinstance(d, datetime.datetime))
    return next((str(z) for z in zones if z is not None), None)


def are_iso_dates(texts: list[str]) -> bool:
    """Whether there are texts and all are ISO 8601 dates."""
    matches = bool(texts) and all(map(ISO_DATE.fullmatch, texts))
    return matches and all(parsed(t) is not Ellipsis for t in texts)


def date_features(times: np.ndarray) -> np.ndarray:
    """(n, 7): days since 1970, and sine and cosine of the phase in each cycle."""
    seconds = seconds_of(times)
    angles = [2 * np.pi * seconds / length for length in CYCLES.values()]
    circles = [f(angle) for angle in angles for f in (np.sin, np.cos)]
    return np.stack([seconds / DAY, *circles], axis=1)


def seconds_of(times: np.ndarray) -> np.ndarray:
    """Times or durations in seconds; NaN where missing."""
    return np.where(np.isnat(times), np.nan, times.astype(np.int64) / 1e6)
