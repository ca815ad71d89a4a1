"""Shared by the checks: brief fits, comparable outputs, and errors raised within a fit."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.callback import CallbackContext
from torch import Tensor

from lamina.encoders.tokenizers import BagParams
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.classifier import Classifier
from lamina.estimators.language import LanguageEstimator
from lamina.estimators.tagger import Tagger
from lamina.inputs import Indexable
from lamina.params import Params, declared
from lamina.testing.examples import Example, kind_of

TEXT, MAX_STEPS = "ab", 64
BRIEF = {"max_iter": 2, "batch_size": 8, "random_state": 0}
WITH_PROBABILITIES = (Classifier, Tagger, LanguageEstimator)
"""Estimators with `predict_proba`."""

Check = Callable[[NeuralEstimator, Example], None]
Condition = Callable[[NeuralEstimator, Example], bool]
CONDITIONS: dict[Check, Condition] = {}
"""When a check applies; those without an entry always do."""


class RaiseInEpoch:
    """A callback of scikit-learn that raises an error at the start of an epoch."""

    def __init__(self, error: type[BaseException], epoch: int = 1):
        self.error, self.epoch = error, epoch

    def setup(self, estimator: NeuralEstimator, context: CallbackContext) -> None:
        del estimator, context
        self.n_begun = 0

    def teardown(self, estimator: NeuralEstimator, context: CallbackContext) -> None:
        del estimator, context

    def on_fit_task_begin(
        self, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        del estimator
        self.n_begun += context.task_name == "epoch"
        if self.n_begun == self.epoch:
            raise self.error

    def on_fit_task_end(
        self, estimator: NeuralEstimator, context: CallbackContext
    ) -> bool:
        del estimator, context
        return False


def only_where(condition: Condition) -> Callable[[Check], Check]:
    """Run a check only on estimators and data for which the condition is true."""

    def mark(check: Check) -> Check:
        CONDITIONS[check] = condition
        return check

    return mark


def brief(estimator: NeuralEstimator, data: Example, **params: object) -> Any:
    """An unfitted copy that reads `data` and trains for two epochs with seed 0."""
    return clone(estimator).set_params(**{**BRIEF, **data.params, **params})


def exact(estimator: NeuralEstimator, data: Example, **params: object) -> Any:
    """A `brief` copy in which only the initial weights are random."""
    # Samples without targets may be learnt from in many windows.
    size = 10_000 if kind_of(estimator) == "nothing" else len(data)
    fixed = {"precision": "float32", "shuffle": False, "batch_size": size}
    names = set(estimator.get_params(deep=False)) - _of_other_forms(estimator, data)
    fixed |= {name: 0.0 for name in names if name.endswith("dropout")}
    fixed |= {name: False for name in names if name == "masking"}
    return brief(estimator, data, **fixed | params)


def _of_other_forms(estimator: NeuralEstimator, data: Example) -> set[str]:
    """The parameters that are refused for this form of data."""
    names = {form: _names(e.params) for form, e in estimator.encoders.items()}
    # The tables of the examples have no columns of texts.
    of_texts = _names(BagParams) if data.form == "table" else set()
    return set().union(*names.values()) - (names[data.form] - of_texts)


def _names(group: type[Params]) -> set[str]:
    return {declaration.name for declaration in declared(group)}


def fit(estimator: NeuralEstimator, data: Example) -> Any:
    """The estimator, fitted on the data."""
    return estimator.fit(data.X, data.target(estimator))


def outputs(estimator: NeuralEstimator, X: Indexable) -> np.ndarray:
    """Real-valued outputs of an estimator, a row for each sample.

    Probabilities if it has them, padded with zeros if they are those of steps; of an
    estimator that writes texts, the log-likelihood of a fixed text.
    """
    if kind_of(estimator) == "texts":
        return np.asarray(estimator.score_samples(X, [TEXT] * len(X)))
    has_probabilities = isinstance(estimator, WITH_PROBABILITIES)
    values = estimator.predict_proba(X) if has_probabilities else estimator.predict(X)
    if kind_of(estimator) != "tags":
        return np.asarray(values)
    padded = np.zeros((len(values), MAX_STEPS, values[0].shape[1]))
    for row, steps in zip(padded, values, strict=True):
        row[: len(steps)] = steps
    return padded


def assert_same(actual: ArrayLike, expected: ArrayLike, what: str) -> None:
    """Raise unless two outputs are equal bit for bit."""
    np.testing.assert_array_equal(actual, expected, err_msg=what)


def assert_close(
    actual: np.ndarray | Tensor,
    expected: np.ndarray | Tensor,
    tolerance: float,
    what: str,
) -> None:
    """Raise unless two outputs are equal within a relative and absolute tolerance."""
    np.testing.assert_allclose(
        np.asarray(actual),
        np.asarray(expected),
        rtol=tolerance,
        atol=tolerance,
        err_msg=what,
    )
