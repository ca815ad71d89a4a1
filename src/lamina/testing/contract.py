"""The list of all checks, and functions that run them, by themselves or by pytest."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from inspect import isclass
from typing import Any

import lamina
from lamina.estimators.base import NeuralEstimator
from lamina.testing import (
    features,
    hostile_checks,
    invariance,
    learning,
    parameters,
    process,
    refusal,
    saving,
    state,
    uses,
    weights,
)
from lamina.testing.examples import Example, examples_for
from lamina.testing.fitting import CONDITIONS, Check
from lamina.testing.trials import Trial

CHECKS: tuple[Check, ...] = tuple(
    check
    for module in (
        parameters,
        state,
        process,
        invariance,
        learning,
        saving,
        features,
        uses,
        weights,
        refusal,
        hostile_checks,
    )
    for name, check in vars(module).items()
    if name.startswith("check_") and check.__module__ == module.__name__
)
"""Every check; each takes an unfitted estimator and an `Example`."""


def all_estimators() -> list[tuple[str, type]]:
    """The public estimators of lamina.

    Returns
    -------
    estimators : list of (name, class)
        Sorted by name.
    """
    public = ((name, getattr(lamina, name)) for name in sorted(lamina.__all__))
    return [
        (name, value)
        for name, value in public
        if isclass(value) and issubclass(value, NeuralEstimator)
    ]


def check_estimator(
    estimator: NeuralEstimator,
    examples: Iterable[Example] | None = None,
    trials: Mapping[str, Trial] | None = None,
) -> None:
    """Run all checks on an estimator, with each form of data that it takes.

    Parameters
    ----------
    estimator : estimator instance
        A small network: each check fits a few of them.
    examples : iterable of Example, default=None
        The data; None uses those of lamina for the task and the forms of the estimator.
    trials : dict of str to Trial, default=None
        Values to try for parameters that lamina's estimators do not have, by name. They
        take precedence over those of lamina.

    Raises
    ------
    AssertionError
        The first check that fails, with its name and that of the data.
    """
    for data, check in _cases(estimator, examples, trials):
        try:
            check(estimator, data)
        except BaseException as error:
            error.add_note(f"{check.__name__} of {estimator!r} with {data.name}")
            raise


def parametrize_with_contract(
    estimators: Iterable[NeuralEstimator],
    examples: Iterable[Example] | None = None,
    trials: Mapping[str, Trial] | None = None,
) -> Any:
    """A pytest decorator for a test that takes `estimator`, `data` and `check`.

    Parameters
    ----------
    estimators : iterable of estimator instances
        Small networks.
    examples : iterable of Example, default=None
        As of `check_estimator`.
    trials : dict of str to Trial, default=None
        As of `check_estimator`.

    Returns
    -------
    decorator : pytest mark
        One test for each estimator, example and check that applies.
    """
    import pytest

    cases = [
        pytest.param(
            estimator,
            data,
            check,
            id=f"{type(estimator).__name__}-{data.name}-{check.__name__}",
        )
        for estimator in estimators
        for data, check in _cases(estimator, examples, trials)
    ]
    return pytest.mark.parametrize(("estimator", "data", "check"), cases)


def _cases(
    estimator: NeuralEstimator,
    examples: Iterable[Example] | None,
    trials: Mapping[str, Trial] | None,
) -> Iterator[tuple[Example, Check]]:
    for data in examples_for(estimator) if examples is None else examples:
        own = replace(data, trials={**data.trials, **trials}) if trials else data
        for check in CHECKS:
            if check not in CONDITIONS or CONDITIONS[check](estimator, own):
                yield own, check
