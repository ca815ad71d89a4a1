"""Checks of the contract that all estimators satisfy, for estimators of users too.

`trials` has values to try for the parameters that lamina's estimators do not have, and
`examples` the data; by default the examples of lamina that suit the estimator are used::

    from lamina.testing import Trial, parametrize_with_contract


    @parametrize_with_contract(
        [MyClassifier(n_units=8)], trials={"n_units": Trial((4,))}
    )
    def test_contract(estimator, data, check):
        check(estimator, data)
"""

from lamina.testing.contract import (
    CHECKS,
    all_estimators,
    check_estimator,
    parametrize_with_contract,
)
from lamina.testing.examples import EXAMPLES, Example, examples_for
from lamina.testing.trials import TRIALS, Trial

__all__ = [
    "CHECKS",
    "EXAMPLES",
    "TRIALS",
    "Example",
    "Trial",
    "all_estimators",
    "check_estimator",
    "examples_for",
    "parametrize_with_contract",
]
