"""Which checks there are, and how they are run: alone, or as the tests of pytest."""

from collections.abc import Callable, Iterable, Iterator
from inspect import isclass
from typing import Any

import lamina
from lamina.estimators.base import NeuralEstimator
from lamina.testing import (
    hostile_checks,
    invariance,
    learning,
    parameters,
    process,
    refusal,
    state,
    uses,
    weights,
)
from lamina.testing.examples import Example, examples_for

Check = Callable[[Any, Example], None]

CHECKS: tuple[Check, ...] = tuple(
    check
    for module in (
        parameters,
        state,
        process,
        invariance,
        learning,
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


def check_estimator(estimator: Any) -> None:
    """Run every check on an estimator, with every form of data that it takes.

    Parameters
    ----------
    estimator : estimator instance
        Choose a small network; each check fits a few of them.

    Raises
    ------
    AssertionError
        The first check that fails, with its name and that of the data.
    """
    for data, check in _cases(estimator):
        try:
            check(estimator, data)
        except BaseException as error:
            error.add_note(f"{check.__name__} of {estimator!r} with {data.name}")
            raise


def parametrize_with_contract(estimators: Iterable[Any]) -> Any:
    """A pytest decorator for a test that takes `estimator`, `data` and `check`.

    Parameters
    ----------
    estimators : iterable of estimator instances
        Choose small networks.

    Returns
    -------
    decorator : pytest mark
        One test for each estimator, form of data and check that apply.
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
        for data, check in _cases(estimator)
    ]
    return pytest.mark.parametrize(("estimator", "data", "check"), cases)


def _cases(estimator: Any) -> Iterator[tuple[Example, Check]]:
    for data in examples_for(estimator):
        for check in CHECKS:
            applies = getattr(check, "applies", None)
            if applies is None or applies(estimator, data):
                yield data, check
