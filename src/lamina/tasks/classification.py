"""Classification: one label a sample, several yes-or-no labels, or several labels."""

from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.metrics import accuracy_score
from sklearn.utils.class_weight import compute_sample_weight
from torch import Tensor

from lamina.batch import Batch
from lamina.exceptions import DataError
from lamina.nn.losses import by_autograd, cross_entropy
from lamina.nn.model import Model
from lamina.params import Params, fraction, mapping, none, one_of, only_with
from lamina.tasks.base import PooledTask

FOCUS = {"cross_entropy": 0.0, "focal": 2.0}
"""How strongly a loss turns away from what is already right: the gamma of focal loss."""

MIN_PER_STRATUM = 10
"""With fewer samples of a class a split is drawn without regard to classes."""


class ClassificationParams(Params):
    """What a classifier minimises."""

    loss: Annotated[
        str,
        one_of(*FOCUS),
        """What is minimised: "cross_entropy", or "focal" loss (Lin et al. 2017, gamma
        2), which attends to the hard samples when classes are very unequal.""",
    ] = "cross_entropy"
    class_weight: Annotated[
        dict | str | None,
        mapping(),
        one_of("balanced"),
        none(),
        """Weight of each class, {label: weight}; "balanced" makes it inversely
        proportional to the class's frequency. It multiplies `sample_weight`.""",
    ] = None
    label_smoothing: Annotated[
        float,
        fraction(),
        only_with(loss="cross_entropy"),
        "Share of the target that is spread evenly over all classes.",
    ] = 0.0


class Classification(PooledTask):
    """One label a sample: y (n,), output logits (n, K)."""

    def __init__(self, y: Any, params: ClassificationParams):
        self.classes = _classes(y, "y")
        self._read(params)
        self.n_outputs = len(self.classes)

    def _read(self, params: ClassificationParams) -> None:
        self.focus = FOCUS[params.loss]
        self.smoothing = float(params.label_smoothing)
        self.class_weight = params.class_weight

    def weigh(self, y: Any) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        return compute_sample_weight(self.class_weight, y)

    def strata(self, y: Any) -> np.ndarray | None:
        _, counts = np.unique(y, return_counts=True)
        return np.asarray(y) if counts.min() >= MIN_PER_STRATUM else None

    def encode(self, y: Any) -> Tensor:
        return torch.from_numpy(_positions(np.asarray(y), self.classes))

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

    def score(self, y: Any, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        return float(accuracy_score(y, self.labels(outputs), sample_weight=weight))

    def labels(self, logits: np.ndarray) -> np.ndarray:
        """The most likely label of each row."""
        return self.classes[logits.argmax(1)]

    def probabilities(self, logits: np.ndarray) -> Any:
        """(n, K), rows that sum to 1."""
        return softmax(logits, axis=1)

    def log_probabilities(self, logits: np.ndarray) -> Any:
        """(n, K), without the detour that would underflow."""
        return log_softmax(logits, axis=1)

    def decisions(self, logits: np.ndarray) -> np.ndarray:
        """(n, K) logits; for two classes (n,), positive for the second one."""
        return logits if logits.shape[1] > 2 else logits[:, 1] - logits[:, 0]


class MultilabelClassification(Classification):
    """Any number of labels a sample: y (n, K) of 0 and 1, output logits (n, K)."""

    def __init__(self, y: Any, params: ClassificationParams):
        self._read(params)
        # `classes` of partial_fit may name the columns instead.
        self.n_outputs = y.shape[1] if y.ndim == 2 else len(y)
        self.classes = np.arange(self.n_outputs)

    def strata(self, y: Any) -> np.ndarray | None:
        return None

    def encode(self, y: Any) -> Tensor:
        y = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
        if y.shape[1] != self.n_outputs or not np.isin(y, (0, 1)).all():
            raise DataError(
                f"y must be an indicator matrix of {self.n_outputs} columns of 0 and 1."
            )
        return torch.from_numpy(y.astype(np.float32))

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        return by_autograd(self._losses, output, target, weight)

    def _losses(self, logits: Tensor, target: Tensor) -> Tensor:
        smooth = target * (1 - self.smoothing) + self.smoothing / 2
        loss = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none")
        if self.focus:
            loss = (1 - torch.exp(-loss)) ** self.focus * loss
        return loss.mean(1)

    def labels(self, logits: np.ndarray) -> np.ndarray:
        """1 where a label is more likely than not."""
        return (logits > 0).astype(int)

    def probabilities(self, logits: np.ndarray) -> Any:
        """(n, K), each label's own probability."""
        return expit(logits)

    def log_probabilities(self, logits: np.ndarray) -> Any:
        """(n, K), each label's own."""
        return log_expit(logits)

    def decisions(self, logits: np.ndarray) -> np.ndarray:
        """(n, K) logits."""
        return logits


class MultioutputClassification(Classification):
    """Several labels a sample: y (n, outputs), logits of all outputs side by side."""

    def __init__(self, y: Any, params: ClassificationParams):
        self._read(params)
        columns = y if isinstance(y, list) else np.asarray(y).T
        self.classes = [_classes(c, f"y[:, {i}]") for i, c in enumerate(columns)]
        self.sizes = [len(c) for c in self.classes]
        self.n_outputs = sum(self.sizes)

    def strata(self, y: Any) -> np.ndarray | None:
        return None

    def encode(self, y: Any) -> Tensor:
        columns = zip(np.asarray(y).T, self.classes, strict=True)
        return torch.from_numpy(np.stack([_positions(c, k) for c, k in columns], 1))

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The mean over the outputs, each with its own columns."""
        parts = zip(output.split(self.sizes, 1), target.unbind(1), strict=True)
        one = super().criterion
        losses, slopes = zip(*(one(*part, weight) for part in parts), strict=True)
        return torch.stack(losses).mean(), torch.cat(slopes, 1) / len(slopes)

    def score(self, y: Any, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        right = (np.asarray(y) == self.labels(outputs)).all(1)
        return float(np.average(right, weights=weight))

    def labels(self, logits: np.ndarray) -> np.ndarray:
        """(n, outputs)."""
        parts = zip(self._split(logits), self.classes, strict=True)
        return np.stack([classes[part.argmax(1)] for part, classes in parts], 1)

    def probabilities(self, logits: np.ndarray) -> Any:
        """A list of (n, K), one an output."""
        return [softmax(part, axis=1) for part in self._split(logits)]

    def log_probabilities(self, logits: np.ndarray) -> Any:
        """A list of (n, K), one an output."""
        return [log_softmax(part, axis=1) for part in self._split(logits)]

    def _split(self, logits: np.ndarray) -> list[np.ndarray]:
        return np.split(logits, np.cumsum(self.sizes)[:-1], axis=1)


CLASSIFICATIONS: dict[str, type[Classification]] = {
    "binary": Classification,
    "multiclass": Classification,
    "multilabel-indicator": MultilabelClassification,
    "multiclass-multioutput": MultioutputClassification,
}
"""The task for each of scikit-learn's types of target."""


def _classes(y: np.ndarray, name: str) -> np.ndarray:
    classes = np.unique(y)
    if len(classes) < 2:
        raise DataError(
            f"A classifier needs at least 2 classes; {name} has only one class: "
            f"{classes.tolist()!r}."
        )
    return classes


def _positions(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    positions = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    unseen = classes[positions] != y
    if unseen.any():
        raise DataError(
            f"y contains labels that are not among the classes of this network: "
            f"{np.unique(y[unseen]).tolist()!r}. Pass all labels as `classes` in the "
            f"first call of partial_fit, or call fit."
        )
    return positions
