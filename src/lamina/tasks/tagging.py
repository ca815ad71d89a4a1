"""Tagging: a label for every step of a sample."""

from math import isnan
from operator import eq
from typing import Annotated, Any, ClassVar

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


class TaggingParams(Params):
    """How the labels of a sample hang together."""

    crf: Annotated[
        bool,
        boolean(),
        """Learn which labels follow one another, and give the best labelling as a whole: a
        conditional random field on top of the network (Lafferty et al. 2001; Huang et
        al. 2015). False labels each step by itself.""",
    ] = True


class Tagging:
    """One label a step: y is a list of lists, output logits (B, T, K)."""

    causal: ClassVar = False
    looks_far: ClassVar = False
    default_steps: ClassVar = 5_000
    largest_batch: ClassVar = 128

    def __init__(self, y: list[list], params: TaggingParams):
        self.classes = _classes(y)
        self.numbers = {label: i for i, label in enumerate(self.classes.tolist())}
        self.crf = bool(params.crf)

    def weigh(self, y: Any) -> None:
        del y

    def strata(self, y: Any) -> None:
        del y

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
