"""Classification: one label a sample, several yes-or-no labels, or several labels."""

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import column_or_1d
from torch import Tensor

from lamina.batch import Batch
from lamina.exceptions import DataError, ParameterError
from lamina.nn.losses import by_autograd, cross_entropy
from lamina.nn.model import Model
from lamina.params import (
    Params,
    Rule,
    fraction,
    mapping,
    none,
    one_of,
    only_with,
)
from lamina.tasks.base import PooledTask
from lamina.tasks.class_weight import class_weights
from lamina.tasks.targets import as_targets

FOCUS = {"cross_entropy": 0.0, "focal": 2.0}
"""How strongly a loss turns away from what is already right: the gamma of focal loss."""

MIN_PER_STRATUM = 10
"""With fewer samples of a class a split is drawn without regard to classes."""


def list_of_mappings() -> Rule:
    """A list of dicts, one an output."""
    return Rule(
        "list of dict",
        lambda v: isinstance(v, list) and all(isinstance(w, dict) for w in v),
    )


class ClassificationParams(Params):
    """What a classifier minimises."""

    loss: Annotated[
        str,
        one_of(*FOCUS),
        """What is minimised: "cross_entropy", or "focal" loss (Lin et al. 2017, gamma
        2), which attends to the hard samples when classes are very unequal.""",
    ] = "cross_entropy"
    class_weight: Annotated[
        dict | list | str | None,
        mapping(),
        list_of_mappings(),
        one_of("balanced"),
        none(),
        """Weight of each class, {label: weight}, where a label that is left out has weight
        1; "balanced" makes it inversely proportional to the class's frequency. For several
        outputs a list of dicts, one an output, whose weights are multiplied. It multiplies
        `sample_weight`.""",
    ] = None
    label_smoothing: Annotated[
        float,
        fraction(),
        only_with(loss="cross_entropy"),
        "Share of the target that is spread evenly over all classes.",
    ] = 0.0


class Classification(PooledTask):
    """Abstract: labels of samples. `for_targets` says which of the kinds below y asks for.

    Outputs are logits; `classes` are the labels, a list of arrays for several outputs.
    """

    classes: Any
    has_decisions: ClassVar[bool] = True
    """Whether there is a `decision_function`."""

    @classmethod
    def for_targets(cls, y: Any, params: Any) -> "Classification":
        return _kind_of(_labels(y))(params)

    def configure(self, params: Any) -> None:
        self.focus = FOCUS[params.loss]
        self.smoothing = float(params.label_smoothing)
        self.class_weight = params.class_weight

    def read(self, y: Any, X: Any) -> Any:
        del X
        labels = _labels(y)
        kind = _kind_of(labels)
        if not isinstance(self, kind) and not self._accepts(labels):
            raise DataError(
                f"y holds {kind.noun}, and this network was fitted on {self.noun}."
            )
        return column_or_1d(labels, warn=True) if self.is_flat else labels

    noun: ClassVar[str] = "labels"
    is_flat: ClassVar[bool] = False
    """Whether plain targets have shape (n,)."""

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


class SingleLabelClassification(Classification):
    """One label a sample: y (n,), output logits (n, K)."""

    noun, is_flat = "one label a sample", True

    def fit(self, y: Any, weight: np.ndarray | None, classes: Any = None) -> Self:
        del weight
        self.classes = _classes(y if classes is None else np.asarray(classes), "y")
        self.n_outputs = len(self.classes)
        return self

    def stratify_by(self, y: Any) -> np.ndarray | None:
        _, counts = np.unique(y, return_counts=True)
        return np.asarray(y) if counts.min() >= MIN_PER_STRATUM else None

    def encode(self, y: Any) -> Tensor:
        return torch.from_numpy(_positions(np.asarray(y), self.classes))

    def outputs_of(self, y: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(self.classes, _positions(np.asarray(y), self.classes))]

    def score(self, y: Any, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        right = np.asarray(y) == self.labels(outputs)
        return float(np.average(right, weights=weight))

    def labels(self, logits: np.ndarray) -> np.ndarray:
        return self.classes[logits.argmax(1)]

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        return softmax(logits, axis=1)

    def log_probabilities(self, logits: np.ndarray) -> np.ndarray:
        return log_softmax(logits, axis=1)

    def decisions(self, logits: np.ndarray) -> np.ndarray:
        return logits if logits.shape[1] > 2 else logits[:, 1] - logits[:, 0]


class MultilabelClassification(Classification):
    """Any number of labels a sample: y (n, K) of 0 and 1, output logits (n, K)."""

    noun = "an indicator matrix"

    def fit(self, y: Any, weight: np.ndarray | None, classes: Any = None) -> Self:
        del weight
        self.n_outputs = y.shape[1]
        if classes is not None and len(classes) != self.n_outputs:
            raise DataError(
                f"classes has {len(classes)} labels for {self.n_outputs} columns."
            )
        self.classes = np.arange(self.n_outputs)
        return self

    def encode(self, y: Any) -> Tensor:
        y = _dense(y)
        if y.shape[1] != self.n_outputs or not np.isin(y, (0, 1)).all():
            raise DataError(
                f"y must be an indicator matrix of {self.n_outputs} columns of 0 and 1."
            )
        return torch.from_numpy(y.astype(np.float32))

    def outputs_of(self, y: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(np.array([0, 1]), column.astype(int)) for column in _dense(y).T]

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

    def score(self, y: Any, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        right = (_dense(y) == self.labels(outputs)).all(1)
        return float(np.average(right, weights=weight))

    def labels(self, logits: np.ndarray) -> np.ndarray:
        return (logits > 0).astype(int)

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        return expit(logits)

    def log_probabilities(self, logits: np.ndarray) -> np.ndarray:
        return log_expit(logits)


class MultioutputClassification(Classification):
    """Several labels a sample: y (n, outputs), logits of all outputs side by side."""

    noun, has_decisions = "several labels a sample", False

    def fit(self, y: Any, weight: np.ndarray | None, classes: Any = None) -> Self:
        del weight
        columns = (
            list(_dense(y).T) if classes is None else list(map(np.asarray, classes))
        )
        if len(columns) != y.shape[1]:
            raise DataError(
                f"classes has {len(columns)} arrays for {y.shape[1]} outputs; pass a list "
                f"with the labels of each output."
            )
        self.classes = [_classes(c, f"y[:, {i}]") for i, c in enumerate(columns)]
        self.sizes = [len(c) for c in self.classes]
        self.n_outputs = sum(self.sizes)
        return self

    def _accepts(self, labels: Any) -> bool:
        # A few rows, or labels 0 and 1 alone, look like an indicator matrix.
        return labels.ndim == 2 and labels.shape[1] == len(self.classes)

    def encode(self, y: Any) -> Tensor:
        return torch.from_numpy(np.stack([p for _, p in self.outputs_of(y)], 1))

    def outputs_of(self, y: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        y = _dense(y)
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise DataError(
                f"y has shape {y.shape}; this network was fitted on {len(self.classes)} "
                f"outputs, a column each."
            )
        columns = zip(y.T, self.classes, strict=True)
        return [(k, _positions(c.astype(k.dtype), k)) for c, k in columns]

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The mean over the outputs, each with its own columns."""
        parts = zip(output.split(self.sizes, 1), target.unbind(1), strict=True)
        one = super().criterion
        losses, gradients = zip(*(one(*part, weight) for part in parts), strict=True)
        gradient = torch.cat(gradients, 1) / len(gradients)
        return torch.stack(losses).mean(), gradient

    def score(self, y: Any, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        right = (_dense(y) == self.labels(outputs)).all(1)
        return float(np.average(right, weights=weight))

    def labels(self, logits: np.ndarray) -> np.ndarray:
        parts = zip(self._split(logits), self.classes, strict=True)
        return np.stack([classes[part.argmax(1)] for part, classes in parts], 1)

    def probabilities(self, logits: np.ndarray) -> list[np.ndarray]:
        return [softmax(part, axis=1) for part in self._split(logits)]

    def log_probabilities(self, logits: np.ndarray) -> list[np.ndarray]:
        return [log_softmax(part, axis=1) for part in self._split(logits)]

    def _split(self, logits: np.ndarray) -> list[np.ndarray]:
        return np.split(logits, np.cumsum(self.sizes)[:-1], axis=1)


def _labels(y: Any) -> Any:
    """Y as an array or an indicator matrix; anything but labels is refused."""
    y = as_targets(y)
    try:
        check_classification_targets(y)
    except (ValueError, TypeError) as error:
        raise DataError(str(error)) from None
    return y


def _kind_of(y: Any) -> type[Classification]:
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        # Two labels of any other name are no indicators.
        is_indicator = np.isin(_dense(y), (0, 1)).all()
        return MultilabelClassification if is_indicator else MultioutputClassification
    if kind == "multiclass-multioutput":
        return MultioutputClassification
    return SingleLabelClassification


def _dense(y: Any) -> np.ndarray:
    return y.toarray() if sparse.issparse(y) else np.asarray(y)


def _classes(y: np.ndarray, name: str) -> np.ndarray:
    try:
        classes = np.unique(y)
    except TypeError:
        raise DataError(
            f"{name} has labels of types that have no order among them."
        ) from None
    if len(classes) < 2:
        raise DataError(
            f"A classifier needs at least 2 classes; {name} has only one class: "
            f"{classes.tolist()!r}."
        )
    return classes


def _positions(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    # Strings would be compared with numbers as if they were texts.
    is_alike = (y.dtype.kind in "OUS") == (classes.dtype.kind in "OUS")
    known = np.isin(y, classes) if is_alike else np.zeros(len(y), dtype=bool)
    if not known.all():
        raise DataError(
            f"y contains labels that are not among the classes of this network: "
            f"{list(dict.fromkeys(y[~known].tolist()))[:10]!r}. Pass all labels as "
            f"`classes` in the first call of partial_fit, or call fit."
        )
    return np.searchsorted(classes, y)
