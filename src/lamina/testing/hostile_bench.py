"""Shared by hostile cases: a tiny estimator, fitted, and the mutations of a call."""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import clone

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataWarning
from lamina.inputs import Indexable
from lamina.params import Rule
from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import outputs
from lamina.testing.hostile_parameters import is_accepted
from lamina.testing.hostile_samples import mutations_of
from lamina.testing.hostile_targets import TARGETS, WEIGHTS
from lamina.testing.mutations import Mutation
from lamina.testing.trials import rules_of

N_SAMPLES = 8
TINY: dict[str, tuple] = {
    "hidden_layer_sizes": ((4,),),
    "hidden_size": (4,),
    "n_layers": (1,),
    "n_filters": ((2,), 2),
    "decoder_size": (4,),
    "window": (8,),
    "horizon": (1,),
    "season": (2,),
    "beam_size": (1,),
    "max_length": (4,),
    "max_iter": (1,),
    "batch_size": (8,),
    "random_state": (0,),
}
METHODS = {
    "X": ("fit", "refit", "predict", "score", "partial_fit", "validate", "drift"),
    "y": ("fit", "refit", "score", "partial_fit", "validate"),
    "weight": ("fit", "refit", "score", "partial_fit", "validate"),
    "parameter": ("fit", "refit", "partial_fit", "predict", "score"),
}
"""The methods that are called with each part of a call that can be odd."""


@dataclass(frozen=True)
class Bench:
    """A tiny estimator, unfitted and fitted, with the data that it was fitted on."""

    unfitted: Any
    fitted: Any
    data: Example
    X: Any
    y: Any
    predictions: np.ndarray


def tiny(estimator: NeuralEstimator) -> Any:
    """An unfitted copy with a small network that is trained for one epoch."""
    params = {}
    for name, rules in rules_of(estimator).items():
        accepting = [r for r in rules if isinstance(r, Rule)]
        values = [v for v in TINY.get(name, ()) if is_accepted(accepting, v)]
        if values:
            params[name] = values[0]
    return clone(estimator).set_params(**params)


@cache
def bench_of(estimator: type, data: Example) -> Bench:
    """The tiny estimator and the samples that all cases of an example share."""
    unfitted = tiny(estimator()).set_params(**data.params)
    X, y = data.X[:N_SAMPLES], data.target(unfitted, slice(N_SAMPLES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        fitted = clone(unfitted).fit(X, y)
        predictions = predict(fitted, X)
    return Bench(unfitted, fitted, data, X, y, predictions)


def oddities(bench: Bench, part: str) -> list[str]:
    """The names of the mutations, or parameters, of a part of a call."""
    if part == "parameter":
        return list(rules_of(bench.unfitted))
    return [m.name for m in catalogue(bench, part)]


def predict(estimator: NeuralEstimator, X: Indexable) -> np.ndarray:
    """The predictions for X: texts of an estimator that writes some, else `outputs`."""
    if kind_of(estimator) == "texts":
        return np.array(estimator.predict(X), dtype=object)
    if isinstance(vars(estimator).get("classes_"), list):  # several outputs
        return np.asarray(estimator.predict(X))
    return outputs(estimator, X)


def catalogue(bench: Bench, part: str) -> list[Mutation]:
    """The mutations of samples, targets or weights."""
    if part == "X":
        return mutations_of(bench.X)
    return TARGETS if part == "y" else WEIGHTS
