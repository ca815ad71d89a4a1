"""Tagging: a label for each step of a sample."""

from operator import eq
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.exceptions import DataError, warn_of_data
from lamina.nn.body import Body
from lamina.nn.crf import Allowed
from lamina.nn.labelling import Labelling, LabellingHead
from lamina.nn.losses import weighted_mean
from lamina.nn.model import Model
from lamina.params import Params, Use, mapping
from lamina.ragged import Ragged, step_mask
from lamina.tasks.base import Classes, Task
from lamina.tasks.class_weight import class_weights
from lamina.tasks.schemes import (
    allowed_by,
    require_scheme,
    scheme_of,
    violation,
)
from lamina.tasks.step_labels import Label, kind_of, read_labels, sorted_labels

StepLabels = list[list[Label]]


class TaggingParams(Params):
    """How labels depend on one another, and their weights."""

    crf: Annotated[
        bool,
        Use.FROZEN,
        """Learn which labels follow one another, and predict the labelling that is best as
        a whole: a conditional random field on top of the network (Lafferty et al. 2001;
        Huang et al. 2015). False predicts each label by itself.""",
    ] = True
    scheme: Annotated[
        Literal["auto", "bio", "bioes"] | None,
        Use.FROZEN,
        """How labels mark entities: "bio" (IOB2: "B-kind", "I-kind", "O") or "bioes" (IOBES:
        also "E-kind" and "S-kind"). Only labellings that the scheme allows are predicted.
        "auto" finds the scheme from the labels, and allows all labellings if y of `fit`
        breaks the scheme. None allows all labellings.""",
    ] = "auto"
    class_weight: Annotated[
        dict | Literal["balanced"] | None,
        mapping(),
        """Weight of the steps of each label, {label: weight}; "balanced" makes it inversely
        proportional to the label's frequency. The loss is the sum over the steps of the
        weight times -log p(label), with `crf=True` -log p(label | the labels before it).
        `sample_weight` is multiplied by it.""",
    ] = None


class Tagging(Task):
    """One label for each step: y is a list of lists, logits (B, T, K)."""

    default_steps: ClassVar = 5_000

    def __init__(self, params: TaggingParams):
        super().__init__(params)
        self.crf, self.scheme = bool(params.crf), params.scheme

    def configure(self, params: TaggingParams) -> None:
        self.class_weight = params.class_weight

    def read(self, y: object, X: object) -> StepLabels:
        """A list of labels for each sample, of Python types."""
        return read_labels(y, X)

    def fit(
        self, y: StepLabels, weight: np.ndarray | None, classes: Classes | None = None
    ) -> Self:
        """Learn the labels, their counts, and which labellings the scheme allows."""
        del weight, classes
        self.classes, self.counts = sorted_labels(y)
        self.index_of = {label: i for i, label in enumerate(self.classes.tolist())}
        self.allowed = self._allowed(y)
        return self

    def target_weights(self, y: StepLabels) -> np.ndarray | None:
        """The mean weight of the steps of each sample."""
        if self.class_weight is None:
            return None
        return np.array([weights.mean() for weights in self._step_weights(y)])

    def encode(self, y: StepLabels) -> Ragged:
        flat, lengths = self._indices_of(y)
        return Ragged(torch.from_numpy(flat), torch.from_numpy(lengths))

    def head(self, body: Body) -> LabellingHead:
        return LabellingHead(body.width, len(self.classes), self.crf, self.allowed)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """The mean over the samples of minus the log-likelihood per step."""
        logits, lengths = _logits(model, batch)
        # Inputs and targets are padded to different lengths, both at least the longest.
        n_steps = min(logits.shape[1], batch.target.values.shape[1])
        steps = logits[:, :n_steps], batch.target.values[:, :n_steps], lengths
        if self.class_weight is None:
            log_p = model.head.labels.log_likelihood(*steps)
        else:
            log_p = self._weighted_log_likelihood(model.head.labels, *steps)
        return weighted_mean(-log_p.float() / lengths, batch.weight)

    def _weighted_log_likelihood(
        self, distribution: Labelling, logits: Tensor, labels: Tensor, lengths: Tensor
    ) -> Tensor:
        """(B,), the weights of steps divided by their mean, a factor of `batch.weight`."""
        log_p = distribution.step_log_likelihoods(logits, labels, lengths)
        weight = torch.as_tensor(self._class_weights(), device=logits.device)[labels]
        real = step_mask(lengths, labels.shape[1])
        mean = weight.masked_fill(~real, 0.0).sum(1) / lengths
        return (weight * log_p).sum(1) / mean

    def predict(self, model: Model, batch: Batch) -> list[np.ndarray]:
        """The label indices (T_i,) of each sample."""
        logits, lengths = _logits(model, batch)
        return _real_parts(model.head.labels.decode(logits, lengths), lengths)

    def marginals(self, model: Model, batch: Batch) -> list[np.ndarray]:
        """The probabilities (T_i, K) of the labels at each step, for each sample."""
        logits, lengths = _logits(model, batch)
        return _real_parts(model.head.labels.marginals(logits, lengths), lengths)

    def labels(self, outputs: list[np.ndarray]) -> StepLabels:
        """The labels of each sample."""
        return [self.classes[row].tolist() for row in outputs]

    def score(
        self, y: StepLabels, outputs: list[np.ndarray], weight: np.ndarray | None
    ) -> float:
        """The fraction of steps whose label is right; a label that is no class is wrong."""
        is_right = self._is_right(y, outputs)
        n_steps = np.array([len(steps) for steps in is_right], dtype=float)
        fractions = [steps.mean() for steps in is_right]
        weight = n_steps if weight is None else n_steps * weight
        return float(np.average(fractions, weights=weight))

    def stopping_score(
        self, y: StepLabels, outputs: list[np.ndarray], weight: np.ndarray | None
    ) -> float:
        """`score` with the class weights; their means are factors of `weight`."""
        if self.class_weight is None or weight is None:
            return self.score(y, outputs, weight)
        steps = self._step_weights(y)
        rows = zip(self._is_right(y, outputs), steps, strict=True)
        fractions = [np.average(row, weights=w) for row, w in rows]
        n_steps = [len(w) for w in steps]
        return float(np.average(fractions, weights=n_steps * weight))

    def _is_right(self, y: StepLabels, outputs: list[np.ndarray]) -> list[np.ndarray]:
        """Whether each predicted label is the true one."""
        self._check_kind(y)
        rows = zip(y, self.labels(outputs), strict=True)
        return [np.fromiter(map(eq, *row), dtype=bool) for row in rows]

    def _check_kind(self, y: StepLabels) -> None:
        """Raise `DataError` for strings where the classes are numbers, and the reverse."""
        kind, given = kind_of(next(iter(self.index_of))), kind_of(y[0][0])
        if kind != given and "strings" in (kind, given):
            raise DataError(
                f"y[0][0] is {y[0][0]!r}, but the labels of this network are {kind}: "
                f"{self.classes.tolist()[:5]!r}. Convert y to their type."
            )

    def _class_weights(self) -> np.ndarray:
        """(K,), the weight of each label."""
        return class_weights(self.class_weight, self.classes, self.counts)

    def _step_weights(self, y: StepLabels) -> list[np.ndarray]:
        """The weights (T_i,) of the steps of each sample."""
        flat, lengths = self._indices_of(y)
        return np.split(self._class_weights()[flat], np.cumsum(lengths)[:-1])

    def _indices_of(self, y: StepLabels) -> tuple[np.ndarray, np.ndarray]:
        """Label indices of all samples, concatenated, and the number of each (n,)."""
        try:
            flat = [self.index_of[label] for labels in y for label in labels]
        except KeyError:
            unseen = {label for labels in y for label in labels} - set(self.index_of)
            raise DataError(
                f"y contains labels that are not among the classes of this network: "
                f"{sorted(unseen)!r}. Pass samples with all labels to fit, or to the "
                f"first call of partial_fit."
            ) from None
        return np.array(flat), np.array([len(labels) for labels in y])

    def _allowed(self, y: StepLabels) -> Allowed | None:
        """The labellings that the scheme allows; None if all are allowed."""
        labels, scheme = self.classes.tolist(), self.scheme
        if scheme == "auto":
            scheme = scheme_of(labels)
        if scheme is None:
            return None
        require_scheme(labels, scheme)
        allowed = allowed_by(scheme, labels)
        breach = violation(allowed, labels, *self._indices_of(y))
        if breach is None:
            return allowed
        is_named = self.scheme != "auto"
        warn_of_data(
            f"The labels belong to the scheme {scheme!r}, but {breach}. Labellings are "
            f"{'' if is_named else 'not '}constrained to the scheme. Correct the label, or "
            f"pass scheme=None."
        )
        return allowed if is_named else None


def _logits(model: Model, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits (B, T, K), and the lengths (B,)."""
    logits, lengths, n_steps = model(batch), batch.lengths, batch.x.shape[1]
    if logits.shape[1] != n_steps:
        raise DataError(
            f"The body gives features of {logits.shape[1]} steps for {n_steps} steps of the "
            f"input; a label for each step needs a body that keeps all steps."
        )
    if lengths is None:
        lengths = torch.full((len(batch),), n_steps, device=logits.device)
    return logits, lengths


def _real_parts(steps: Tensor, lengths: Tensor) -> list[np.ndarray]:
    """The real steps of each sample."""
    rows = zip(steps.cpu().numpy(), lengths.tolist(), strict=True)
    return [row[:n].copy() for row, n in rows]
