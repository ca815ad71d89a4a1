"""Single values of columns: which are numbers, and the text by which a category is known."""

from decimal import Decimal
from fractions import Fraction
from numbers import Integral, Real
from typing import Any

import numpy as np

from lamina.missing import is_missing

MISSING = None
"""The category of what is missing."""
NUMBERS = (Real, Decimal, np.number, np.bool_)
"""Types of objects that are numbers, unless they are complex."""
COMPLEX = (complex, np.complexfloating)


def are_all(types: set[type], allowed: tuple[type, ...]) -> bool:
    """Whether all types are allowed and none is complex."""
    return all(issubclass(t, allowed) and not issubclass(t, COMPLEX) for t in types)


def category_text(value: object) -> str | None:
    """A category by the text that all its types share: 2, 2.0 and b"2" are "2"."""
    if is_missing(value):
        return MISSING
    if isinstance(value, bytes):
        return value.decode("utf8", "backslashreplace")
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    return _shortest(value) if isinstance(value, Real | Decimal) else str(value)


def _shortest(value: Real | Decimal) -> str:
    """The text of a number by its value, and not by its type."""
    if isinstance(value, Integral):
        return str(int(value))
    number = _float(value)
    if number is None:  # a fraction beyond all floats
        return str(value)
    if not number.is_integer():
        return repr(number)
    return str(int(value if isinstance(value, Decimal | Fraction) else number))


def number_of(value: Any) -> float | None:
    """A float, NaN for what is missing; None if it is no number."""
    if is_missing(value):
        return np.nan
    if isinstance(value, NUMBERS) and not isinstance(value, COMPLEX):
        return _float(value)
    if isinstance(value, bytes):
        value = value.decode("utf8", "replace")
    if isinstance(value, str) and "_" not in value:
        try:
            return float(value)
        except ValueError:
            return None
    return None


def _float(number: Any) -> float | None:
    try:
        return float(number)
    except OverflowError:  # an integer beyond all floats
        return None
