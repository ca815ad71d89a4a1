"""Parameters that are fitted estimators, which `FrozenEstimator` keeps from being cloned."""

from typing import Any

from sklearn.frozen import FrozenEstimator

from lamina.params import Rule


def estimator_of(kind: type, words: str) -> Rule:
    """An estimator of this class, or a `FrozenEstimator` of one."""
    return Rule(words, lambda v: isinstance(unfrozen(v), kind))


def unfrozen(value: Any) -> Any:
    """The estimator inside a `FrozenEstimator`; anything else as it is."""
    return value.estimator if isinstance(value, FrozenEstimator) else value
