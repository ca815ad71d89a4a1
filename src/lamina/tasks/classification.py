"""Classification: one label a sample, and the choice of the task that y asks for."""

from typing import Annotated, Any, Literal, Self

import numpy as np
import torch
from scipy.special import log_softmax, softmax
from torch import Tensor

from lamina.params import (
    Params,
    Rule,
    fraction,
    mapping,
    only_with,
)
from lamina.tasks.label_task import LabelTask
from lamina.tasks.labels import (
    LabelKind,
    classes_of,
    kind_of,
    positions_of,
    read_labels,
    refuse_other_type,
)
from lamina.tasks.several_labels import (
    MultilabelClassification,
    MultioutputClassification,
)

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
        Literal["cross_entropy", "focal"],
        """What is minimised: "cross_entropy", or "focal" loss (Lin et al. 2017, gamma
        2), which attends to the hard samples when classes are very unequal.""",
    ] = "cross_entropy"
    class_weight: Annotated[
        dict | list | Literal["balanced"] | None,
        mapping(),
        list_of_mappings(),
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


class SingleLabelClassification(LabelTask):
    """One label a sample: y (n,), output logits (n, K)."""

    kind = LabelKind.SINGLE

    def fit(self, y: Any, weight: np.ndarray | None, classes: Any = None) -> Self:
        del weight
        self.classes = classes_of(y if classes is None else np.asarray(classes), "y")
        self.n_outputs = len(self.classes)
        return self

    def stratify_by(self, y: Any) -> np.ndarray | None:
        _, counts = np.unique(y, return_counts=True)
        return np.asarray(y) if counts.min() >= MIN_PER_STRATUM else None

    def encode(self, y: Any) -> Tensor:
        return torch.from_numpy(positions_of(np.asarray(y), self.classes))

    def outputs_of(self, y: Any) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(self.classes, positions_of(np.asarray(y), self.classes))]

    def score(self, y: Any, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        refuse_other_type(np.asarray(y), self.classes)
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


class Classification(LabelTask):
    """Abstract: `for_targets` makes the task for the kind of labels in y."""

    @classmethod
    def for_targets(cls, y: Any, params: Any) -> LabelTask:
        return TASKS[kind_of(read_labels(y))](params)


TASKS: dict[LabelKind, type[LabelTask]] = {
    LabelKind.SINGLE: SingleLabelClassification,
    LabelKind.INDICATORS: MultilabelClassification,
    LabelKind.SEVERAL: MultioutputClassification,
}
