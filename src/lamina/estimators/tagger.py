"""Taggers: a label for each step of a sequence."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.batch import Batch
from lamina.bodies.recurrent import RecurrentParams, RNNBody
from lamina.encoders.base import Encoder
from lamina.encoders.choose import InputParams
from lamina.encoders.series.encoder import SeriesEncoder, SeriesParams
from lamina.encoders.texts.tokens import TokenEncoder, TokenParams
from lamina.estimators.data import read_targets
from lamina.estimators.fitted import FittedColumns, FittedLabels
from lamina.estimators.sequence import SequenceEstimator
from lamina.exceptions import DataError, MissingExtraError, data_errors
from lamina.inputs import DataLike, Indexable
from lamina.nn.model import Model
from lamina.tasks.base import Task
from lamina.tasks.schemes import misfit
from lamina.tasks.tagging import Tagging, TaggingParams
from lamina.training.params import Rate


class Tagger(SequenceEstimator, FittedLabels, FittedColumns, TaggingParams):
    """Abstract tagger; a public class names its body."""

    task = Tagging
    learning_rate_init: Rate = 0.01
    encoders = {"series": SeriesEncoder, "text": TokenEncoder}  # noqa: RUF012

    def predict(self, X: DataLike) -> list[list]:
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

    def predict_proba(self, X: DataLike) -> list[np.ndarray]:
        """The probability of each label at each step.

        Parameters
        ----------
        X : list of n_samples samples
            Samples of the form that `fit` saw.

        Returns
        -------
        p : list of n_samples ndarrays of shape (n_steps, n_classes)
            In the order of `classes_`; with `crf=True` the marginal probabilities over all
            labellings of the sample, or over those that the `scheme` allows. The most
            likely labelling may differ from the most likely label of each step.
        """
        return self._outputs(X, self._marginals)

    def entity_f1(self, X: DataLike, y: DataLike) -> float:
        """The F1 score of entities, for labels of the schemes BIO and BIOES.

        Parameters
        ----------
        X : list of n_samples samples
            Samples of the form that `fit` saw.
        y : list of n_samples lists of labels
            The true labels: "O", "B-kind" and "I-kind", for BIOES also "E-kind" and
            "S-kind".

        Returns
        -------
        f1 : float
            The harmonic mean of precision and recall of whole entities, over all kinds, as
            in the CoNLL shared tasks; 0 if there are no entities. If y breaks its scheme,
            entities begin and end as in the CoNLL scripts.

        Raises
        ------
        NotFittedError
            The estimator was not fitted.
        DataError
            The labels do not mark entities.
        MissingExtraError
            The package seqeval is not installed.
        """
        check_is_fitted(self, "network_")
        try:
            from seqeval.metrics import f1_score
        except ImportError:
            raise MissingExtraError("entity_f1", "seqeval", "text") from None
        plain = self._plain(X)
        with data_errors("y"):
            targets = read_targets(type(self).__name__, self.task_, y, plain)
        labels = {label for row in targets for label in row}
        wrong = misfit([*self.classes_.tolist(), *sorted(labels)], "bioes")
        if wrong is not None:
            raise DataError(
                f"entity_f1 is for labels 'O', 'B-kind' and 'I-kind', and 'E-kind' and "
                f"'S-kind' for BIOES; got {wrong!r}."
            )
        predicted = self.task_.labels(self._outputs_of_plain(plain))
        return float(f1_score(targets, predicted, zero_division=0))

    def _marginals(self, model: Model, batch: Batch) -> list[np.ndarray]:
        return self.task_.marginals(model, batch)

    def fitted_from(self, encoder: Encoder, task: Task, X: Indexable) -> dict[str, Any]:
        assert isinstance(task, Tagging)
        return super().fitted_from(encoder, task, X) | {"classes_": task.classes}


class SequenceTagger(TokenParams, SeriesParams, InputParams, Tagger, RecurrentParams):
    """Recurrent network that labels each step of a sequence (Huang et al. 2015).

    X is a list of lists of tokens, or a list of arrays (steps, channels) of equal or unequal
    length, an array (samples, steps, channels) or a 2-D array (samples, steps) of univariate
    series. y is a list with a list of labels for each sample, one for each step. `score` is
    the fraction of steps whose label is right. If labels mark entities in the schemes BIO or
    BIOES, only labellings that the scheme allows are predicted.

    {parameters}

    {attributes}

    See Also
    --------
    RNNClassifier : Predicts one label for a whole sequence.

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

    body = RNNBody
