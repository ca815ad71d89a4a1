"""Classifiers: an estimator whose task is classification."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from lamina.encoders.base import Encoder
from lamina.estimators.features import FeatureExtractor
from lamina.estimators.fitted import FittedColumns, FittedLabels
from lamina.exceptions import ParameterError
from lamina.inputs import DataLike, Indexable
from lamina.tasks.base import Classes, Task
from lamina.tasks.classification import Classification, ClassificationParams
from lamina.tasks.label_task import LabelTask
from lamina.training.callbacks import with_callbacks


def _decides(estimator: "Classifier") -> bool:
    fitted = vars(estimator)
    return "task_" not in fitted or fitted["task_"].has_decisions


class Classifier(
    ClassifierMixin, FeatureExtractor, FittedLabels, FittedColumns, ClassificationParams
):
    """Abstract classifier; a public class names its body."""

    task = Classification

    def fitted_from(self, encoder: Encoder, task: Task, X: Indexable) -> dict[str, Any]:
        assert isinstance(task, LabelTask)
        return super().fitted_from(encoder, task, X) | {"classes_": task.classes}

    @with_callbacks
    def partial_fit(
        self,
        X: DataLike,
        y: DataLike,
        classes: Classes | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Continue training for one epoch, at a constant learning rate.

        Scales, categories and vocabularies are those of the first call.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that the first call saw.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The labels.
        classes : array-like of shape (n_classes,), or a list of them, default=None
            All labels of all calls; required in the first call unless y contains all. For
            several outputs a list with an array for each.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample's loss.

        Returns
        -------
        self : estimator
            The fitted estimator.
        """
        if self.class_weight == "balanced":
            raise ParameterError(
                'class_weight="balanced" is not supported by partial_fit, which never '
                "sees all samples; pass a dict of weights."
            )
        return self._continue(X, y, sample_weight, classes)

    def predict(self, X: DataLike) -> np.ndarray:
        """The most likely label of each sample.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The labels.
        """
        outputs = self._outputs(X)
        return self.task_.labels(outputs)

    def predict_proba(self, X: DataLike) -> np.ndarray | Any:
        """The probability of each label.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), or a list of them
            In the order of `classes_`; for several outputs a list with an array for each.
        """
        outputs = self._outputs(X)
        return self.task_.probabilities(outputs)

    def predict_log_proba(self, X: DataLike) -> np.ndarray | Any:
        """The logarithm of the probability of each label.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes), or a list of them
            In the order of `classes_`.
        """
        outputs = self._outputs(X)
        return self.task_.log_probabilities(outputs)

    @available_if(_decides)
    def decision_function(self, X: DataLike) -> np.ndarray:
        """The network's output before it becomes a probability.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes, positive for the second; otherwise the predicted class has
            the largest value. Not available for several outputs.
        """
        outputs = self._outputs(X)
        return self.task_.decisions(outputs)

    def score(
        self, X: DataLike, y: DataLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """The fraction of samples whose labels are all correct.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The true labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each sample.

        Returns
        -------
        score : float
            Accuracy; with several labels a sample counts only if all are correct.
        """
        return self._score(X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
