"""Checks that a parameter set after `fit` takes effect when its `Use` says."""

import warnings
from collections.abc import Callable

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataError, DataWarning, ParameterError
from lamina.params import Use, names_with
from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import assert_same, brief, fit, outputs
from lamina.testing.trials import rules_of, values_of

HOW_TO_COMPUTE = ("device", "precision")
"""Parameters that affect both predictions and training."""


def check_frozen_parameter_is_refused(
    estimator: NeuralEstimator, data: Example
) -> None:
    """A frozen parameter cannot be changed when training is resumed."""
    network = fit(brief(estimator, data, warm_start=True), data)
    before = network.network_
    for name in names_with(type(network), Use.FROZEN):
        kept = getattr(network, name)
        for value in values_of(network, data.trials, name):
            network.set_params(**{name: value})
            _assert_refused(lambda: fit(network, data), name)
            network.set_params(warm_start=False)
            _assert_refused(lambda: _partial_fit(network, data), name)
            network.set_params(**{name: kept}, warm_start=True)
    assert network.network_ is before, "A refused fit changed the network"
    assert fit(network, data).n_iter_ == 4, "Training was not resumed"


def check_parameter_of_fit_waits_for_fit(
    estimator: NeuralEstimator, data: Example
) -> None:
    """A value set after `fit` changes no prediction, unless it is declared to."""
    network = fit(brief(estimator, data), data)
    expected, texts = outputs(network, data.X), _texts(network, data.X)
    at_once = names_with(type(network), Use.AT_ONCE)
    for name in rules_of(estimator):
        if name in at_once:
            continue
        kept = getattr(network, name)
        for value in values_of(network, data.trials, name):
            network.set_params(**{name: value})
            assert_same(outputs(network, data.X), expected, f"{name}={value!r}")
            assert _texts(network, data.X) == texts, f"{name}={value!r} changes texts"
        network.set_params(**{name: kept})


def check_parameter_of_predict_applies_at_once(
    estimator: NeuralEstimator, data: Example
) -> None:
    """A parameter of prediction set after `fit` acts as if it had been set before."""
    network = fit(brief(estimator, data), data)
    for name in names_with(type(network), Use.AT_ONCE):
        if name in HOW_TO_COMPUTE:
            continue
        kept = getattr(network, name)
        for value in values_of(network, data.trials, name):
            after = _predicted(network.set_params(**{name: value}), data.X)
            before = brief(estimator, data, **{name: value})
            try:
                fit(before, data)
            except DataError:  # the value does not suit the training samples
                continue
            except ValueError:
                assert after is None, f"{name}={value!r} is refused by fit only"
                continue
            assert after == _predicted(before, data.X), f"{name}={value!r}"
        network.set_params(**{name: kept})


def _partial_fit(network: NeuralEstimator, data: Example) -> None:
    y = data.target(network)
    network.partial_fit(data.X) if y is None else network.partial_fit(data.X, y)


def _predicted(network: NeuralEstimator, X: object) -> str | None:
    """The predictions as text; None if a parameter is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            return repr(network.predict(X))
        except ValueError:
            return None


def _texts(network: NeuralEstimator, X: object) -> str | None:
    return _predicted(network, X) if kind_of(network) == "texts" else None


def _assert_refused(call: Callable[[], object], name: str) -> None:
    try:
        call()
    except ParameterError as error:
        assert name in str(error), f"The refusal does not name {name}: {error}"
        return
    raise AssertionError(f"A change of {name} was not refused")
