"""Classifiers: an estimator whose task is classification."""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin
from sklearn.callback import with_callbacks
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d

from lamina.estimators.base import NeuralEstimator
from lamina.estimators.reading import Data, same_length
from lamina.exceptions import DataError, ParameterError
from lamina.tasks.classification import (
    CLASSIFICATIONS,
    Classification,
    ClassificationParams,
)


def _decides(estimator: "Classifier") -> bool:
    task = getattr(estimator, "task_", None)
    return task is None or hasattr(task, "decisions")


class Classifier(ClassifierMixin, NeuralEstimator, ClassificationParams):
    """Abstract classifier; a public class names its body."""

    targets = "labels"

    @property
    def classes_(self) -> Any:
        """The labels, sorted; a list of arrays for several outputs."""
        if "task_" not in vars(self):
            raise AttributeError("classes_ is there after fit.")
        return self.task_.classes

    @with_callbacks
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Go on training for one epoch, at a constant learning rate.

        Scales, categories and vocabularies are those of the first call.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that the first call saw.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The labels.
        classes : array-like of shape (n_classes,), or a list of them, default=None
            All labels that any call will see; needed in the first one unless y has all.
            A list, one an output, for several outputs.
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

    def predict(self, X: Any) -> np.ndarray:
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

    def predict_proba(self, X: Any) -> Any:
        """The probability of each label.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes), or a list of them
            In the order of `classes_`; a list, one an output, for several outputs.
        """
        outputs = self._outputs(X)
        return self.task_.probabilities(outputs)

    def predict_log_proba(self, X: Any) -> Any:
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
    def decision_function(self, X: Any) -> np.ndarray:
        """The network's output before it becomes a probability.

        Parameters
        ----------
        X : array-like, frame, sparse matrix or list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            Positive for the second class where there are two; else the largest belongs
            to the predicted class. Not there for several outputs.
        """
        outputs = self._outputs(X)
        return self.task_.decisions(outputs)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of samples whose labels are all right.

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
            Accuracy; with several labels a sample counts only if all are right.
        """
        return self.task_.score(y, self._outputs(X), sample_weight)

    def _read_targets(self, X: Any, y: Any) -> Any:
        if y is None:
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        check_classification_targets(y)
        if type_of_target(y, input_name="y") in ("binary", "multiclass"):
            y = column_or_1d(y, warn=True)
        elif not sparse.issparse(y):
            y = np.asarray(y)
        same_length(X, y)
        return y

    def _make_task(self, data: Data, classes: Any) -> Classification:
        kind = type_of_target(data.y, input_name="y")
        if kind == "multiclass-multioutput" and classes is not None:
            classes = list(classes)
        elif classes is not None:
            classes = np.asarray(classes)
        return CLASSIFICATIONS[kind](data.y if classes is None else classes, self)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
