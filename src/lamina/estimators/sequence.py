"""What estimators share whose outputs are sequences: lists in, lists out."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.callback import with_callbacks
from sklearn.utils.validation import check_is_fitted

from lamina.estimators.base import NeuralEstimator
from lamina.estimators.reading import same_length
from lamina.exceptions import DataError


def read_texts(
    estimator: Any,
    X: Any,
    y: Any,
    is_target: Callable[[Any], bool] = lambda text: isinstance(text, str),
) -> list:
    """A text for each sample; raises `DataError` naming what is none."""
    if y is None:
        raise DataError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is "
            f"None."
        )
    if isinstance(y, str):
        raise DataError(f"y is a single text, {y!r}; pass a list of texts.")
    texts = list(y)
    same_length(X, texts)
    for i, text in enumerate(texts):
        if not is_target(text):
            raise DataError(f"The target of sample {i} is not a text: {text!r}.")
    return texts


class SequenceEstimator(NeuralEstimator):
    """Abstract. A public class names its `body`; the classes between name the task."""

    @with_callbacks
    def partial_fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Go on training for one epoch, at a constant learning rate.

        Scales, vocabularies and labels are those of the first call.

        Parameters
        ----------
        X : list of n_samples samples
            Samples of the form that the first call saw.
        y : list of n_samples sequences
            The targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample's loss.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        return self._continue(X, y, sample_weight, None)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """How good the outputs for X are; greater is better. See the class for the measure.

        Parameters
        ----------
        X : list of n_samples samples
            Samples of the form that `fit` saw.
        y : list of n_samples sequences
            The true outputs.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        score : float
            What early stopping and grid search maximise.
        """
        check_is_fitted(self, "network_")
        weight = None if sample_weight is None else np.asarray(sample_weight, float)
        y = self._read_targets(X, y)
        return self.task_.score(y, self._outputs(X), weight)
