"""The parameters that are frozen while a fit is resumed."""

from copy import copy
from typing import Any

from sklearn.base import BaseEstimator

from lamina.exceptions import ParameterError
from lamina.numeric import python_numbers
from lamina.params import Use, names_with


def frozen_params(estimator: BaseEstimator) -> dict[str, Any]:
    """Copies of the values of all parameters that are declared `Use.FROZEN`."""
    names = names_with(type(estimator), Use.FROZEN)
    return {name: copy(getattr(estimator, name)) for name in names}


def refuse_changes(estimator: BaseEstimator, frozen: dict[str, Any]) -> None:
    """Raise `ParameterError` if a parameter differs from its value when it was frozen."""
    for name, value in frozen.items():
        now = getattr(estimator, name)
        if now is not value and text_of(now) != text_of(value):
            raise ParameterError(
                f"{name}={now!r} has no effect on a network that was built with "
                f"{name}={value!r} and is trained further; restore it, or train a new "
                f"network by fit with warm_start=False."
            )


def text_of(value: object) -> str:
    """A parameter as text, the same for equal numbers of numpy and Python."""
    return repr(python_numbers(value))
