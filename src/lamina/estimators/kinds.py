"""What kind of estimator an object is: its class says so, and it is looked at only here."""

from collections.abc import Mapping
from typing import TypeVar

from sklearn.utils.validation import check_is_fitted

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import ParameterError

Kind = TypeVar("Kind", bound=NeuralEstimator)
Entry = TypeVar("Entry")


def fitted(
    estimator: object, kind: type[Kind] | tuple[type[Kind], ...], takes: str
) -> Kind:
    """The estimator, which has to be a fitted one of this kind.

    `takes` begins the message otherwise, as in "report takes estimators of lamina".
    """
    if not isinstance(estimator, kind):
        raise ParameterError(f"{takes}; this is a {type(estimator).__name__}.")
    check_is_fitted(estimator, "network_")
    return estimator


def entry_of(entries: Mapping[type, Entry], value: object) -> Entry | None:
    """The entry of the first class that a value is an object of; None if there is none."""
    matching = (entry for kind, entry in entries.items() if isinstance(value, kind))
    return next(matching, None)
