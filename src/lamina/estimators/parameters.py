"""The parameters that are frozen while a fit is resumed."""

from copy import copy
from typing import Any

from sklearn.base import BaseEstimator

from lamina.exceptions import ParameterError
from lamina.numeric import python_numbers, with_python_numbers
from lamina.params import Use, check_value, declared, names_with
from lamina.training.params import TrainerParams


def network_params(estimator: BaseEstimator) -> dict[str, Any]:
    """The parameters that a network is built with: all but those of training.

    Containers are copied, as users may change them.
    """
    of_training = {d.name for d in declared(TrainerParams)}
    values = estimator.get_params(deep=False).items()
    return {
        name: value if isinstance(value, BaseEstimator) else copy(value)
        for name, value in values
        if name not in of_training
    }


def as_built(estimator: Any) -> Any:
    """The estimator with the parameters that its network was built with."""
    params, built_with = copy(estimator), estimator._built_with
    for declaration in declared(type(estimator)):
        name = declaration.name
        if name in built_with:
            what = f"parameter {name!r} of the network"
            check_value(what, built_with[name], *declaration.rules)
    vars(params).update(built_with)
    return with_python_numbers(params, built_with)


def refuse_changes(estimator: BaseEstimator, built_with: dict[str, Any]) -> None:
    """Raise `ParameterError` if a frozen parameter differs from its value of the first fit."""
    for name in names_with(type(estimator), Use.FROZEN):
        if name not in built_with:
            continue
        now, value = getattr(estimator, name), built_with[name]
        if now is not value and text_of(now) != text_of(value):
            raise ParameterError(
                f"{name}={now!r} has no effect on a network that was built with "
                f"{name}={value!r} and is trained further; restore it, or train a new "
                f"network by fit with warm_start=False."
            )


def text_of(value: object) -> str:
    """A parameter as text, the same for equal numbers of numpy and Python."""
    return repr(python_numbers(value))
