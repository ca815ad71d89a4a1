"""Taggers: a label for every step of a sequence."""

from typing import Any

import numpy as np

from lamina.bodies.recurrent import Recurrent, RecurrentParams
from lamina.encoders.series import SeriesEncoder
from lamina.encoders.tokens import TokenEncoder, TokenParams
from lamina.estimators.reading import Data, same_length
from lamina.estimators.sequence import SequenceEstimator
from lamina.exceptions import DataError, MissingExtraError
from lamina.tasks.tagging import Tagging, TaggingParams
from lamina.training.params import Rate


class Tagger(SequenceEstimator, TaggingParams):
    """Abstract tagger; a public class names its body."""

    targets = "tags"
    learning_rate_init: Rate = 0.01
    encoders = {"series": SeriesEncoder, "text": TokenEncoder}  # noqa: RUF012

    @property
    def classes_(self) -> np.ndarray:
        """The labels, sorted."""
        if "task_" not in vars(self):
            raise AttributeError("classes_ is there after fit.")
        return self.task_.classes

    def predict(self, X: Any) -> list[list]:
        """The most likely labelling of each sample.

        Parameters
        ----------
        X : list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        y : list of n_samples lists
            A label for each step.
        """
        outputs = self._outputs(X)
        return self.task_.labels(outputs)

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """The probability of each label at each step.

        Parameters
        ----------
        X : list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        p : list of n_samples ndarrays of shape (n_steps, n_classes)
            In the order of `classes_`; with `crf=True` over all labellings of the sample.
            The most likely labelling need not have the most likely label at each step.
        """
        return self._outputs(X, self._marginals)

    def entity_f1(self, X: Any, y: Any) -> float:
        """How well entities are found, for labels "B-kind", "I-kind" and "O".

        Parameters
        ----------
        X : list of n_samples samples
            Samples of the form that `fit` saw.
        y : list of n_samples lists of labels
            The true labels.

        Returns
        -------
        f1 : float
            The harmonic mean of precision and recall of whole entities, all kinds taken
            together, as in the CoNLL shared tasks. 0 if there is no entity at all.

        Raises
        ------
        DataError
            The labels do not mark entities.
        MissingExtraError
            The package seqeval is not installed.
        """
        try:
            from seqeval.metrics import f1_score
        except ImportError:
            raise MissingExtraError("entity_f1", "seqeval", "text") from None
        predicted = self.predict(X)
        y = self._read_targets(X, y)
        for label in {label for labels in y for label in labels}.union(self.classes_):
            if label != "O" and str(label)[:2] not in ("B-", "I-"):
                raise DataError(
                    f"entity_f1 is for labels 'O', 'B-kind' and 'I-kind'; got {label!r}."
                )
        return float(f1_score(y, predicted, zero_division=0))

    def _marginals(self, model: Any, batch: Any) -> list[np.ndarray]:
        return self.task_.marginals(model, batch)

    def _read_targets(self, X: Any, y: Any) -> list[list]:
        if y is None:
            raise DataError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        same_length(X, y)
        rows = [_labels(row, i) for i, row in enumerate(y)]
        for i, (sample, labels) in enumerate(zip(X, rows, strict=True)):
            # What is no list of steps, as a text, is refused where it is read.
            is_list = isinstance(sample, list | tuple | np.ndarray)
            if is_list and len(sample) != len(labels):
                raise DataError(
                    f"Sample {i} has {len(sample)} steps but {len(labels)} labels; "
                    f"y holds a label for each step."
                )
        return rows

    def _make_task(self, data: Data, classes: Any) -> Tagging:
        del classes
        return Tagging(data.y, self)


class SequenceTagger(Tagger, RecurrentParams, TokenParams):
    """Recurrent network that labels each step of a sequence (Huang et al. 2015).

    X is a list of lists of tokens, or a list of arrays (steps, channels) of equal or unequal
    length, an array (samples, steps, channels) or a 2-D array (samples, steps) of univariate
    series. y is a list with a list of labels for each sample, one a step. `score` is the
    share of steps whose label is right.

    {parameters}

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    n_features_in_ : int
        Columns of a 2-D X, channels of longer samples; not there for tokens.
    loss_curve_ : list of float
        Mean training loss of each epoch: minus the log-likelihood a step.
    validation_scores_ : list of float or None
        Accuracy on the validation samples after each epoch.
    best_loss_, best_validation_score_ : float
        The best of the two.
    n_iter_ : int
        Epochs trained.
    n_parameters_ : int
        Trainable numbers of the network.
    network_ : torch.nn.Module
        The network.

    See Also
    --------
    RNNClassifier : Gives one label for a whole sequence.

    Examples
    --------
    >>> from lamina import SequenceTagger
    >>> X = [["the", "old", "dog", "barks"], ["a", "dog", "sleeps"]] * 10
    >>> X += [["the", "cat", "sleeps"], ["an", "old", "cat", "barks"]] * 10
    >>> kinds = {"dog": "noun", "cat": "noun", "barks": "verb", "sleeps": "verb"}
    >>> y = [[kinds.get(word, "other") for word in sentence] for sentence in X]
    >>> tagger = SequenceTagger(hidden_size=16, max_iter=20, random_state=0).fit(X, y)
    >>> tagger.predict([["a", "cat", "barks"]])
    [['other', 'noun', 'verb']]
    """

    body = Recurrent


def _labels(row: Any, i: int) -> list:
    if isinstance(row, str) or not hasattr(row, "__len__"):
        raise DataError(
            f"y[{i}] is {row!r}; y holds a list of labels for each sample, one a step."
        )
    return row.tolist() if hasattr(row, "tolist") else list(row)
