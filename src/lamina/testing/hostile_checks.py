"""Checks that odd samples, targets, weights and parameters are answered or refused."""

from typing import Any

import numpy as np

from lamina.testing.examples import Example
from lamina.testing.hostile_bench import METHODS, bench_of, oddities
from lamina.testing.hostile_cases import FAULTS, Case, run_case

N_TRIED = 25
"""Cases of a check; `python -m lamina.testing.hostile` tries all that there are."""


def check_hostile_samples(estimator: Any, data: Example) -> None:
    """Odd samples are answered or refused by name, and a refusal changes nothing."""
    _check(estimator, data, "X")


def check_hostile_targets(estimator: Any, data: Example) -> None:
    """The same of odd targets."""
    _check(estimator, data, "y")


def check_hostile_weights(estimator: Any, data: Example) -> None:
    """The same of odd sample weights."""
    _check(estimator, data, "weight")


def check_hostile_parameters(estimator: Any, data: Example) -> None:
    """The same of odd values of each parameter."""
    _check(estimator, data, "parameter")


def _check(estimator: Any, data: Example, part: str) -> None:
    rng = np.random.default_rng(0)
    bench = bench_of(type(estimator), data.name)
    odd = oddities(bench, part)
    faults = []
    for i in rng.permutation(len(odd))[:N_TRIED]:
        method = METHODS[part][int(rng.integers(len(METHODS[part])))]
        case = Case(type(estimator).__name__, data.name, part, odd[i], method, 0)
        outcome = run_case(case, bench)
        if outcome.kind in FAULTS:
            faults.append(f"{case}: {outcome.kind}, {outcome.text}")
    assert faults == [], "\n".join(faults)
