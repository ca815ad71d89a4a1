"""Twenty samples of each form of data, with targets that can be learnt from them.

Values are exact in float32, so that a copy in lower precision has the same values.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import _safe_indexing

from lamina.estimators.base import NeuralEstimator
from lamina.tasks.classification import Classification
from lamina.tasks.regression import Regression
from lamina.tasks.tagging import Tagging
from lamina.tasks.transcription import Transcription
from lamina.tasks.transduction import Transduction
from lamina.testing import containers
from lamina.testing.trials import Trial

N_SAMPLES = 20
RATE = 4_000
TEXTS = {"low": "a", "middle": "b", "high": "a b"}
"""A text for each label."""
WORDS = ("the", "a", "story", "film", "it", "was", "then", "said", "on", "house")


def _no_containers(X: object) -> dict[str, Any]:
    del X
    return {}


@dataclass(frozen=True, eq=False)
class Example:
    """Samples X with targets, and parameters and values to try with them.

    Twenty samples are enough. Targets that a check does not need may be None.
    """

    name: str
    form: str
    """The form of data, one of a body's `forms`."""
    X: Any
    """An array or a list."""
    labels: np.ndarray | None = None
    """(n,) targets of classifiers: "low", "middle" and "high"."""
    numbers: np.ndarray | None = None
    """(n,) targets of regressors."""
    y: np.ndarray | None = None
    """(n,) targets of a task that is not one of lamina's."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that are needed to read the samples."""
    trials: Mapping[str, Trial] = field(default_factory=dict)
    """Values of parameters to try, beside `TRIALS`."""
    containers: Callable[[Any], dict[str, Any]] = _no_containers
    """A function of X: the same samples in other containers, by their names."""

    def __len__(self) -> int:
        return len(self.X)

    def target(
        self, estimator: NeuralEstimator, rows: slice | np.ndarray = slice(None)
    ) -> Any:
        """The targets of these rows for an estimator; None if it takes none."""
        y = TARGETS[kind_of(estimator)](self)
        return None if y is None else y[rows]

    def rows(self, rows: ArrayLike) -> Any:
        """The samples of these row numbers, in the same container."""
        return _safe_indexing(self.X, np.asarray(rows))

    @property
    def is_list(self) -> bool:
        """Whether the samples may have unequal lengths."""
        return isinstance(self.X, list)


KINDS = {
    Classification: "labels",
    Regression: "numbers",
    Tagging: "tags",
    Transduction: "texts",
    Transcription: "texts",
}


def kind_of(estimator: NeuralEstimator) -> str:
    """The kind of the targets y.

    "labels", "numbers", "tags" (a list for each sample), "texts", "nothing" (y is None),
    or "other" for a task that is not one of lamina's.
    """
    kinds = (kind for task, kind in KINDS.items() if issubclass(estimator.task, task))
    return next(kinds, "other" if estimator.task.requires_y else "nothing")


def examples_for(estimator: NeuralEstimator) -> list[Example]:
    """The examples of lamina for the task and the forms of an estimator."""
    names = SUITED.get(kind_of(estimator), set(EXAMPLES) - OTHERS)
    return [
        example
        for example in EXAMPLES.values()
        if example.name in names
        and example.form in estimator.body.forms
        and example.form in estimator.encoders
    ]


def _texts(data: Example) -> np.ndarray:
    assert data.labels is not None
    return np.array([TEXTS[label] for label in data.labels], dtype=object)


def _tags(data: Example) -> np.ndarray:
    """A tag for each step: the label of the sample, and whether the step is odd."""
    assert data.labels is not None
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
    "other": lambda data: data.y,
}
"""The targets of an example, by the kind of an estimator's targets."""
SUITED = {
    "other": set(),
    "tags": {"series", "ragged", "tokens"},
    "texts": {"documents", "image", "waveforms"},
    "nothing": {"documents", "histories"},
}
"""The examples for estimators whose task does not take every form of their body."""
OTHERS = {"tokens", "documents", "histories"}
"""The examples for these estimators only."""


def _levels() -> np.ndarray:
    """(n,) the quantity that the targets depend on, in random order."""
    levels = np.linspace(-1.5, 1.5, N_SAMPLES)
    return np.random.default_rng(0).permutation(levels)


def _labels(levels: np.ndarray) -> np.ndarray:
    # Classes of unequal size, so that class weights have an effect.
    return np.array(["low", "middle", "high"])[np.digitize(levels, [-0.8, 0.5])]


def _noise(*shape: int) -> np.ndarray:
    noise = np.random.default_rng(1).normal(scale=0.2, size=shape)
    return noise.astype(np.float32).astype(np.float64)


def _table(levels: np.ndarray) -> np.ndarray:
    X = _noise(len(levels), 4)
    X[:, 1] += levels.astype(np.float32)
    return X


def _mixed_table(levels: np.ndarray) -> np.ndarray:
    """Numbers, one of them missing; a column with few and one with many categories."""
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
    """Series to forecast, with a second column."""
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
    make_containers: Callable[[Any], dict[str, Any]],
    **params: Any,
) -> Example:
    levels = _levels()
    return Example(
        name,
        form,
        make(levels),
        labels=_labels(levels),
        numbers=10 + 3 * levels,
        params=params,
        containers=make_containers,
    )


EXAMPLES: dict[str, Example] = {
    example.name: example
    for example in (
        _example("table", "table", _table, containers.tables),
        _example("mixed_table", "table", _mixed_table, containers.mixed_tables),
        _example("univariate", "series", _univariate, containers.matrices),
        _example("series", "series", _series, containers.arrays),
        _example("ragged", "series", _ragged, containers.lists_of_arrays),
        _example("image", "image", _image, containers.arrays),
        _example("text", "text", _text, containers.texts),
        _example("tokens", "text", _tokens, containers.token_lists),
        _example("documents", "text", _text, containers.strings),
        _example("histories", "series", _histories, containers.lists_of_arrays),
        _example(
            "waveforms",
            "audio",
            _waveforms,
            containers.lists_of_arrays,
            sampling_rate=RATE,
            n_mels=4,
        ),
    )
}
"""The examples of lamina, by name."""
