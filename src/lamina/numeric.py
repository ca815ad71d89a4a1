"""Numbers as users pass them -> Python's, or float64; what is no real number is refused.

A complex number, a duration and a text are no real numbers, though numpy would convert them.
"""

import sys
from collections.abc import Iterable
from copy import copy
from decimal import Decimal
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

import numpy as np

from lamina.exceptions import DataError
from lamina.missing import is_missing, unmasked

if TYPE_CHECKING:
    from torch import Tensor

Owner = TypeVar("Owner")
PLAIN = (bool, int, float, str, type(None))
BOOLEANS = (bool, np.bool_)


def tensor_types() -> tuple[type, ...]:
    """The class of tensors of torch, if torch is imported: if not, no value is one."""
    torch = sys.modules.get("torch")
    return () if torch is None else (torch.Tensor,)


def is_tensor(value: object) -> "TypeGuard[Tensor]":
    """Whether a value is a tensor of torch."""
    return isinstance(value, tensor_types())


def is_real(value: object) -> TypeGuard[float]:
    """Whether a parameter is an integer, a float or a fraction, of Python or numpy."""
    # Durations of numpy are integers by their class, and booleans too.
    return isinstance(value, Real) and not isinstance(
        value, (*BOOLEANS, np.timedelta64)
    )


def is_integer(value: object) -> TypeGuard[int]:
    """Whether a parameter is an integer of Python or numpy."""
    return isinstance(value, Integral) and is_real(value)


def is_complex(value: object) -> bool:
    """Whether a value of the data is complex, or an array or a tensor of such."""
    if is_tensor(value):
        return value.is_complex()
    return isinstance(value, complex | np.complexfloating) or (
        isinstance(value, np.ndarray) and value.dtype.kind == "c"
    )


def real(value: object) -> float:
    """A real number as float, infinite beyond its range; NaN for any other value."""
    if not is_real(value):
        return np.nan
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


def with_python_numbers(owner: Owner, names: Iterable[str]) -> Owner:
    """The owner of these attributes, or a copy in which their numbers are those of Python."""
    values = {name: getattr(owner, name) for name in names}
    plain = {name: python_numbers(value) for name, value in values.items()}
    if all(plain[name] is value for name, value in values.items()):
        return owner
    changed = copy(owner)
    vars(changed).update(plain)
    return changed


def python_numbers(value: Any) -> Any:
    """A parameter with numbers of Python, also in lists, tuples, arrays and dicts.

    One without other numbers is returned itself.
    """
    if type(value) in PLAIN:
        return value
    if isinstance(value, np.ndarray | np.bool_):
        return value.tolist()
    if is_real(value):
        return int(value) if isinstance(value, Integral) else float(value)
    if type(value) in (list, tuple):
        items = [python_numbers(v) for v in value]
        is_same = all(a is b for a, b in zip(items, value, strict=True))
        return value if is_same else type(value)(items)
    if type(value) is dict:
        return dict(zip(value, python_numbers(list(value.values())), strict=True))
    return value


def float_of(value: object) -> float | None:
    """A value of the data as float, NaN if it is missing; None if it is no real number."""
    if is_missing(value):
        return np.nan
    if (isinstance(value, np.ndarray) or is_tensor(value)) and value.ndim == 0:
        value = value.item()
    if isinstance(value, (*BOOLEANS, Decimal)):
        return float(value)
    return real(value) if is_real(value) else None


def as_floats(values: np.ndarray, name: str) -> np.ndarray:
    """An array as float64, NaN where a value is missing or masked.

    `DataError` names the first value that is no real number. A number beyond the range
    becomes infinite.
    """
    array = unmasked(values)
    if array.dtype.kind in "biuf":
        with np.errstate(over="ignore"):
            return array.astype(np.float64, copy=False)
    if array.dtype.kind != "O":
        complex_or_not = (
            ": Complex data not supported" if array.dtype.kind == "c" else ""
        )
        raise DataError(
            f"{name} is not an array of numbers: it holds {array.dtype}{complex_or_not}."
        )
    floats = np.empty(array.shape)
    for at, value in np.ndenumerate(array):
        number = float_of(value)
        if number is None:
            raise DataError(_refusal(name, at, value))
        floats[at] = number
    return floats


def _refusal(name: str, at: tuple[int, ...], value: object) -> str:
    place = f"row {at[0]}" if len(at) == 1 else f"element {at}"
    remedy = "Complex data not supported"
    if not is_complex(value):
        remedy = (
            "an argument must be a number, and a string or another object is no number"
        )
    return f"{name} is not an array of numbers: {place} is {value!r:.80}; {remedy}."
