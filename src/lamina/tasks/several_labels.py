"""Classification with several labels for each sample: indicators, or several outputs."""

from typing import Self

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import expit, log_expit, log_softmax, softmax
from torch import Tensor

from lamina.exceptions import DataError
from lamina.nn.losses import by_autograd
from lamina.nn.members import log_mean
from lamina.tasks.base import Classes
from lamina.tasks.label_task import LabelTask
from lamina.tasks.labels import LabelKind, Labels, classes_of, dense, positions_of


class MultilabelClassification(LabelTask):
    """Any of K labels for each sample: y (n, K) of 0 and 1, logits (n, K)."""

    kind = LabelKind.INDICATORS

    def fit(
        self, y: Labels, weight: np.ndarray | None, classes: Classes | None = None
    ) -> Self:
        del weight
        self.n_outputs = y.shape[1]
        if classes is not None and len(classes) != self.n_outputs:
            raise DataError(
                f"classes has {len(classes)} labels for {self.n_outputs} columns."
            )
        self.classes = np.arange(self.n_outputs)
        return self

    def encode(self, y: Labels) -> Tensor:
        y = dense(y)
        if y.shape[1] != self.n_outputs or not np.isin(y, (0, 1)).all():
            raise DataError(
                f"y must be an indicator matrix of {self.n_outputs} columns of 0 and 1."
            )
        return torch.from_numpy(y.astype(np.float32))

    def outputs_of(self, y: Labels) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(np.array([0, 1]), column.astype(int)) for column in dense(y).T]

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        return by_autograd(self._losses, output, target, weight)

    def _losses(self, logits: Tensor, target: Tensor) -> Tensor:
        smooth = target * (1 - self.smoothing) + self.smoothing / 2
        loss = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        if self.gamma:
            loss = (1 - torch.exp(-loss)) ** self.gamma * loss
        return loss.mean(1)

    def combined(self, output: Tensor) -> Tensor:
        return log_mean(F.logsigmoid(output)) - log_mean(F.logsigmoid(-output))

    def score(self, y: Labels, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        """The fraction of samples whose labels are all right."""
        is_right = (dense(y) == self.labels(outputs)).all(1)
        return float(np.average(is_right, weights=weight))

    def labels(self, logits: np.ndarray) -> np.ndarray:
        return (logits > 0).astype(int)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        return expit(logits)

    def log_probabilities(self, logits: np.ndarray) -> np.ndarray:
        return log_expit(logits)


class MultioutputClassification(LabelTask):
    """One label for each output: y (n, outputs), logits (n, sum of K over the outputs)."""

    kind, has_decisions = LabelKind.SEVERAL, False

    def fit(
        self, y: Labels, weight: np.ndarray | None, classes: Classes | None = None
    ) -> Self:
        del weight
        columns = (
            list(dense(y).T) if classes is None else list(map(np.asarray, classes))
        )
        if len(columns) != y.shape[1]:
            raise DataError(
                f"classes has {len(columns)} arrays for {y.shape[1]} outputs; pass a list "
                f"with the labels of each output."
            )
        self.classes = [classes_of(c, f"y[:, {i}]") for i, c in enumerate(columns)]
        self.sizes = [len(c) for c in self.classes]
        self.n_outputs = sum(self.sizes)
        return self

    def _accepts(self, labels: Labels) -> bool:
        # Labels of which all are 0 or 1 look like an indicator matrix.
        return labels.ndim == 2 and labels.shape[1] == len(self.classes)

    def encode(self, y: Labels) -> Tensor:
        return torch.from_numpy(np.stack([p for _, p in self.outputs_of(y)], 1))

    def outputs_of(self, y: Labels) -> list[tuple[np.ndarray, np.ndarray]]:
        y = dense(y)
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise DataError(
                f"y has shape {y.shape}; this network was fitted on {len(self.classes)} "
                f"outputs, with a column for each."
            )
        columns = zip(y.T, self.classes, strict=True)
        return [(k, positions_of(c.astype(k.dtype), k)) for c, k in columns]

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The mean over the outputs of the loss of their columns."""
        parts = zip(output.split(self.sizes, 1), target.unbind(1), strict=True)
        of_output = super().criterion
        pairs = (of_output(*part, weight) for part in parts)
        losses, gradients = zip(*pairs, strict=True)
        gradient = torch.cat(gradients, 1) / len(gradients)
        return torch.stack(losses).mean(), gradient

    def combined(self, output: Tensor) -> Tensor:
        parts = output.split(self.sizes, dim=-1)
        return torch.cat([log_mean(part.log_softmax(-1)) for part in parts], 1)

    def score(self, y: Labels, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        """The fraction of samples whose labels are all right."""
        is_right = (dense(y) == self.labels(outputs)).all(1)
        return float(np.average(is_right, weights=weight))

    def labels(self, logits: np.ndarray) -> np.ndarray:
        parts = zip(self._split(logits), self.classes, strict=True)
        return np.stack([classes[part.argmax(1)] for part, classes in parts], 1)

    def probabilities(self, logits: np.ndarray) -> list[np.ndarray]:
        return [softmax(part, axis=1) for part in self._split(logits)]

    def log_probabilities(self, logits: np.ndarray) -> list[np.ndarray]:
        return [log_softmax(part, axis=1) for part in self._split(logits)]

    def _split(self, logits: np.ndarray) -> list[np.ndarray]:
        return np.split(logits, np.cumsum(self.sizes)[:-1], axis=1)
