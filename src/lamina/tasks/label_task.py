"""The base of classification tasks: reading labels, class weights, the loss."""

import copy
from abc import abstractmethod
from math import exp, log
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from sklearn.utils.validation import column_or_1d
from torch import Tensor

from lamina.exceptions import DataError, ParameterError
from lamina.nn.losses import by_autograd, cross_entropy
from lamina.tasks.base import PooledTask
from lamina.tasks.class_weight import class_weights
from lamina.tasks.labels import LabelKind, Labels, kind_of, read_labels

if TYPE_CHECKING:
    from lamina.tasks.classification import ClassificationParams

MAX_TEMPERATURE = 5.0
"""The largest temperature, and the reciprocal of the smallest."""
PRIOR = 20.0
"""By how many samples' losses a temperature of e or 1 / e must improve the others' sum."""
GAMMAS = {"cross_entropy": 0.0, "focal": 2.0}
"""The gamma of focal loss, by the name of the loss."""


class LabelTask(PooledTask):
    """Abstract: labels of samples. Outputs are logits (n, `n_outputs`)."""

    kind: ClassVar[LabelKind]
    classes: Any
    """The labels (K,), or a list of those of each output."""
    has_decisions: ClassVar[bool] = True
    """Whether there is a `decision_function`."""

    def configure(self, params: "ClassificationParams") -> None:
        self.gamma = GAMMAS[params.loss]
        self.smoothing = float(params.label_smoothing)
        self.class_weight = params.class_weight

    def read(self, y: object, X: object) -> Labels:
        del X
        labels = read_labels(y)
        kind = kind_of(labels)
        if kind is not self.kind and not self._accepts(labels):
            raise DataError(
                f"y holds {kind.value}, and this network was fitted on {self.kind.value}."
            )
        is_flat = self.kind is LabelKind.SINGLE
        return column_or_1d(labels, warn=True) if is_flat else labels

    def _accepts(self, labels: Labels) -> bool:
        """Whether labels whose form suggests another kind are of this one."""
        del labels
        return False

    @abstractmethod
    def outputs_of(self, y: Labels) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each output its classes (K,) and the class indices (n,) of the samples."""

    def target_weights(self, y: Labels) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        outputs = self.outputs_of(y)
        chosen = self.class_weight
        if isinstance(chosen, dict) and len(outputs) > 1:
            raise ParameterError(
                f"class_weight={chosen!r} is for one output, and y has {len(outputs)}; "
                f"pass a list with a dict for each output."
            )
        if not isinstance(chosen, list):
            chosen = [chosen] * len(outputs)
        if len(chosen) != len(outputs):
            raise ParameterError(
                f"class_weight has {len(chosen)} dicts for {len(outputs)} output(s)."
            )
        weight = np.ones(y.shape[0])
        for i, (each, (classes, positions)) in enumerate(
            zip(chosen, outputs, strict=True)
        ):
            counts = np.bincount(positions, minlength=len(classes))
            name = "y" if len(outputs) == 1 else f"y[:, {i}]"
            weight *= class_weights(each, classes, counts, name)[positions]
        return weight

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        if self.gamma:
            return by_autograd(self._focal_losses, output, target, weight)
        return cross_entropy(output, target, weight, self.smoothing)

    def _focal_losses(self, logits: Tensor, target: Tensor) -> Tensor:
        """(B,), -(1 - p)^gamma log p for the probability p of the target."""
        log_p = -F.cross_entropy(logits, target, reduction="none")
        return -((1 - log_p.exp()) ** self.gamma) * log_p

    def in_units(self, output: Tensor) -> Tensor:
        return output / self.temperature

    def best_temperature(
        self, y: Labels, outputs: np.ndarray, weight: np.ndarray | None
    ) -> float:
        """That with the least log loss (Guo et al. 2017), near 1 for few samples."""
        plain = copy.copy(self)
        plain.gamma, plain.smoothing = 0.0, 0.0
        logits, target = torch.from_numpy(outputs), self.encode(y)
        weights = None if weight is None else torch.from_numpy(weight / weight.mean())

        def loss(log_temperature: float) -> float:
            scaled = logits / exp(log_temperature)
            mean = plain.criterion(scaled, target, weights)[0].item()
            return len(outputs) * mean + PRIOR * log_temperature**2

        bounds = -log(MAX_TEMPERATURE), log(MAX_TEMPERATURE)
        return exp(minimize_scalar(loss, bounds=bounds, method="bounded").x)

    @abstractmethod
    def labels(self, logits: np.ndarray) -> np.ndarray:
        """The most likely label of each row, (n,) or (n, outputs)."""

    @abstractmethod
    def probabilities(self, logits: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """(n, K), or a list with one for each output."""

    @abstractmethod
    def log_probabilities(self, logits: np.ndarray) -> np.ndarray | list[np.ndarray]:
        """The logarithms of `probabilities`, computed without underflow."""

    def decisions(self, logits: np.ndarray) -> np.ndarray:
        """(n, K) logits; for two classes (n,), positive for the second one."""
        return logits
