"""What the checks do with an estimator: make one, fit it briefly, compare what it gives."""

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import clone

from lamina.params import declared
from lamina.testing.examples import Example, kind_of

TEXT, MOST_STEPS = "ab", 64
BRIEF = {"max_iter": 2, "batch_size": 8, "random_state": 0}


def only_where(condition: Callable[[Any, Example], bool]) -> Callable:
    """Leave a check out for an estimator and data of which the condition is not true."""

    def mark(check: Callable) -> Callable:
        check.applies = condition  # type: ignore[attr-defined]
        return check

    return mark


def brief(estimator: Any, data: Example, **params: Any) -> Any:
    """An unfitted copy that reads `data` and trains for two epochs, from seed 0."""
    return clone(estimator).set_params(**BRIEF | data.params | params)


def exact(estimator: Any, data: Example, **params: Any) -> Any:
    """A `brief` copy in which nothing is random but the initial weights."""
    # A sample that is its own target may be learnt from in many windows.
    size = 10_000 if kind_of(estimator) == "nothing" else len(data)
    fixed = {"precision": "float32", "shuffle": False, "batch_size": size}
    names = estimator.get_params(deep=False)
    fixed |= {name: 0.0 for name in names if name.endswith("dropout")}
    fixed |= {name: False for name in names if name == "masking"}
    return brief(estimator, data, **fixed | params)


def fit(estimator: Any, data: Example) -> Any:
    """The estimator, fitted on the data."""
    return estimator.fit(data.X, data.target(estimator))


def outputs(estimator: Any, X: Any) -> np.ndarray:
    """The finest numbers that an estimator says of samples, a row each.

    Probabilities if it has them; those of steps are filled with zeros at the end. Of an
    estimator that writes texts, how likely one and the same text is.
    """
    if kind_of(estimator) == "texts":
        return np.asarray(estimator.score_samples(X, [TEXT] * len(X)))
    found = getattr(estimator, "predict_proba", estimator.predict)(X)
    if kind_of(estimator) != "tags":
        return np.asarray(found)
    filled = np.zeros((len(found), MOST_STEPS, found[0].shape[1]))
    for row, steps in zip(filled, found, strict=True):
        row[: len(steps)] = steps
    return filled


def rules_of(estimator: Any) -> dict[str, tuple]:
    """What was declared beside the type of each parameter, by name."""
    return {d.name: (*d.rules, *d.conditions) for d in declared(type(estimator))}


def assert_same(actual: Any, expected: Any, what: str) -> None:
    """Raise unless two outputs are equal to the last bit."""
    np.testing.assert_array_equal(actual, expected, err_msg=what)


def assert_close(actual: Any, expected: Any, tolerance: float, what: str) -> None:
    """Raise unless two outputs are equal but for rounding."""
    np.testing.assert_allclose(
        actual, expected, rtol=tolerance, atol=tolerance, err_msg=what
    )
