"""Single values of columns: which are numbers, and the text that identifies a category."""

import datetime
import re
from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, SupportsFloat

import numpy as np

from lamina.missing import is_missing

MISSING = None
"""The category of missing values."""
NUMBERS = (Real, Decimal, np.bool_)
"""Types of real numbers, beside numpy's durations."""
DURATIONS = (datetime.timedelta, np.timedelta64)

NUMBER_AS_TEXT = re.compile(
    r"[-+]?[$€£¥]? ?(\d{1,3}([,'\u2019 \u00a0]\d{3})+|\d+)([.,]\d+)? ?[%$€£¥]?"
)
"""A number with separators or a unit; digits alone may be a code."""
MIN_NUMBERS = 10
"""Distinct texts of a column from which they are taken for numbers."""


def are_numbers_as_texts(texts: list[str]) -> bool:
    """Whether all of many texts are numbers, and most have more than digits."""
    distinct = {text.strip() for text in texts}
    if len(distinct) < MIN_NUMBERS or not all(map(NUMBER_AS_TEXT.fullmatch, distinct)):
        return False
    return sum(map(str.isdigit, distinct)) < len(distinct) / 2


def are_all(types: set[type], allowed: tuple[type, ...]) -> bool:
    """Whether all types are allowed."""
    return all(issubclass(t, allowed) for t in types)


def are_numbers(types: set[type]) -> bool:
    """Whether these are types of real numbers; numpy's durations are integers by theirs."""
    return are_all(types, NUMBERS) and not any(issubclass(t, DURATIONS) for t in types)


def category_text(value: object) -> str | None:
    """The text of a category, whatever its type: that of 2, 2.0 and b"2" is "2"."""
    if is_missing(value):
        return MISSING
    if isinstance(value, bytes):
        return value.decode("utf8", "backslashreplace")
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    return _shortest(value) if are_numbers({type(value)}) else str(value)


def _shortest(value: Any) -> str:
    """The text of a number, by its value and not by its type."""
    if isinstance(value, Integral):
        return str(int(value))
    number = _float(value)
    if number is None:  # beyond the range of floats
        return str(value)
    if not number.is_integer():
        return repr(number)
    return str(int(value if isinstance(value, Decimal | Fraction) else number))


def number_of(value: Any) -> float | None:
    """A number as float, NaN for a missing value, None for any other value."""
    if is_missing(value):
        return np.nan
    if are_numbers({type(value)}):
        return _float(value)
    if isinstance(value, bytes):
        value = value.decode("utf8", "replace")
    if isinstance(value, str) and "_" not in value:
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _float(number: SupportsFloat) -> float | None:
    try:
        return float(number)
    except OverflowError:  # beyond the range of floats
        return None
