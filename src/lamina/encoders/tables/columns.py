"""The kind of each column of a table: number, category, date or duration.

It follows from the dtype, and in a column of objects from the values: numbers of any type
(also bool, Decimal and Fraction) are numbers, dates and texts that are all ISO dates are
dates, strings of several words are texts (`texts.py`), others are categories. An ordered
category becomes its position. A date becomes seven values: its time in days, and sine and
cosine of its position in the year, the week and the day. In prediction, columns are
converted to the kind that they had in `fit`, or refused.
"""

import datetime
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import NoneType

import numpy as np

from lamina.encoders.finite import refuse_infinite
from lamina.encoders.frames import NUMERIC, Values
from lamina.encoders.tables.chosen import Chosen
from lamina.encoders.tables.dates import (
    DAY,
    OTHER_DATE,
    WIDTH,
    are_iso_dates,
    date_features,
    local_time,
    parsed,
    seconds_of,
    zone_of,
)
from lamina.encoders.tables.scalars import (
    DURATIONS,
    are_all,
    are_numbers,
    are_numbers_as_texts,
    category_text,
    number_of,
)
from lamina.encoders.tables.texts import are_texts, tokens_of
from lamina.encoders.tokenizers import unit_of
from lamina.exceptions import DataError, warn_of_data
from lamina.missing import is_missing
from lamina.numeric import as_floats, tensor_types
from lamina.state import Stored

KINDS = dict.fromkeys(NUMERIC, "number") | {"M": "date", "m": "duration"}
"""The kinds of columns of these kinds of dtypes."""
UNUSABLE = (complex, np.complexfloating, np.ndarray, np.void)
"""Types of values that are neither numbers nor the name of a category."""
PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
"""A number as text; a leading zero marks a code, such as a postcode."""


@dataclass(frozen=True)
class Column(Stored):
    """What `fit` learnt about a column."""

    name: Hashable
    """Its label, or its position where columns have no labels."""
    kind: str
    """"number", "category", "ordered", "date", "duration" or "text"."""
    dtype: str
    """The dtype that it had in `fit`."""
    time_zone: str | None = None
    categories: tuple[str | None, ...] = ()
    """Sorted, or ascending if they are ordered; None is that of missing values."""
    has_missing: bool = False
    unit: str = ""
    """What texts are split into: "word" or "char"."""

    @property
    def width(self) -> int:
        """Numeric columns that it becomes; 0 for categories and texts."""
        return {"category": 0, "text": 0, "date": WIDTH}.get(self.kind, 1)


def column_of(name: Hashable, values: Values, chosen: Chosen) -> Column:
    """The column with these values in `fit`."""
    is_categorical = chosen.is_category
    if chosen.is_text:
        return _column_of_texts(name, values.array, chosen)
    kind, zone = values.array.dtype.kind, values.time_zone
    dtype = str(values.array.dtype)
    if values.order is not None and not is_categorical:
        levels = map(category_text, values.order)
        return Column(name, "ordered", dtype, categories=tuple(levels))
    if is_categorical or values.is_category:
        return Column(name, "category", dtype)
    if kind in KINDS:
        return Column(name, KINDS[kind], dtype, zone)
    if kind in "cV":
        raise DataError(
            f"{_column(name)} holds {values.array.dtype}. Complex data not supported, nor "
            f"is raw memory; convert it to numbers or texts."
        )
    return _column_of_objects(name, values.array, chosen)


def converted(column: Column, values: Values) -> np.ndarray:
    """The values, converted to the kind of `column`.

    Numbers, durations (in days) and positions in an order become float64 (n,), dates float64
    (n, 7), and categories objects (n,), each a str or `MISSING`; texts (n,) lists of tokens.
    """
    return CONVERTERS[column.kind](column, values)


def _column_of_texts(name: Hashable, array: np.ndarray, chosen: Chosen) -> Column:
    present = [v for v in array.tolist() if not is_missing(v)]
    for row, value in enumerate(array.tolist()):
        if not (is_missing(value) or isinstance(value, str)):
            raise DataError(
                f"{_column(name)} is one of text_features, and contains {value!r} in row "
                f"{row}, which is not a text; convert it by str(), or leave the column out "
                f"of text_features."
            )
    unit = unit_of(present, chosen.token_unit)
    return Column(name, "text", str(array.dtype), unit=unit)


def _column_of_objects(name: Hashable, array: np.ndarray, chosen: Chosen) -> Column:
    dtype = str(array.dtype)
    present = [v for v in array.tolist() if not is_missing(v)]
    types = set(map(type, present))
    _refuse_unusable(name, array, types)
    if are_numbers(types):
        return Column(name, "number", dtype)
    if are_all(types, (datetime.date, np.datetime64)):
        return Column(name, "date", dtype, zone_of(present))
    if are_all(types, DURATIONS):
        return Column(name, "duration", dtype)
    if are_all(types, (str,)):
        if are_iso_dates(present):
            return Column(name, "date", dtype, zone_of(map(parsed, present)))
        if all(OTHER_DATE.fullmatch(v) for v in present):
            warn_of_data(
                f"{_column(name)} holds texts that look like dates, such as "
                f"{present[0]!r}, and is read as categories; convert it by "
                f"pandas.to_datetime, or write the dates as 2024-12-31."
            )
        elif are_numbers_as_texts(present):
            warn_of_data(
                f"{_column(name)} holds texts that look like numbers, such as "
                f"{present[0]!r}, and is read as categories; remove separators and units, "
                f"and convert it by pandas.to_numeric."
            )
        elif chosen.is_text is None and are_texts(present):
            return _column_of_texts(name, array, chosen)
    return Column(name, "category", dtype)


def _to_numbers(column: Column, values: Values) -> np.ndarray:
    array = values.array
    if array.dtype.kind not in NUMERIC:
        if array.dtype.kind not in "OUS":
            raise _other_kind(column, array, "numbers")
        floats = [number_of(v) for v in array.tolist()]
        if None in floats:
            raise _bad_value(column, array, floats.index(None), "a number")
        array = np.array(floats, dtype=np.float64)
    array = as_floats(array, _column(column.name))
    refuse_infinite(array[:, None], [column.name])
    return array


def _to_categories(column: Column, values: Values) -> np.ndarray:
    items = values.array.tolist()
    texts = [v if type(v) is str else category_text(v) for v in items]
    if column.categories:
        texts = _recognised(column, texts)
    return np.array(texts, dtype=object)


def _to_positions(column: Column, values: Values) -> np.ndarray:
    positions = {text: float(i) for i, text in enumerate(column.categories)}
    texts = _to_categories(column, values).tolist()
    return np.array([positions.get(text, np.nan) for text in texts])


def _to_dates(column: Column, values: Values) -> np.ndarray:
    array, zone = values.array, values.time_zone
    if array.dtype.kind == "O" or array.dtype.kind in "US":
        array, zone = _dates_of_objects(column, array)
    elif array.dtype.kind != "M":
        raise _other_kind(column, array, "dates")
    if (zone is None) != (column.time_zone is None) and not np.isnat(array).all():
        zones = [
            f"the time zone {z}" if z else "no time zone"
            for z in (column.time_zone, zone)
        ]
        raise DataError(
            f"{_column(column.name)} has dates with {zones[1]}, and had dates with "
            f"{zones[0]} in fit; convert them (tz_localize, tz_convert)."
        )
    return date_features(array)


def _to_durations(column: Column, values: Values) -> np.ndarray:
    array = values.array
    if array.dtype.kind == "O":
        deltas = [None if is_missing(v) else v for v in array.tolist()]
        for row, delta in enumerate(deltas):
            if not isinstance(delta, (*DURATIONS, NoneType)):
                raise _bad_value(column, array, row, "a duration")
        array = np.array(deltas, dtype="timedelta64[us]")
    if array.dtype.kind != "m":
        raise _other_kind(column, array, "durations")
    return seconds_of(array) / DAY


def _to_tokens(column: Column, values: Values) -> np.ndarray:
    for row, value in enumerate(values.array.tolist()):
        if not (is_missing(value) or isinstance(value, str)):
            raise _bad_value(column, values.array, row, "a text")
    return tokens_of(values.array.tolist(), column.unit)


CONVERTERS: dict[str, Callable[[Column, Values], np.ndarray]] = {
    "number": _to_numbers,
    "category": _to_categories,
    "ordered": _to_positions,
    "date": _to_dates,
    "duration": _to_durations,
    "text": _to_tokens,
}


def _recognised(column: Column, texts: list[str | None]) -> list[str | None]:
    """Categories as they were written in `fit`; a number may be written otherwise."""
    seen = set(column.categories)
    unseen = {t for t in texts if t is not None and t not in seen}
    if not unseen:
        return texts
    numbers = {float(c): c for c in seen if c is not None and PLAIN_NUMBER.fullmatch(c)}
    same = {
        t: numbers[float(t)]
        for t in unseen
        if PLAIN_NUMBER.fullmatch(t) and float(t) in numbers
    }
    texts = [t if t is None else same.get(t, t) for t in texts]
    unseen -= same.keys()
    if sum(t in unseen for t in texts) > len(texts) / 2:
        warn_of_data(
            f"Most values of column {column.name!r} are categories that did not occur in "
            f"fit, such as {min(unseen)!r}; they count as unknown."
        )
    return texts


def _refuse_unusable(name: Hashable, array: np.ndarray, types: set[type]) -> None:
    for kind in types:
        unusable = UNUSABLE + tensor_types()
        is_scalar = kind.__hash__ is not None and not issubclass(kind, unusable)
        has_text = (
            kind.__str__ is not object.__str__ or kind.__repr__ is not object.__repr__
        )
        if not is_scalar or not has_text:
            row, value = next(
                (i, v) for i, v in enumerate(array.tolist()) if type(v) is kind
            )
            raise DataError(
                f"{_column(name)} holds {value!r} in row {row}; an argument must be a "
                f"string, a number, a date or a duration, or missing."
            )


def _dates_of_objects(
    column: Column, array: np.ndarray
) -> tuple[np.ndarray, str | None]:
    dates = [parsed(v) for v in array.tolist()]
    for row, date in enumerate(dates):
        if date is Ellipsis:
            raise _bad_value(column, array, row, "a date (2024-12-31, or a datetime)")
    zone = zone_of(dates)
    local = [local_time(d, column.time_zone) for d in dates]
    return np.array(local, dtype="datetime64[us]"), zone


def _column(name: Hashable) -> str:
    return f"Column {name!r}"


def _other_kind(column: Column, array: np.ndarray, kind: str) -> DataError:
    return DataError(
        f"{_column(column.name)} has type {array.dtype}, and held {kind} in fit "
        f"({column.dtype}); convert it to that type."
    )


def _bad_value(column: Column, array: np.ndarray, row: int, wanted: str) -> DataError:
    return DataError(
        f"{_column(column.name)} held {column.kind}s in fit, and contains {array[row]!r} "
        f"in row {row}, which is not {wanted}; replace it, by None if it is not known."
    )
