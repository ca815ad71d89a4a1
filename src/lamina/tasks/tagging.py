"""Tagging: a label for every step of a sample."""

from operator import eq
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.exceptions import DataError, warn_of_data
from lamina.nn.crf import Allowed
from lamina.nn.labelling import LabellingHead
from lamina.nn.losses import weighted_mean
from lamina.nn.model import Model
from lamina.params import Params, Use, boolean, mapping, none, one_of
from lamina.ragged import Ragged
from lamina.tasks.class_weight import class_weights
from lamina.tasks.schemes import (
    PREFIXES,
    allowed_by,
    can_label,
    misfit,
    scheme_of,
    violation,
)
from lamina.tasks.step_labels import kind_of, read_labels, sorted_labels


class TaggingParams(Params):
    """How the labels of a sample depend on one another, and what each counts."""

    crf: Annotated[
        bool,
        boolean(),
        Use.FROZEN,
        """Learn which labels follow one another, and give the best labelling as a whole: a
        conditional random field on top of the network (Lafferty et al. 2001; Huang et
        al. 2015). False labels each step by itself.""",
    ] = True
    scheme: Annotated[
        str | None,
        one_of("auto", *PREFIXES),
        none(),
        Use.FROZEN,
        """How labels mark entities: "bio" (IOB2: "B-kind", "I-kind", "O") or "bioes" (IOBES:
        "E-kind" and "S-kind" too). Labellings that break the scheme are then never
        predicted, and with `crf=True` have probability 0 in training too (Wei et al.
        2021). "auto" finds the scheme from the labels, and warns and constrains nothing
        where y breaks it; a scheme that is named refuses such a y. None constrains
        nothing.""",
    ] = "auto"
    class_weight: Annotated[
        dict | str | None,
        mapping(),
        one_of("balanced"),
        none(),
        """Weight of the steps of each label, {label: weight}; "balanced" makes it inversely
        proportional to the label's frequency. The loss is the sum over the steps of the
        weight times -log p(label), with `crf=True` -log p(label | the labels before it).
        It multiplies `sample_weight`.""",
    ] = None


class Tagging:
    """One label a step: y is a list of lists, output logits (B, T, K)."""

    requires_y: ClassVar = True
    causal: ClassVar = False
    looks_far: ClassVar = False
    default_steps: ClassVar = 5_000
    largest_batch: ClassVar = 128

    def __init__(self, y: list[list], params: TaggingParams):
        self.classes, self._counts = sorted_labels(y)
        self.numbers = {label: i for i, label in enumerate(self.classes.tolist())}
        self.crf = bool(params.crf)
        self.allowed = self._allowed(y, params.scheme)
        self.configure(params)

    def configure(self, params: TaggingParams) -> None:
        """Take over what may change from fit to fit."""
        self.class_weights: np.ndarray | None = None
        if params.class_weight is not None:
            self.class_weights = class_weights(
                params.class_weight, self.classes, self._counts
            )

    @staticmethod
    def read(y: Any, X: Any) -> list[list]:
        """A list of labels for each sample of X, of Python's own types."""
        return read_labels(y, X)

    def weigh(self, y: list[list]) -> np.ndarray | None:
        """The mean weight of the steps of each sample."""
        if self.class_weights is None:
            return None
        weight = dict(zip(self.numbers, self.class_weights.tolist(), strict=True))
        return np.array([np.mean([weight[x] for x in labels]) for labels in y])

    def strata(self, y: Any) -> None:
        del y

    def check_fit(self, y: list[list]) -> None:
        """Refuse training targets that the scheme of this network does not allow."""
        if self.allowed is None:
            return
        what = violation(self.allowed, list(self.numbers), *self._numbers_of(y))
        if what is not None:
            raise DataError(
                f"{what}: the scheme of this network does not allow it. "
                f"Repair the label, or start again with scheme=None."
            )

    def encode(self, y: list[list]) -> Ragged:
        self.check_fit(y)
        flat, lengths = self._numbers_of(y)
        return Ragged(torch.from_numpy(flat), torch.from_numpy(lengths))

    def head(self, body: Any) -> LabellingHead:
        return LabellingHead(body.width, len(self.classes), self.crf, self.allowed)

    def loss(self, model: Any, batch: Batch) -> Tensor:
        """The mean, over the samples, of minus log-likelihood a step."""
        logits, lengths = _logits(model, batch)
        # Each is padded in its own way, and at least to the longest sample.
        n_steps = min(logits.shape[1], batch.target.values.shape[1])
        steps = logits[:, :n_steps], batch.target.values[:, :n_steps], lengths
        if self.class_weights is None:
            log_p = model.head.labels.log_likelihood(*steps)
        else:
            log_p = self._weighted_log_likelihood(model.head.labels, *steps)
        return weighted_mean(-log_p.float() / lengths, batch.weight)

    def _weighted_log_likelihood(
        self, distribution: Any, logits: Tensor, labels: Tensor, lengths: Tensor
    ) -> Tensor:
        """(B,), with weights of mean 1 in each sample: `batch.weight` has their mean."""
        log_p = distribution.step_log_likelihoods(logits, labels, lengths)
        weight = torch.as_tensor(self.class_weights, device=logits.device)[labels]
        real = torch.arange(labels.shape[1], device=logits.device) < lengths[:, None]
        mean = weight.masked_fill(~real, 0.0).sum(1) / lengths
        return (weight * log_p).sum(1) / mean

    def predict(self, model: Any, batch: Batch) -> list[np.ndarray]:
        """The numbers of the labels of each step."""
        logits, lengths = _logits(model, batch)
        return _real_parts(model.head.labels.decode(logits, lengths), lengths)

    def marginals(self, model: Any, batch: Batch) -> list[np.ndarray]:
        """(T_i, K) of each sample, the probability of each label at each step."""
        logits, lengths = _logits(model, batch)
        return _real_parts(model.head.labels.marginals(logits, lengths), lengths)

    def labels(self, outputs: list[np.ndarray]) -> list[list]:
        """The labels of each step."""
        return [self.classes[row].tolist() for row in outputs]

    def score(
        self, y: list[list], outputs: list[np.ndarray], weight: np.ndarray | None
    ) -> float:
        """The fraction of steps whose label is right; one unseen in fit never is."""
        self._check_kind(y)
        rows = zip(y, self.labels(outputs), strict=True)
        right = [sum(map(eq, *row)) for row in rows]
        n_steps = [len(labels) for labels in y]
        return float(
            np.average(np.divide(right, n_steps), weights=_times(n_steps, weight))
        )

    def _check_kind(self, y: list[list]) -> None:
        """Strings are never equal to numbers, so that the score would be 0."""
        kinds = {kind_of(label) for label in self.numbers}
        seen = kind_of(y[0][0])
        if "strings" in kinds | {seen} and seen not in kinds:
            raise DataError(
                f"y[0][0] is {y[0][0]!r}, but the labels of this network are "
                f"{kinds.pop()}: {self.classes.tolist()[:5]!r}. Convert y to their type."
            )

    def _numbers_of(self, y: list[list]) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the labels end to end, and how many each sample has."""
        try:
            flat = [self.numbers[label] for labels in y for label in labels]
        except KeyError:
            self._refuse_unseen(y)
            raise
        return np.array(flat), np.array([len(labels) for labels in y])

    def _refuse_unseen(self, y: list[list]) -> None:
        unseen = {label for labels in y for label in labels} - set(self.numbers)
        i = next(i for i, labels in enumerate(y) if unseen & set(labels))
        raise DataError(
            f"y contains labels that are not among the classes of this network: "
            f"{sorted(unseen)!r} (first in y[{i}]). Pass samples with all labels to fit, "
            f"or to the first call of partial_fit."
        )

    def _allowed(self, y: list[list], scheme: str | None) -> Allowed | None:
        labels, is_named = self.classes.tolist(), scheme in PREFIXES
        if scheme == "auto":
            scheme = scheme_of(labels)
        if scheme is None:
            return None
        wrong = misfit(labels, scheme)
        if wrong is not None or not can_label(labels, scheme):
            raise DataError(
                f"scheme={scheme!r} does not fit the labels of y, such as "
                f"{wrong or labels[0]!r}; labels are 'O' or one of "
                f"{' '.join(PREFIXES[scheme])} with '-' and a kind. Use scheme=None."
            )
        allowed = allowed_by(scheme, labels)
        what = violation(allowed, labels, *self._numbers_of(y))
        if what is None:
            return allowed
        if is_named:
            raise DataError(
                f"{what}: {scheme!r} does not allow it. Repair the label, or use scheme=None."
            )
        warn_of_data(
            f"Labels look like those of the scheme {scheme!r}, but {what}. Labellings are "
            f"not constrained to the scheme. Repair the label, or pass scheme=None."
        )
        return None


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


def _real_parts(steps: Tensor, lengths: Tensor) -> list[np.ndarray]:
    rows = zip(steps.cpu().numpy(), lengths.tolist(), strict=True)
    return [row[:n].copy() for row, n in rows]


def _times(n_steps: list[int], weight: np.ndarray | None) -> np.ndarray:
    return np.array(n_steps) * (1.0 if weight is None else weight)
