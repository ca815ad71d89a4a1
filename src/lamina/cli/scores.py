"""The score of a network on samples, beside the best constant answer for them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from sklearn.metrics import mean_absolute_error

from lamina.cli.samples import Samples
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.captioner import ImageCaptioner
from lamina.estimators.classifier import Classifier
from lamina.estimators.forecaster import SeriesForecaster
from lamina.estimators.kinds import entry_of
from lamina.estimators.language import LanguageEstimator
from lamina.estimators.regressor import Regressor
from lamina.estimators.speech import Recognizer
from lamina.estimators.tagger import Tagger
from lamina.estimators.translator import Translator
from lamina.exceptions import ParameterError
from lamina.tasks.similarity import chrf


@dataclass(frozen=True)
class Measure:
    """A measure of predictions, and the same of a trivial baseline."""

    metric: str
    score: float
    baseline: str | None = None
    baseline_score: float | None = None

    def __str__(self) -> str:
        text = f"{self.metric} {self.score:.4g}"
        if self.baseline is not None:
            text += f" ({self.baseline} {self.baseline_score:.4g})"
        return text


@dataclass(frozen=True)
class Score:
    """The measures on some samples; the first is what `score` of the estimator gives."""

    measures: tuple[Measure, ...]
    on: str
    n: int

    def __str__(self) -> str:
        first, *others = self.measures
        text = f"{first.metric} {first.score:.4g} on {self.on}"
        if first.baseline is not None:
            text += f" ({first.baseline} {first.baseline_score:.4g})"
        return "; ".join([text, *map(str, others)])

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Score":
        """The score that `json` gave."""
        names = [field.name for field in fields(Measure)]
        measures = [value, *value.get("others", ())]
        return cls(
            tuple(Measure(*[m[name] for name in names]) for m in measures),
            value["on"],
            value["n"],
        )

    def json(self) -> dict[str, Any]:
        """The score as JSON."""
        first, *others = self.measures
        result = {**asdict(first), "n": self.n, "on": self.on}
        return result | {"others": [asdict(m) for m in others]} if others else result


def score_of(estimator: NeuralEstimator, samples: Samples, on: str) -> Score:
    """The score of a fitted estimator on samples with targets."""
    return Score(measure_of(estimator)(estimator, samples), on, len(samples))


def measure_of(estimator: NeuralEstimator) -> "Measuring":
    """How an estimator is scored."""
    measuring = entry_of(MEASURES, estimator)
    if measuring is None:
        raise ParameterError(
            f"The command cannot score a {type(estimator).__name__}; score it in Python, "
            f"and pass --test 0 to fit."
        )
    return measuring


def _accuracy(estimator: Classifier, samples: Samples) -> tuple[Measure, ...]:
    _, counts = np.unique(samples.y, return_counts=True)
    majority = counts.max() / len(samples)
    score = estimator.score(samples.X, samples.y)
    return (Measure("accuracy", float(score), "majority class", float(majority)),)


def _errors(estimator: Regressor, samples: Samples) -> tuple[Measure, ...]:
    y = samples.y
    score = float(estimator.score(samples.X, y))
    if estimator.loss == "quantile":
        return (Measure("D^2", score, "constant quantiles", 0.0),)
    error = mean_absolute_error(y, estimator.predict(samples.X))
    constant = mean_absolute_error(y, np.full(len(y), np.median(y)))
    return (
        Measure("R^2", score, "mean", 0.0),
        Measure("mean absolute error", float(error), "median", float(constant)),
    )


def _forecast_errors(
    estimator: SeriesForecaster, samples: Samples
) -> tuple[Measure, ...]:
    panel, horizon = estimator.encoder_.read(samples.X), estimator.horizon
    last = np.array([_last_value(series[:-horizon, 0]) for series in panel])
    naive = np.repeat(last[:, None, None], horizon, 1)
    return (
        Measure(
            "mean absolute scaled error",
            -float(estimator.score(samples.X)),
            "last value",
            -float(estimator.task_.score(panel, naive, None)),
        ),
    )


def _last_value(history: np.ndarray) -> float:
    present = history[~np.isnan(history)]
    return present[-1] if len(present) else np.nan


def _bits(estimator: LanguageEstimator, samples: Samples) -> tuple[Measure, ...]:
    score = -float(estimator.score(samples.X))
    counts = Counter("".join(samples.X))
    counts[""] = len(samples.X)  # the ends, which `score` counts as characters
    p = np.array([*counts.values()]) / sum(counts.values())
    entropy = -float(p @ np.log2(p))
    return (Measure("bits per character", score, "frequencies of characters", entropy),)


def _similarity(estimator: Translator, samples: Samples) -> tuple[Measure, ...]:
    score = float(estimator.score(samples.X, samples.y))
    copied = chrf(samples.X, [[text] for text in samples.y], None)
    return (Measure("chrF", score, "copy of the input", copied),)


def _caption_similarity(
    estimator: ImageCaptioner, samples: Samples
) -> tuple[Measure, ...]:
    score, n = float(estimator.score(samples.X, samples.y)), len(samples)
    ((caption, _),) = Counter(samples.y).most_common(1)
    constant = chrf([caption] * n, [[text] for text in samples.y], None)
    return (Measure("chrF", score, "most frequent caption", constant),)


def _word_accuracy(estimator: Recognizer, samples: Samples) -> tuple[Measure, ...]:
    score = float(estimator.score(samples.X, samples.y))
    return (Measure("1 - word error rate", score, "no words", 0.0),)


def _label_accuracy(estimator: Tagger, samples: Samples) -> tuple[Measure, ...]:
    score = float(estimator.score(samples.X, samples.y))
    counts = Counter(label for labels in samples.y for label in labels)
    majority = max(counts.values()) / counts.total()
    return (Measure("accuracy of labels", score, "most frequent label", majority),)


Measuring = Callable[[Any, Samples], tuple[Measure, ...]]
MEASURES: dict[type[NeuralEstimator], Measuring] = {
    Classifier: _accuracy,
    Regressor: _errors,
    SeriesForecaster: _forecast_errors,
    LanguageEstimator: _bits,
    Translator: _similarity,
    ImageCaptioner: _caption_similarity,
    Tagger: _label_accuracy,
    Recognizer: _word_accuracy,
}
