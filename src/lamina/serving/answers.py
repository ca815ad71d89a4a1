"""Fitted estimators -> what they answer: predictions, and what goes with them.

The columns of an answer have an entry for each sample, so that a batch of several requests
is divided among them; its constants (labels, levels of quantiles) are the same for all.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Generic, TypeAlias

import numpy as np
from pydantic import BaseModel, Field

from lamina.estimators.base import NeuralEstimator
from lamina.estimators.classifier import Classifier
from lamina.estimators.forecaster import SeriesForecaster
from lamina.estimators.kinds import Kind, entry_of
from lamina.estimators.language import LanguageEstimator
from lamina.estimators.regressor import Regressor
from lamina.estimators.speech import Recognizer
from lamina.estimators.tagger import Tagger
from lamina.estimators.transducer import Transducer
from lamina.exceptions import ParameterError
from lamina.inputs import DataLike

N_UNITS = 10
"""The most likely units that a language model names."""
N_CONTINUED = 120
"""Units that a language model writes after a text."""

Label: TypeAlias = str | int | float | bool
Columns: TypeAlias = dict[str, list]
"""The entries of each field of an answer, one for each sample."""


class Answer(BaseModel):
    """What every answer has."""


class TextAnswer(Answer):
    """Texts: translations, captions, transcripts."""

    predictions: list[str]


class ClassifierAnswer(Answer):
    """Labels, and the probability of each."""

    predictions: list[Label | list[Label]]
    labels: list[Label] | list[list[Label]] = Field(
        description="The labels in the order of the probabilities; a list for each output "
        "where there are several."
    )
    probabilities: list[list[float] | list[list[float]]]


class RegressorAnswer(Answer):
    """Values, or a value for each output or quantile."""

    predictions: list[float | list[float] | list[list[float]]]
    levels: list[float] = Field(
        description="The levels of the quantiles that the last axis of predictions has; "
        "empty if they are not quantiles."
    )


class ForecastAnswer(Answer):
    """The medians of the next values, and their quantiles."""

    predictions: list[list[float]]
    levels: list[float]
    quantiles: list[list[list[float]]] = Field(
        description="For each series and step the quantiles of these levels."
    )


class TaggerAnswer(Answer):
    """A label for each step, and the probability of each label."""

    predictions: list[list[Label]]
    labels: list[Label]
    probabilities: list[list[list[float]]]


class LanguageAnswer(Answer):
    """The most likely next unit of each text, and how the text continues."""

    predictions: list[str]
    units: list[list[str]] = Field(description="The most likely next units.")
    probabilities: list[list[float]] = Field(description="Those of the units.")
    continuations: list[str] = Field(
        description=f"At most {N_CONTINUED} units, the most likely one at each step."
    )


class Answers(ABC, Generic[Kind]):
    """Abstract: what a kind of estimator answers."""

    model: ClassVar[type[Answer]]

    def __init__(self, estimator: Kind):
        self.estimator = estimator

    @property
    def constants(self) -> dict[str, list]:
        """The fields that are the same for all samples."""
        return {}

    @abstractmethod
    def columns(self, X: DataLike, future: Sequence | None = None) -> Columns:
        """The other fields for samples X; a forecaster may have the future of each."""


class Texts(Answers[Transducer | Recognizer]):
    """Texts of a translator, a captioner or a recogniser."""

    model = TextAnswer

    def columns(self, X: DataLike, future: Sequence | None = None) -> Columns:
        return {"predictions": self.estimator.predict(X)}


class Labels(Answers[Classifier]):
    """Labels of a classifier."""

    model = ClassifierAnswer

    @property
    def constants(self) -> dict[str, list]:
        classes = self.estimator.classes_
        is_list = isinstance(classes, list)
        return {
            "labels": [c.tolist() for c in classes] if is_list else classes.tolist()
        }

    def columns(self, X: DataLike, future: Sequence | None = None) -> Columns:
        # One pass of the network instead of those of predict and predict_proba.
        outputs, task = self.estimator._outputs(X), self.estimator.task_
        probabilities = task.probabilities(outputs)
        if isinstance(probabilities, list):
            rows = zip(*(p.tolist() for p in probabilities), strict=True)
            probabilities = [list(row) for row in rows]
        else:
            probabilities = probabilities.tolist()
        return {
            "predictions": np.asarray(task.labels(outputs)).tolist(),
            "probabilities": probabilities,
        }


class Numbers(Answers[Regressor]):
    """Values of a regressor."""

    model = RegressorAnswer

    @property
    def constants(self) -> dict[str, list]:
        task = self.estimator.task_
        return {"levels": [float(level) for level in task.levels]}

    def columns(self, X: DataLike, future: Sequence | None = None) -> Columns:
        return {"predictions": self.estimator.predict(X).tolist()}


class Forecasts(Answers[SeriesForecaster]):
    """Medians and quantiles of a forecaster."""

    model = ForecastAnswer

    @property
    def constants(self) -> dict[str, list]:
        # The first of the levels is that of the medians.
        return {"levels": [float(level) for level in self.estimator.task_.levels[1:]]}

    def columns(self, X: DataLike, future: Sequence | None = None) -> Columns:
        predictions = self.estimator.predict(X, future).tolist()
        quantiles = [[] for _ in predictions]
        if self.constants["levels"]:
            quantiles = self.estimator.predict_quantiles(X, future).tolist()
        return {"predictions": predictions, "quantiles": quantiles}


class Tags(Answers[Tagger]):
    """A label for each step, of a tagger."""

    model = TaggerAnswer

    @property
    def constants(self) -> dict[str, list]:
        return {"labels": self.estimator.classes_.tolist()}

    def columns(self, X: DataLike, future: Sequence | None = None) -> Columns:
        return {
            "predictions": [
                np.asarray(row).tolist() for row in self.estimator.predict(X)
            ],
            "probabilities": [p.tolist() for p in self.estimator.predict_proba(X)],
        }


class Continuations(Answers[LanguageEstimator]):
    """What a language model writes."""

    model = LanguageAnswer

    def columns(self, X: DataLike, future: Sequence | None = None) -> Columns:
        network = self.estimator
        probabilities, vocabulary = network.predict_proba(X), network.vocabulary_
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, :N_UNITS]
        # Without random draws, so that other requests of the batch have no effect.
        added = network.generate(X, max_length=N_CONTINUED, temperature=0)
        return {
            "predictions": network.predict(X),
            "units": [[vocabulary[i] for i in row] for row in best],
            "probabilities": np.take_along_axis(probabilities, best, 1).tolist(),
            "continuations": list(added),
        }


ANSWERS: dict[type[NeuralEstimator], type[Answers]] = {
    Classifier: Labels,
    Regressor: Numbers,
    SeriesForecaster: Forecasts,
    Tagger: Tags,
    Transducer: Texts,
    Recognizer: Texts,
    LanguageEstimator: Continuations,
}


def answers_of(estimator: NeuralEstimator) -> Answers:
    """What a fitted estimator answers."""
    answers = entry_of(ANSWERS, estimator)
    if answers is None:
        raise ParameterError(
            f"{type(estimator).__name__} cannot be served; only "
            f"{', '.join(kind.__name__ for kind in ANSWERS)} and what derives from them can."
        )
    return answers(estimator)
