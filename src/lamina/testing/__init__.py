"""The contract that every estimator keeps, as checks that anybody can run.

A class of your own that names a new body or a new task passes the same checks::

    from lamina.testing import parametrize_with_contract


    @parametrize_with_contract([MyClassifier(hidden_size=8)])
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

__all__ = [
    "CHECKS",
    "EXAMPLES",
    "Example",
    "all_estimators",
    "check_estimator",
    "examples_for",
    "parametrize_with_contract",
]
