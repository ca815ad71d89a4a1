"""Tagging: a label for every step of a sample."""

from operator import eq
from typing import Annotated, Any, ClassVar, Self

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
from lamina.ragged import Ragged, step_mask
from lamina.tasks.base import Task
from lamina.tasks.class_weight import class_weights
from lamina.tasks.schemes import (
    PREFIXES,
    allowed_by,
    require_scheme,
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
        predicted. "auto" finds the scheme from the labels, and constrains nothing where y
        of `fit` breaks it. None constrains nothing.""",
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


class Tagging(Task):
    """One label a step: y is a list of lists, output logits (B, T, K)."""

    default_steps: ClassVar = 5_000

    def __init__(self, params: TaggingParams):
        super().__init__(params)
        self.crf, self.scheme = bool(params.crf), params.scheme

    def configure(self, params: TaggingParams) -> None:
        self.class_weight = params.class_weight

    def read(self, y: Any, X: Any) -> list[list]:
        """A list of labels for each sample, of Python's own types."""
        return read_labels(y, X)

    def fit(self, y: list[list], weight: Any, classes: Any = None) -> Self:
        """Learn the labels, how often each occurs, and which may follow which."""
        del weight, classes
        self.classes, self.counts = sorted_labels(y)
        self.numbers = {label: i for i, label in enumerate(self.classes.tolist())}
        self.allowed = self._allowed(y)
        return self

    def target_weights(self, y: list[list]) -> np.ndarray | None:
        """The mean weight of the steps of each sample."""
        if self.class_weight is None:
            return None
        return np.array([weights.mean() for weights in self._step_weights(y)])

    def encode(self, y: list[list]) -> Ragged:
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
        if self.class_weight is None:
            log_p = model.head.labels.log_likelihood(*steps)
        else:
            log_p = self._weighted_log_likelihood(model.head.labels, *steps)
        return weighted_mean(-log_p.float() / lengths, batch.weight)

    def _weighted_log_likelihood(
        self, distribution: Any, logits: Tensor, labels: Tensor, lengths: Tensor
    ) -> Tensor:
        """(B,), with weights of mean 1 in each sample: `batch.weight` has their mean."""
        log_p = distribution.step_log_likelihoods(logits, labels, lengths)
        weight = torch.as_tensor(self._class_weights(), device=logits.device)[labels]
        real = step_mask(lengths, labels.shape[1])
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
        right = self._right(y, outputs)
        n_steps = np.array([len(steps) for steps in right], dtype=float)
        fractions = [steps.mean() for steps in right]
        weight = n_steps if weight is None else n_steps * weight
        return float(np.average(fractions, weights=weight))

    def stopping_score(
        self, y: list[list], outputs: list[np.ndarray], weight: np.ndarray | None
    ) -> float:
        """As `score`, with the weights of the classes; `weight` has their means."""
        if self.class_weight is None or weight is None:
            return self.score(y, outputs, weight)
        steps = self._step_weights(y)
        right = zip(self._right(y, outputs), steps, strict=True)
        fractions = [np.average(row, weights=w) for row, w in right]
        n_steps = [len(w) for w in steps]
        return float(np.average(fractions, weights=n_steps * weight))

    def _right(self, y: list[list], outputs: list[np.ndarray]) -> list[np.ndarray]:
        """Whether each label is the true one."""
        self._check_kind(y)
        rows = zip(y, self.labels(outputs), strict=True)
        return [np.fromiter(map(eq, *row), dtype=bool) for row in rows]

    def _check_kind(self, y: list[list]) -> None:
        """Strings are never equal to numbers, so that the score would be 0."""
        kind, seen = kind_of(next(iter(self.numbers))), kind_of(y[0][0])
        if kind != seen and "strings" in (kind, seen):
            raise DataError(
                f"y[0][0] is {y[0][0]!r}, but the labels of this network are {kind}: "
                f"{self.classes.tolist()[:5]!r}. Convert y to their type."
            )

    def _class_weights(self) -> np.ndarray:
        """(K,)."""
        return class_weights(self.class_weight, self.classes, self.counts)

    def _step_weights(self, y: list[list]) -> list[np.ndarray]:
        """The weight of each step, one array a sample."""
        flat, lengths = self._numbers_of(y)
        return np.split(self._class_weights()[flat], np.cumsum(lengths)[:-1])

    def _numbers_of(self, y: list[list]) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of the labels end to end, and how many each sample has."""
        try:
            flat = [self.numbers[label] for labels in y for label in labels]
        except KeyError:
            unseen = {label for labels in y for label in labels} - set(self.numbers)
            raise DataError(
                f"y contains labels that are not among the classes of this network: "
                f"{sorted(unseen)!r}. Pass samples with all labels to fit, or to the "
                f"first call of partial_fit."
            ) from None
        return np.array(flat), np.array([len(labels) for labels in y])

    def _allowed(self, y: list[list]) -> Allowed | None:
        """What the scheme of the labels allows; None if nothing is constrained."""
        labels, scheme = self.classes.tolist(), self.scheme
        if scheme == "auto":
            scheme = scheme_of(labels)
        if scheme is None:
            return None
        require_scheme(labels, scheme)
        allowed = allowed_by(scheme, labels)
        breach = violation(allowed, labels, *self._numbers_of(y))
        if breach is None:
            return allowed
        is_named = self.scheme != "auto"
        warn_of_data(
            f"The labels are those of the scheme {scheme!r}, but {breach}. Labellings are "
            f"{'' if is_named else 'not '}constrained to the scheme. Repair the label, or "
            f"pass scheme=None."
        )
        return allowed if is_named else None


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
