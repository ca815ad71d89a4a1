"""Dates and durations: ISO texts and Python's objects -> numpy's times -> numbers."""

import datetime
import re
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from lamina.missing import is_missing

DAY = 86_400.0
CYCLES = {"year": 365.2425 * DAY, "week": 7 * DAY, "day": DAY}
WIDTH = 1 + 2 * len(CYCLES)
"""Numbers that a date becomes."""
ISO_DATE = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?"
)
OTHER_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{2,4}([T ].*)?")
"""Texts that look like dates whose day and month could be exchanged."""


def parsed(value: Any) -> Any:
    """A date or datetime, None for what is missing, Ellipsis for what is neither."""
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


def local_time(date: Any, zone: str | None) -> Any:
    """The date in the wall time of its column."""
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


def zone_of(dates: Iterable[Any]) -> str | None:
    """The first time zone among datetimes, None if none has one."""
    zones = (d.tzinfo for d in dates if isinstance(d, datetime.datetime))
    return next((str(z) for z in zones if z is not None), None)


def are_iso_dates(texts: list[str]) -> bool:
    """Whether there are texts, and all are dates of ISO 8601."""
    matches = bool(texts) and all(map(ISO_DATE.fullmatch, texts))
    return matches and all(parsed(t) is not Ellipsis for t in texts)


def unfolded(times: np.ndarray) -> np.ndarray:
    """(n, 7): days since 1970, and the sine and cosine of each cycle."""
    seconds = seconds_of(times)
    angles = [2 * np.pi * seconds / length for length in CYCLES.values()]
    circles = [f(angle) for angle in angles for f in (np.sin, np.cos)]
    return np.stack([seconds / DAY, *circles], axis=1)


def seconds_of(times: np.ndarray) -> np.ndarray:
    """Seconds; NaN where a time or duration is missing."""
    return np.where(np.isnat(times), np.nan, times.astype(np.int64) / 1e6)
