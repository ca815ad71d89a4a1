"""The parameters as a fit reads them: as numbers of Python, and frozen while it resumes."""

from copy import copy
from typing import Any, TypeVar

import numpy as np
from sklearn.base import BaseEstimator

from lamina.exceptions import ParameterError
from lamina.params import Params, Use, declared, names_with

Group = TypeVar("Group", bound=Params)


def with_python_numbers(params: Group) -> Group:
    """The same parameters, numbers of numpy as those of Python, which torch requires."""
    values = {d.name: getattr(params, d.name) for d in declared(type(params))}
    changed = {k: v.item() for k, v in values.items() if isinstance(v, np.generic)}
    if not changed:
        return params
    plain = copy(params)
    vars(plain).update(changed)
    return plain


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
    """A parameter as text, arrays with all their elements."""
    return repr(value.tolist() if isinstance(value, np.ndarray) else value)
