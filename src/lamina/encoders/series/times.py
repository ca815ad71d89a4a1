"""Time stamps of any type -> numbers, and back.

Calendar stamps become microseconds since 1970 in UTC: datetimes with or without a time zone
(read as UTC without one), dates, pandas' periods (their start) and ISO 8601 texts. Numbers
are positions and are kept.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import narwhals.stable.v2 as nw
import numpy as np

from lamina.exceptions import DataError
from lamina.state import Stored

DAY = 86_400_000_000
"""Microseconds."""
QUARTER_HOUR = DAY // 96
"""The offset of a time zone changes at multiples of it."""
EPOCH = datetime(1970, 1, 1)
MONTH = re.compile(r"(\d{4})-(\d{2})$")
QUARTER_OF_YEAR = re.compile(r"(\d{4})-?Q([1-4])$")
OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})$")


@dataclass(frozen=True)
class TimeKind(Stored):
    """The type of time stamps; enough to write later ones in the same type."""

    type: str
    """"datetime", "date", "period", "text" or "number"."""
    zone: str | None = None
    style: str | None = None
    """The frequency of periods, the resolution of datetimes, or the format of texts:
    "date", "compact", "month", "quarter", or the separator of date and time."""
    is_integer: bool = False

    @property
    def is_calendar(self) -> bool:
        """Whether stamps are instants, and not positions."""
        return self.type != "number"

    def text(self, value: float | np.ndarray) -> str:
        """A stamp as text, for messages."""
        if not self.is_calendar:
            return f"{value:g}"
        moment = EPOCH + timedelta(microseconds=int(value))
        if self.zone is not None:
            moment = moment.replace(tzinfo=UTC).astimezone(zone_of(self.zone))
        is_day = moment.time() == datetime.min.time() and self.zone is None
        return str(moment.date() if is_day else moment)


@dataclass(frozen=True)
class Times:
    """Time stamps of rows (n,): integers, or floats if they are fractional positions."""

    kind: TimeKind
    values: np.ndarray


def read_times(column: nw.Series, name: str) -> Times:
    """The time stamps of a column; raises `DataError` naming the row of an invalid one."""
    native = column.to_native()
    missing = column.is_null().to_numpy()
    _refuse_missing(np.asarray(missing, dtype=bool), name)
    if nw.dependencies.is_pandas_like_series(native):
        times = _pandas_times(native)
        if times is not None:
            return times
    dtype = column.dtype
    if isinstance(dtype, nw.Datetime):
        values = column.dt.timestamp("us").to_numpy().astype(np.int64)
        return Times(TimeKind("datetime", dtype.time_zone, dtype.time_unit), values)
    if dtype == nw.Date:
        stamps = np.array(column.to_list(), dtype="datetime64[D]")
        values = stamps.astype("datetime64[us]").astype(np.int64)
        return Times(TimeKind("date"), values)
    if dtype.is_numeric():
        return _positions(column.to_numpy(), name)
    if dtype in (nw.String, nw.Categorical, nw.Enum, nw.Object):
        return _one_by_one(column.to_list(), name)
    raise DataError(
        f"{name} has type {dtype}, which is not a time; pass datetimes, dates, ISO texts "
        f"(2024-01-31) or the positions of the steps."
    )


def _pandas_times(native: Any) -> Times | None:
    """Periods, and datetimes with a zone, which narwhals does not always recognise."""
    words = str(native.dtype)
    if words.startswith("period["):
        kind = TimeKind("period", style=words[len("period[") : -1])
        native = native.dt.to_timestamp()
    elif words.startswith("datetime64[") and "," in words:
        kind = TimeKind("datetime", str(native.dtype.tz), native.dtype.unit)
        native = native.dt.tz_convert("UTC").dt.tz_localize(None)
    else:
        return None
    return Times(kind, native.to_numpy().astype("datetime64[us]").astype(np.int64))


def zone_of(name: str) -> tzinfo:
    """A time zone by its name, or by its offset from UTC."""
    match = OFFSET.match(name)
    if match:
        sign, hours, minutes = match.groups()
        distance = timedelta(hours=int(hours), minutes=int(minutes))
        return timezone(-distance if sign == "-" else distance)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise DataError(
            f"The time zone {name!r} is not in this machine's database; convert the "
            f"stamps to UTC."
        ) from None


def to_wall_clock(instants: np.ndarray, zone: str | None) -> np.ndarray:
    """Local times of a time zone, in microseconds since 1970."""
    if zone is None or zone == "UTC" or not len(instants):
        return instants
    return instants + _offsets(instants, zone)


def to_instants(wall: np.ndarray, zone: str | None) -> np.ndarray:
    """The instants of local times; the first of two where a local time is ambiguous.

    A local time that does not exist, as clocks are put forward, is shifted by as much.
    """
    if zone is None or zone == "UTC" or not len(wall):
        return wall
    before = wall - _offsets(wall - DAY, zone)
    after = wall - _offsets(wall + DAY, zone)
    is_after = to_wall_clock(before, zone) != wall
    is_after &= to_wall_clock(after, zone) == wall
    return np.where(is_after, after, before)


def _offsets(instants: np.ndarray, zone: str) -> np.ndarray:
    """Microseconds by which a zone is ahead of UTC at these instants."""
    first, last = (_year(int(v)) for v in (instants.min(), instants.max()))
    tables = [_changes(zone, year) for year in range(first, last + 1)]
    starts = np.concatenate([table[0] for table in tables])
    offsets = np.concatenate([table[1] for table in tables])
    return offsets[np.searchsorted(starts, instants, side="right") - 1]


@lru_cache(maxsize=1024)
def _changes(zone: str, year: int) -> tuple[np.ndarray, np.ndarray]:
    """The instants of a year from which on an offset applies, and these offsets."""
    place = zone_of(zone)

    def offset(instant: int) -> int:
        moment = (EPOCH + timedelta(microseconds=instant)).replace(tzinfo=UTC)
        return _microseconds(moment.astimezone(place).replace(tzinfo=None)) - instant

    begin, end = (_microseconds(datetime(y, 1, 1)) for y in (year, year + 1))
    starts, offsets = [begin], [offset(begin)]
    for day in range(begin, end, DAY):
        if offset(day + DAY) == offset(day):
            continue
        for instant in range(day + QUARTER_HOUR, day + DAY + 1, QUARTER_HOUR):
            if offset(instant) != offsets[-1]:
                starts.append(instant)
                offsets.append(offset(instant))
    return np.array(starts), np.array(offsets)


def _year(instant: int) -> int:
    return (EPOCH + timedelta(microseconds=instant)).year


def _microseconds(moment: datetime) -> int:
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return (moment - EPOCH) // timedelta(microseconds=1)


def _refuse_missing(missing: np.ndarray, name: str) -> None:
    if missing.any():
        raise DataError(
            f"{name} has a missing time in row {int(missing.argmax())}; fill it in or "
            f"drop the row."
        )


def _positions(values: np.ndarray, name: str) -> Times:
    if not np.isfinite(values.astype(np.float64)).all():
        _refuse_missing(~np.isfinite(values.astype(np.float64)), name)
    is_integer = values.dtype.kind in "iu" or bool((values == np.rint(values)).all())
    values = values.astype(np.int64 if is_integer else np.float64)
    for digits, form in ((8, "%Y%m%d"), (6, "%Y%m")):
        if is_integer and _are_dates(values, digits):
            raise DataError(
                f"{name} holds integers such as {values[0]} that look like dates; pass "
                f'dates, for example pd.to_datetime(column, format="{form}").'
            )
    return Times(TimeKind("number", is_integer=is_integer), values)


def _are_dates(values: np.ndarray, digits: int) -> bool:
    """Whether all integers are dates YYYYMMDD or months YYYYMM from 1900 to 2100."""
    days = values if digits == 8 else 100 * values + 1
    month, day = days // 100 % 100, days % 100
    years = (days >= 19000101) & (days <= 21001231)
    return bool((years & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)).all())


def _one_by_one(values: list, name: str) -> Times:
    read = [_moment(value, name, row) for row, value in enumerate(values)]
    first = read[0][0]
    for row, (kind, _) in enumerate(read):
        if (kind.type, kind.zone is None) != (first.type, first.zone is None):
            raise DataError(
                f"{name} mixes types of time: {values[0]!r} in row 0 and {values[row]!r} "
                f"in row {row}; convert them to one, for example by pd.to_datetime."
            )
    if not first.is_calendar:
        return _positions(np.array([value for _, value in read]), name)
    kinds = {kind for kind, _ in read}
    kind = first if len(kinds) == 1 else TimeKind(first.type, first.zone and "UTC", "T")
    return Times(kind, np.array([value for _, value in read], dtype=np.int64))


def _moment(value: object, name: str, row: int) -> tuple[TimeKind, float]:
    """One time stamp of a column of texts or objects."""
    if isinstance(value, str):
        return _text_moment(value, name, row)
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, datetime):
        zone = None if value.tzinfo is None else str(value.tzinfo)
        return TimeKind("datetime", zone, "us"), _microseconds(value)
    if isinstance(value, date):
        return TimeKind("date"), _microseconds(datetime(*value.timetuple()[:3]))
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        return TimeKind("number"), value  # type: ignore[return-value]
    raise DataError(
        f"{name} holds {value!r} in row {row}, which is not a time; pass datetimes, dates, "
        f"ISO texts (2024-01-31) or the positions of the steps."
    )


def _text_moment(text: str, name: str, row: int) -> tuple[TimeKind, int]:
    text = text.strip()
    for pattern, style in ((MONTH, "month"), (QUARTER_OF_YEAR, "quarter")):
        match = pattern.match(text)
        if match:
            year, month = map(int, match.groups())
            month = month if style == "month" else 3 * month - 2
            if 1 <= month <= 12:
                first_day = datetime(year, month, 1)
                return TimeKind("text", style=style), _microseconds(first_day)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(
            f"{name} holds the text {text!r} in row {row}, which is not an ISO time "
            f"(2024-01-31, 2024-01-31 15:00); pass dates, for example "
            f"pd.to_datetime(column, dayfirst=True) if the day comes first."
        ) from None
    zone = None if moment.tzinfo is None else str(moment.tzinfo)
    if len(text) <= 10:
        style = "date" if "-" in text else "compact"
    else:
        style = text[10] if text[4] == "-" else "T"
    return TimeKind("text", zone, style), _microseconds(moment)
