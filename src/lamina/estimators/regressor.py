"""Regressors: an estimator whose task is regression."""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from lamina.estimators.features import FeatureExtractor
from lamina.estimators.fitted import FittedColumns
from lamina.inputs import DataLike
from lamina.tasks.regression import Regression
from lamina.tasks.regression_loss import RegressionParams
from lamina.training.callbacks import with_callbacks


class Regressor(RegressorMixin, FeatureExtractor, FittedColumns, RegressionParams):
    """Abstract regressor; a public class names its body."""

    task = Regression

    @with_callbacks
    def partial_fit(
        self, X: DataLike, y: DataLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Continue training for one epoch, at a constant learning rate.

        Scales (of y too), categories and vocabularies are those of the first call.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that the first call saw.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The values to learn.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample's loss.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        return self._continue(X, y, sample_weight, None)

    def predict(self, X: DataLike) -> np.ndarray:
        """The predicted value, or values, of each sample.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the units of the targets, and of their shape; within the range that the
            parameter `loss` describes. With a sequence of `quantiles` of shape
            (n_samples, n_quantiles) or (n_samples, n_outputs, n_quantiles), in the order of
            `quantiles`, and never crossing.
        """
        return self._outputs(X)

    def score(
        self, X: DataLike, y: DataLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """The coefficient of determination, R^2; for `loss="quantile"` D^2.

        D^2 is the fraction of the pinball loss of constant quantiles that is explained, as
        in `sklearn.metrics.d2_pinball_score`; of several quantiles the mean.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        score : float
            At most 1; the mean over the outputs.
        """
        return self._score(X, y, sample_weight)
