"""What tasks share whose targets are labels: reading, weights of classes, the loss."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch.nn.functional as F
from sklearn.utils.validation import column_or_1d
from torch import Tensor

from lamina.batch import Batch
from lamina.exceptions import DataError, ParameterError
from lamina.nn.losses import by_autograd, cross_entropy
from lamina.nn.model import Model
from lamina.tasks.base import PooledTask
from lamina.tasks.class_weight import class_weights
from lamina.tasks.labels import LabelKind, kind_of, read_labels

FOCUS = {"cross_entropy": 0.0, "focal": 2.0}
"""How strongly a loss turns away from what is already right: the gamma of focal loss."""


class LabelTask(PooledTask):
    """Abstract: labels of samples.

    Outputs are logits; `classes` are the labels, a list of arrays for several outputs.
    """

    kind: ClassVar[LabelKind]
    classes: Any
    has_decisions: ClassVar[bool] = True
    """Whether there is a `decision_function`."""

    def configure(self, params: Any) -> None:
        self.focus = FOCUS[params.loss]
        self.smoothing = float(params.label_smoothing)
        self.class_weight = params.class_weight

    def read(self, y: Any, X: Any) -> Any:
        del X
        labels = read_labels(y)
        kind = kind_of(labels)
        if kind is not self.kind and not self._accepts(labels):
            raise DataError(
                f"y holds {kind.value}, and this network was fitted on {self.kind.value}."
            )
        is_flat = self.kind is LabelKind.SINGLE
        return column_or_1d(labels, warn=True) if is_flat else labels

    def _accepts(self, labels: Any) -> bool:
        """Whether targets that look like another kind are of this one."""
        del labels
        return False

    @abstractmethod
    def outputs_of(self, y: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each output its classes (K,) and the position of each sample's (n,)."""

    def target_weights(self, y: Any) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        outputs = self.outputs_of(y)
        chosen = self.class_weight
        if isinstance(chosen, dict) and len(outputs) > 1:
            raise ParameterError(
                f"class_weight={chosen!r} does not say for which of the {len(outputs)} "
                f"outputs it is; pass a list of dicts, one an output."
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
        if self.focus:
            return by_autograd(self._focal, output, target, weight)
        return cross_entropy(output, target, weight, self.smoothing)

    def _focal(self, logits: Tensor, target: Tensor) -> Tensor:
        log_p = -F.cross_entropy(logits, target, reduction="none")
        return -((1 - log_p.exp()) ** self.focus) * log_p

    def predict(self, model: Model, batch: Batch) -> np.ndarray:
        return model(batch).cpu().numpy().astype(np.float64)

    @abstractmethod
    def labels(self, logits: np.ndarray) -> np.ndarray:
        """The most likely label of each row; for several outputs a column each."""

    @abstractmethod
    def probabilities(self, logits: np.ndarray) -> Any:
        """(n, K), or a list of them, one an output."""

    @abstractmethod
    def log_probabilities(self, logits: np.ndarray) -> Any:
        """The logarithms, computed without underflow."""

    def decisions(self, logits: np.ndarray) -> np.ndarray:
        """(n, K) logits; for two classes (n,), positive for the second one."""
        return logits
