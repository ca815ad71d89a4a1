"""Checks of the constructor's parameters: kept, validated, and each with an effect."""

import io
import re
import warnings
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from sklearn.base import clone

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataWarning
from lamina.params import OnlyWith, Rule
from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import assert_same, brief, fit, outputs
from lamina.testing.trials import rules_of, trial_of, values_of


def check_clone_keeps_every_parameter(
    estimator: NeuralEstimator, data: Example
) -> None:
    """`clone` of an estimator with no parameter at its default is equal to it."""
    unusual = {
        name: values_of(estimator, data.trials, name)[0] for name in rules_of(estimator)
    }
    fitted = fit(brief(estimator, data), data).set_params(**unusual)
    copied = clone(fitted)
    assert copied.get_params(deep=False) == unusual, "clone lost a parameter"
    assert type(estimator)(**unusual).get_params(deep=False) == unusual
    kept = [name for name in vars(copied) if name.endswith("_")]
    assert kept == [], f"clone kept the fitted attributes {kept}"


def check_set_params_is_construction(estimator: NeuralEstimator, data: Example) -> None:
    """Parameters set on a fitted estimator are equivalent to constructor arguments."""
    params = brief(estimator, data).get_params(deep=False)
    params |= {"learning_rate_init": 0.01, "random_state": 3}
    constructed = fit(type(estimator)(**params), data)
    later = fit(brief(estimator, data), data).set_params(**params)
    assert_same(
        outputs(fit(later, data), data.X),
        outputs(constructed, data.X),
        "predictions after set_params and after construction",
    )


WITHOUT_EFFECT = ("n_threads", "checkpoint")
"""Parameters that must not change the result of a fit that is not killed."""


def check_every_parameter_matters(estimator: NeuralEstimator, data: Example) -> None:
    """Another value of each parameter has an effect, or is refused; some must have none."""
    baselines: dict[str, list] = {}
    wrong = []
    for name in rules_of(estimator):
        trial = trial_of(estimator, data.trials, name)
        key = repr((trial.others, trial.n_fits))
        if key not in baselines:
            baselines[key] = _behaviour(estimator, data, trial.others, trial.n_fits)
        matters = any(
            _matters(estimator, data, name, value, baselines[key])
            for value in values_of(estimator, data.trials, name)
        )
        if matters == (name in WITHOUT_EFFECT):
            wrong.append(name)
    assert wrong == [], f"Another value has no effect, or must not: {', '.join(wrong)}"


def check_invalid_parameter_is_named(estimator: NeuralEstimator, data: Example) -> None:
    """A value of the wrong type is refused in `fit`, by name and with the value."""
    for name in rules_of(estimator):
        wrong = brief(estimator, data).set_params(**{name: {1, 2}})
        message = _refusal(wrong, data)
        assert message and re.search(rf"\b{name}\b", message), f"{name}: {message}"
        assert "{1, 2}" in message, f"The message lacks the value seen: {message}"


def check_unused_parameter_is_refused(
    estimator: NeuralEstimator, data: Example
) -> None:
    """A parameter without effect beside another one is refused, with both names."""
    for name, rules in rules_of(estimator).items():
        for condition in (r for r in rules if isinstance(r, OnlyWith)):
            value = values_of(estimator, data.trials, name)[0]
            for other, allowed in condition.others.items():
                unmet = _unmet(estimator, data, other, allowed)
                wrong = brief(estimator, data, **{name: value, other: unmet})
                message = _refusal(wrong, data) or ""
                assert name in message and other in message, f"{name}: {message!r}"


def _unmet(estimator: NeuralEstimator, data: Example, name: str, allowed: tuple) -> Any:
    """A value of a parameter that its rules accept and that is not `allowed`."""
    rules = [r for r in rules_of(estimator)[name] if isinstance(r, Rule)]
    tried = trial_of(estimator, data.trials, name).values
    return next(
        value
        for value in (True, False, "adamw", "sgd", *tried)
        if value not in allowed and any(rule.accepts(value) for rule in rules)
    )


def _matters(
    estimator: NeuralEstimator, data: Example, name: str, value: object, baseline: list
) -> bool:
    """Whether a value changes the behaviour of a fit, or is refused."""
    trial = trial_of(estimator, data.trials, name)
    try:
        changed = {**trial.others, name: value}
        behaviour = _behaviour(estimator, data, changed, trial.n_fits)
    except ValueError as error:
        assert str(error), f"{name}={value!r} is refused without a message"
        return True
    return not all(map(np.array_equal, behaviour, baseline))


def _behaviour(
    estimator: NeuralEstimator, data: Example, params: Mapping[str, Any], n_fits: int
) -> list:
    """Outputs, number of epochs, printed lines and texts of a fit."""
    network = brief(estimator, data).set_params(**params)
    printed = io.StringIO()
    with redirect_stdout(printed):
        for _ in range(n_fits):
            fit(network, data)
        texts = _texts(network, data.X)
    return [outputs(network, data.X), network.n_iter_, printed.getvalue(), texts]


def _texts(network: NeuralEstimator, X: object) -> list:
    """The texts of an estimator that writes some; after two epochs they may not end."""
    if kind_of(network) != "texts":
        return []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return network.predict(X)


def _refusal(network: NeuralEstimator, data: Example) -> str | None:
    try:
        fit(network, data)
    except (ValueError, TypeError) as error:
        return str(error)
    return None
