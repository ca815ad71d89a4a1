"""Tagging: a label for every step of a sample."""

from math import isnan
from operator import eq
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.exceptions import DataError
from lamina.nn.labelling import LabellingHead
from lamina.nn.losses import weighted_mean
from lamina.nn.model import Model
from lamina.params import Params, boolean
from lamina.ragged import Ragged
from lamina.tasks.base import Task


class TaggingParams(Params):
    """How the labels of a sample hang together."""

    crf: Annotated[
        bool,
        boolean(),
        """Learn which labels follow one another, and give the best labelling as a whole: a
        conditional random field on top of the network (Lafferty et al. 2001; Huang et
        al. 2015). False labels each step by itself.""",
    ] = True


class Tagging(Task):
    """One label a step: y is a list of lists, output logits (B, T, K)."""

    causal: ClassVar = False
    long_range: ClassVar = False
    default_steps: ClassVar = 5_000
    largest_batch: ClassVar = 128

    def __init__(self, params: TaggingParams):
        super().__init__(params)
        self.crf = bool(params.crf)

    def read(self, y: Any, X: Any) -> list[list]:
        if isinstance(y, str) or len(y) != len(X):
            raise DataError(f"y has {len(y)} targets for {len(X)} samples.")
        return [_labels(row, i) for i, row in enumerate(y)]

    def fit(self, y: Any, weight: Any, classes: Any = None) -> Self:
        del weight, classes
        self.classes = _classes(y)
        self.numbers = {label: i for i, label in enumerate(self.classes.tolist())}
        return self

    def check_fit(self, target: Ragged, samples: Any, body: Any) -> None:
        del body
        lengths = samples.lengths
        if lengths is None:
            n_steps = samples.take(torch.tensor([0])).x.shape[1]
            lengths = torch.full((len(samples),), n_steps)
        wrong = (lengths != target.lengths).nonzero()[:, 0].tolist()
        for i in wrong:
            raise DataError(
                f"Sample {i} has {int(lengths[i])} steps but {int(target.lengths[i])} labels; "
                f"y holds a label for each step."
            )

    def encode(self, y: list[list]) -> Ragged:
        try:
            flat = [self.numbers[label] for labels in y for label in labels]
        except KeyError:
            unseen = {label for labels in y for label in labels} - set(self.numbers)
            raise DataError(
                f"y contains labels that are not among the classes of this network: "
                f"{sorted(unseen)!r}. Pass samples with all labels to fit, or to the "
                f"first call of partial_fit."
            ) from None
        return Ragged(torch.tensor(flat), torch.tensor([len(labels) for labels in y]))

    def head(self, body: Any) -> LabellingHead:
        return LabellingHead(body.width, len(self.classes), self.crf)

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """The mean, over the samples, of minus log-likelihood a step."""
        logits, lengths = _logits(model, batch)
        # Each is padded in its own way, and at least to the longest sample.
        n_steps = min(logits.shape[1], batch.target.values.shape[1])
        logits, labels = logits[:, :n_steps], batch.target.values[:, :n_steps]
        gains = model.head.labels.log_likelihood(logits, labels, lengths)
        return weighted_mean(-gains.float() / lengths, batch.weight)

    def predict(self, model: Any, batch: Batch) -> list[np.ndarray]:
        """The numbers of the labels of each step."""
        logits, lengths = _logits(model, batch)
        return _cut(model.head.labels.decode(logits, lengths), lengths)

    def marginals(self, model: Any, batch: Batch) -> list[np.ndarray]:
        """(T_i, K) of each sample, the probability of each label at each step."""
        logits, lengths = _logits(model, batch)
        return _cut(model.head.labels.marginals(logits, lengths), lengths)

    def labels(self, outputs: list[np.ndarray]) -> list[list]:
        """The labels of each step."""
        return [self.classes[row].tolist() for row in outputs]

    def score(
        self, y: list[list], outputs: list[np.ndarray], weight: np.ndarray | None
    ) -> float:
        """The share of steps whose label is right."""
        rows = zip(y, self.labels(outputs), strict=True)
        right = [sum(map(eq, *row)) for row in rows]
        n_steps = [len(labels) for labels in y]
        return float(_total(right, weight) / _total(n_steps, weight))


def _classes(y: list[list]) -> np.ndarray:
    try:
        labels = sorted({label for labels in y for label in labels})
    except TypeError as error:
        raise DataError(
            f"Labels are strings or numbers, and not both at once: {error}."
        ) from None
    if any(isinstance(label, float) and isnan(label) for label in labels):
        raise DataError("A label of y is NaN; leave the sample out, or name the label.")
    if len(labels) < 2:
        raise DataError(
            f"A tagger needs at least 2 labels; y has only {len(labels)}: {labels!r}."
        )
    return np.array(labels)


def _logits(model: Model, batch: Batch) -> tuple[Tensor, Tensor]:
    logits, lengths, n_steps = model(batch), batch.lengths, batch.x.shape[1]
    if logits.shape[1] != n_steps:
        raise DataError(
            f"The network gives {logits.shape[1]} features for {n_steps} steps; a label "
            f"for each step needs a body that keeps them all."
        )
    if lengths is None:
        lengths = torch.full((len(batch),), n_steps, device=logits.device)
    return logits, lengths


def _cut(steps: Tensor, lengths: Tensor) -> list[np.ndarray]:
    rows = zip(steps.cpu().numpy(), lengths.tolist(), strict=True)
    return [row[:n].copy() for row, n in rows]


def _total(counts: list[int], weight: np.ndarray | None) -> float:
    return np.dot(counts, np.ones(len(counts)) if weight is None else weight)


def _labels(row: Any, i: int) -> list:
    if isinstance(row, str) or not hasattr(row, "__len__"):
        raise DataError(
            f"y[{i}] is {row!r}; y holds a list of labels for each sample, one a step."
        )
    return row.tolist() if hasattr(row, "tolist") else list(row)
