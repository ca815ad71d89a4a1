"""Twenty samples of each form of data, of which something can be learnt.

Values are exact in float32, so that a copy in lower precision holds the same data.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.utils import _safe_indexing

from lamina.tasks.classification import Classification
from lamina.tasks.regression import Regression
from lamina.tasks.tagging import Tagging
from lamina.tasks.transcription import Transcription
from lamina.tasks.transduction import Transduction

N_SAMPLES = 20
RATE = 4_000
SPELT = {"low": "a", "middle": "b", "high": "a b"}
"""A text for each label."""
WORDS = ("the", "a", "story", "film", "it", "was", "then", "said", "on", "house")


@dataclass(frozen=True)
class Example:
    """Samples X, what can be learnt of them, and what an estimator needs for it."""

    name: str
    form: str
    """The form of data, one of a body's `forms`."""
    X: Any
    labels: np.ndarray
    numbers: np.ndarray
    params: dict[str, Any] = field(default_factory=dict)
    """Parameters without which the samples cannot be read."""

    def __len__(self) -> int:
        return len(self.labels)

    def target(self, estimator: Any, rows: Any = slice(None)) -> Any:
        """What this estimator should learn of these rows; None if X itself."""
        y = TARGETS[kind_of(estimator)](self)
        return None if y is None else y[rows]

    def rows(self, rows: Any) -> Any:
        """The samples of these row numbers, in the same container."""
        return _safe_indexing(self.X, np.asarray(rows))

    @property
    def is_list(self) -> bool:
        """Whether the samples may be of unequal length."""
        return isinstance(self.X, list)


KINDS = {
    Classification: "labels",
    Regression: "numbers",
    Tagging: "tags",
    Transduction: "texts",
    Transcription: "texts",
}


def kind_of(estimator: Any) -> str:
    """What y holds: "labels", "numbers", "tags" (a list a sample), "texts" or "nothing"."""
    kinds = (kind for task, kind in KINDS.items() if issubclass(estimator.task, task))
    return next(kinds, "nothing")


def examples_for(estimator: Any) -> list[Example]:
    """An example of each kind of data that an estimator takes."""
    names = SUITED.get(kind_of(estimator), set(EXAMPLES) - OTHERS)
    return [
        example
        for example in EXAMPLES.values()
        if example.name in names
        and example.form in estimator.body.forms
        and example.form in estimator.encoders
    ]


def _texts(data: Example) -> np.ndarray:
    return np.array([SPELT[label] for label in data.labels], dtype=object)


def _tags(data: Example) -> np.ndarray:
    """A label for each step: whether it is an odd one, and the sample's own."""
    tags = np.empty(len(data), dtype=object)
    for i, (x, label) in enumerate(zip(data.X, data.labels, strict=True)):
        tags[i] = [f"{label} {step % 2}" for step in range(len(x))]
    return tags


TARGETS: dict[str, Callable[[Example], Any]] = {
    "labels": lambda data: data.labels,
    "numbers": lambda data: data.numbers,
    "tags": _tags,
    "texts": _texts,
    "nothing": lambda _: None,
}
"""What is to be learnt, by the kind of an estimator's targets."""
SUITED = {
    "tags": {"series", "ragged", "tokens"},
    "texts": {"documents", "image", "waveforms"},
    "nothing": {"documents", "histories"},
}
"""Names of the examples for estimators that do not take every form of their body."""


OTHERS = {"tokens", "documents", "histories"}
"""Names of the examples that are for these estimators only."""


def _levels() -> np.ndarray:
    """What is to be learnt of each sample, in no particular order."""
    levels = np.linspace(-1.5, 1.5, N_SAMPLES)
    return np.random.default_rng(0).permutation(levels)


def _labels(levels: np.ndarray) -> np.ndarray:
    # Classes of unequal size, or class weights would have nothing to even out.
    return np.array(["low", "middle", "high"])[np.digitize(levels, [-0.8, 0.5])]


def _noise(*shape: int) -> np.ndarray:
    noise = np.random.default_rng(1).normal(scale=0.2, size=shape)
    return noise.astype(np.float32).astype(np.float64)


def _table(levels: np.ndarray) -> np.ndarray:
    X = _noise(len(levels), 4)
    X[:, 1] += levels.astype(np.float32)
    return X


def _mixed_table(levels: np.ndarray) -> np.ndarray:
    """Numbers, one of them missing; a category with few values, one with many."""
    X = np.empty((len(levels), 4), dtype=object)
    X[:, 0] = _noise(len(levels)).tolist()
    X[:, 1] = levels.astype(np.float32).tolist()
    X[:, 2] = [("red", "green", "blue")[i % 3] for i in range(len(levels))]
    X[:, 3] = [f"town {i % 12}" for i in range(len(levels))]
    X[3, 0] = X[5, 2] = None
    return X


def _univariate(levels: np.ndarray) -> np.ndarray:
    return _noise(len(levels), 12) + levels.astype(np.float32)[:, None]


def _series(levels: np.ndarray) -> np.ndarray:
    X = _noise(len(levels), 10, 3)
    X[:, :, 1] += levels.astype(np.float32)[:, None]
    return X


def _ragged(levels: np.ndarray) -> list[np.ndarray]:
    long = _noise(len(levels), 12, 2)
    long[:, :, 1] += levels.astype(np.float32)[:, None]
    return [sample[: 1 + (5 * i) % 12] for i, sample in enumerate(long)]


def _histories(levels: np.ndarray) -> list[np.ndarray]:
    """Series that go on, with another beside each."""
    long = _noise(len(levels), 20, 2)
    long[:, :, 0] += levels.astype(np.float32)[:, None] * np.cos(np.arange(20))
    return [sample[: 9 + (5 * i) % 12] for i, sample in enumerate(long)]


def _image(levels: np.ndarray) -> np.ndarray:
    X = _noise(len(levels), 8, 6, 3)
    X[..., 2] += levels.astype(np.float32)[:, None, None]
    return X


def _text(levels: np.ndarray) -> list[str]:
    rng, texts = np.random.default_rng(1), []
    for i, level in enumerate(levels):
        words = rng.choice(WORDS, size=1 + i % 4).tolist()
        words += ["good"] * round(2 + level) + ["bad"] * round(2 - level)
        texts.append(" ".join(rng.permutation(words).tolist()))
    return texts


def _tokens(levels: np.ndarray) -> list[list[str]]:
    return [text.split() for text in _text(levels)]


def _waveforms(levels: np.ndarray) -> list[np.ndarray]:
    waves = []
    for i, level in enumerate(levels):
        t = np.arange(400 + 30 * (i % 9)) / RATE
        wave = 0.3 * np.sin(2 * np.pi * (800 + 400 * level) * t)
        waves.append((wave + _noise(len(t)) / 20).astype(np.float32).astype(float))
    return waves


def _example(
    name: str,
    form: str,
    make: Callable[[np.ndarray], Any],
    params: dict[str, Any] | None = None,
) -> Example:
    levels = _levels()
    X, labels, numbers = make(levels), _labels(levels), 10 + 3 * levels
    return Example(name, form, X, labels, numbers, params or {})


EXAMPLES: dict[str, Example] = {
    example.name: example
    for example in (
        _example("table", "table", _table),
        _example("mixed_table", "table", _mixed_table),
        _example("univariate", "series", _univariate),
        _example("series", "series", _series),
        _example("ragged", "series", _ragged),
        _example("image", "image", _image),
        _example("text", "text", _text),
        _example("tokens", "text", _tokens),
        _example("documents", "text", _text),
        _example("histories", "series", _histories),
        _example(
            "waveforms", "audio", _waveforms, {"sampling_rate": RATE, "n_mels": 4}
        ),
    )
}
"""Every example, by name."""
