"""Regressors: an estimator whose task is regression."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.callback import with_callbacks
from sklearn.utils.validation import check_array

from lamina.estimators.base import NeuralEstimator
from lamina.estimators.reading import Data, same_length
from lamina.exceptions import DataError
from lamina.tasks.regression import Regression, RegressionParams


class Regressor(RegressorMixin, NeuralEstimator, RegressionParams):
    """Abstract regressor; a public class names its body."""

    targets = "numbers"

    @with_callbacks
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Go on training for one epoch, at a constant learning rate.

        Scales (of y too), categories and vocabularies are those of the first call.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that the first call saw.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The numbers to learn.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample's loss.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        return self._continue(X, y, sample_weight, None)

    def predict(self, X: Any) -> np.ndarray:
        """The number, or numbers, predicted for each sample.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the units of the targets, and of their shape.
        """
        return self._outputs(X)

    def _read_targets(self, X: Any, y: Any) -> np.ndarray:
        if y is None:
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        y = check_array(
            y, ensure_2d=False, dtype=np.float64, input_name="y", ensure_min_samples=0
        )
        if y.ndim > 2:
            raise DataError(f"y has {y.ndim} dimensions; targets have one or two.")
        same_length(X, y)
        return y

    def _make_task(self, data: Data, classes: Any) -> Regression:
        del classes
        return Regression(data.y, self, data.weight)
