"""The base of estimators whose outputs are sequences."""

from typing import Self

from numpy.typing import ArrayLike

from lamina.estimators.base import NeuralEstimator
from lamina.inputs import DataLike
from lamina.training.callbacks import with_callbacks


class SequenceEstimator(NeuralEstimator):
    """Abstract: an estimator whose outputs are lists or arrays for each sample."""

    @with_callbacks
    def partial_fit(
        self,
        X: DataLike,
        y: DataLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Continue training for one epoch, at a constant learning rate.

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

    def score(
        self,
        X: DataLike,
        y: DataLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """The score of the outputs for X, as the class describes it; greater is better.

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
        return self._score(X, y, sample_weight)
