"""Checks of when a parameter that is set after `fit` takes effect, as it is declared."""

import warnings
from typing import Any

from lamina.exceptions import DataError, DataWarning, ParameterError
from lamina.params import Rule, Use, names_with
from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import assert_same, brief, fit, outputs, rules_of
from lamina.testing.parameters import TRIALS

HOW_TO_COMPUTE = ("device", "precision")
"""They count at once, and decide how a network is trained as well."""


def check_frozen_parameter_is_refused(estimator: Any, data: Example) -> None:
    """What a network was built with cannot be changed while its training goes on."""
    network = fit(brief(estimator, data, warm_start=True), data)
    before = network.network_
    for name in names_with(type(estimator), Use.FROZEN):
        kept = getattr(network, name)
        for value in _others(network, name):
            network.set_params(**{name: value})
            _assert_refused(lambda: fit(network, data), name)
            network.set_params(warm_start=False)
            _assert_refused(lambda: _partial_fit(network, data), name)
            network.set_params(**{name: kept}, warm_start=True)
    assert network.network_ is before, "A refused fit changed the network"
    assert fit(network, data).n_iter_ == 4, "Training does not go on"


def check_parameter_of_fit_waits_for_fit(estimator: Any, data: Example) -> None:
    """A value set after `fit` changes no prediction, unless it is declared to."""
    network = fit(brief(estimator, data), data)
    expected, texts = outputs(network, data.X), _texts(network, data.X)
    at_once = names_with(type(estimator), Use.AT_ONCE)
    for name in rules_of(estimator):
        if name in at_once:
            continue
        kept = getattr(network, name)
        for value in _others(network, name):
            network.set_params(**{name: value})
            assert_same(outputs(network, data.X), expected, f"{name}={value!r}")
            assert _texts(network, data.X) == texts, f"{name}={value!r} changes texts"
        network.set_params(**{name: kept})


def check_parameter_of_predict_counts_at_once(estimator: Any, data: Example) -> None:
    """A parameter that prediction reads has the effect that it would have had in `fit`."""
    network = fit(brief(estimator, data), data)
    for name in names_with(type(estimator), Use.AT_ONCE):
        if name in HOW_TO_COMPUTE:
            continue
        kept = getattr(network, name)
        for value in _others(network, name):
            later = _predicted(network.set_params(**{name: value}), data.X)
            at_first = brief(estimator, data, **{name: value})
            try:
                fit(at_first, data)
            except DataError:  # it does not suit the training samples
                continue
            except ValueError:
                assert later is None, f"{name}={value!r} is refused by fit only"
                continue
            assert later == _predicted(at_first, data.X), f"{name}={value!r}"
        network.set_params(**{name: kept})


def _others(network: Any, name: str) -> list:
    """Allowed values of a parameter that differ from the one it has."""
    rules = [r for r in rules_of(network)[name] if isinstance(r, Rule)]
    return [
        value
        for value in TRIALS[name].values
        if value != getattr(network, name) and any(r.accepts(value) for r in rules)
    ]


def _partial_fit(network: Any, data: Example) -> None:
    y = data.target(network)
    network.partial_fit(data.X) if y is None else network.partial_fit(data.X, y)


def _predicted(network: Any, X: Any) -> str | None:
    """Predictions as text; None where a parameter is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            return repr(network.predict(X))
        except ValueError:
            return None


def _texts(network: Any, X: Any) -> str | None:
    return _predicted(network, X) if kind_of(network) == "texts" else None


def _assert_refused(call: Any, name: str) -> None:
    try:
        call()
    except ParameterError as error:
        assert name in str(error), f"The refusal does not name {name}: {error}"
        return
    raise AssertionError(f"A change of {name} was not refused")
