"""Classification: one label for each sample, and the choice of the task by y."""

from typing import Annotated, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from lamina.nn.members import log_mean
from lamina.params import (
    Params,
    Rule,
    fraction,
    mapping,
    only_with,
)
from lamina.tasks.base import Classes
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

LINEAR_C = 1.0
"""C of the logistic regression of standardised scores of classes."""
MIN_DEVIATION = 1e-6
"""Scores that differ less are of noise."""
MIN_PER_STRATUM = 10
"""A split is not stratified if a class has fewer samples."""


def list_of_mappings() -> Rule:
    """A list with a dict for each output."""
    return Rule(
        "list of dict",
        lambda v: isinstance(v, list) and all(isinstance(w, dict) for w in v),
    )


class ClassificationParams(Params):
    """The loss of a classifier."""

    loss: Annotated[
        Literal["cross_entropy", "focal"],
        """What is minimised: "cross_entropy", or the "focal" loss (Lin et al. 2017, with
        gamma 2), which gives less weight to samples that are already classified well.""",
    ] = "cross_entropy"
    class_weight: Annotated[
        dict | list | Literal["balanced"] | None,
        mapping(),
        list_of_mappings(),
        """Weight of each class, {label: weight}, where a label that is left out has weight
        1; "balanced" makes it inversely proportional to the class's frequency. For several
        outputs a list with a dict for each, whose weights are multiplied. `sample_weight`
        is multiplied by it.""",
    ] = None
    label_smoothing: Annotated[
        float,
        fraction(),
        only_with(loss="cross_entropy"),
        "Fraction of the target that is spread evenly over all classes.",
    ] = 0.0


class SingleLabelClassification(LabelTask):
    """One label for each sample: y (n,), logits (n, K)."""

    kind = LabelKind.SINGLE

    def fit(
        self, y: np.ndarray, weight: np.ndarray | None, classes: Classes | None = None
    ) -> Self:
        del weight
        self.classes = classes_of(y if classes is None else np.asarray(classes), "y")
        self.n_outputs = len(self.classes)
        return self

    def stratify_by(self, y: np.ndarray) -> np.ndarray | None:
        _, counts = np.unique(y, return_counts=True)
        return y if counts.min() >= MIN_PER_STRATUM else None

    def encode(self, y: np.ndarray) -> Tensor:
        return torch.from_numpy(positions_of(y, self.classes))

    @property
    def takes_linear_path(self) -> bool:
        return self.n_outputs > 1 and not self.gamma

    def linear_targets(self, target: Tensor) -> np.ndarray | None:
        if len(target.unique()) < self.n_outputs:
            return None
        return F.one_hot(target, self.n_outputs).double().numpy()

    def linear_outputs(
        self, scores: np.ndarray, target: Tensor, weight: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Those of a logistic regression of the scores."""
        scale = 1 / max(scores.std(), MIN_DEVIATION)
        logistic = LogisticRegression(C=LINEAR_C, max_iter=1_000)
        logistic.fit(scores * scale, target.numpy(), weight)
        coefficients, bias = scale * logistic.coef_, logistic.intercept_
        if self.n_outputs == 2:  # of which there is one logit
            halves = np.array([[-0.5], [0.5]])
            coefficients, bias = halves @ coefficients, halves @ bias
        # Means of noise without a row are below that row where it is above them.
        return coefficients.T * (np.trace(coefficients) > 0), bias

    def outputs_of(self, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(self.classes, positions_of(y, self.classes))]

    def score(
        self, y: np.ndarray, outputs: np.ndarray, weight: np.ndarray | None
    ) -> float:
        """Accuracy."""
        refuse_other_type(y, self.classes)
        is_right = y == self.labels(outputs)
        return float(np.average(is_right, weights=weight))

    def combined(self, output: Tensor) -> Tensor:
        return log_mean(output.log_softmax(-1))

    def labels(self, logits: np.ndarray) -> np.ndarray:
        return self.classes[logits.argmax(1)]

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        return softmax(logits, axis=1)

    def log_probabilities(self, logits: np.ndarray) -> np.ndarray:
        return log_softmax(logits, axis=1)

    def decisions(self, logits: np.ndarray) -> np.ndarray:
        return logits if logits.shape[1] > 2 else logits[:, 1] - logits[:, 0]


class Classification(LabelTask):
    """Abstract: `for_targets` gives the task for the kind of labels in y."""

    @classmethod
    def for_targets(cls, y: object, params: ClassificationParams) -> LabelTask:
        return TASKS[kind_of(read_labels(y))](params)


TASKS: dict[LabelKind, type[LabelTask]] = {
    LabelKind.SINGLE: SingleLabelClassification,
    LabelKind.INDICATORS: MultilabelClassification,
    LabelKind.SEVERAL: MultioutputClassification,
}
