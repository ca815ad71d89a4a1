"""Checks that odd samples, targets, weights and parameters are accepted or refused."""

import numpy as np

from lamina.estimators.base import NeuralEstimator
from lamina.testing.examples import Example
from lamina.testing.hostile_bench import METHODS, bench_of, oddities
from lamina.testing.hostile_cases import FAULTS, Case, run_case

N_CASES = 25
"""Cases of a check; `python -m lamina.testing.hostile` runs as many as asked."""


def check_hostile_samples(estimator: NeuralEstimator, data: Example) -> None:
    """Odd samples are predicted or refused by name, and a refusal changes nothing."""
    _check(estimator, data, "X")


def check_hostile_targets(estimator: NeuralEstimator, data: Example) -> None:
    """The same for odd targets."""
    _check(estimator, data, "y")


def check_hostile_weights(estimator: NeuralEstimator, data: Example) -> None:
    """The same for odd sample weights."""
    _check(estimator, data, "weight")


def check_hostile_parameters(estimator: NeuralEstimator, data: Example) -> None:
    """The same for odd values of each parameter."""
    _check(estimator, data, "parameter")


def _check(estimator: NeuralEstimator, data: Example, part: str) -> None:
    rng = np.random.default_rng(0)
    cls: type = type(estimator)
    bench = bench_of(cls, data)
    odd = oddities(bench, part)
    faults = []
    for i in rng.permutation(len(odd))[:N_CASES]:
        method = METHODS[part][int(rng.integers(len(METHODS[part])))]
        case = Case(cls.__name__, data.name, part, odd[i], method, 0)
        outcome = run_case(case, bench)
        if outcome.kind in FAULTS:
            faults.append(f"{case}: {outcome.kind}, {outcome.text}")
    assert faults == [], "\n".join(faults)
