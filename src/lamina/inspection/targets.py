"""Which output of a network is explained."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import ParameterError
from lamina.tasks.base import PooledTask
from lamina.tasks.classification import SingleLabelClassification
from lamina.tasks.label_task import LabelTask


@dataclass(frozen=True)
class Target:
    """A sum of outputs."""

    name: str
    """What it is, for pictures."""
    weights: Tensor | None = None
    """(K,) of each output; None for the greatest output of each sample."""

    def __call__(self, outputs: Tensor) -> Tensor:
        """The weights (B, K) of outputs (B, K)."""
        if self.weights is None:
            return F.one_hot(outputs.argmax(1), outputs.shape[1]).to(outputs.dtype)
        return self.weights.to(outputs.dtype).expand_as(outputs)


def target_of(estimator: NeuralEstimator, target: object) -> Target:
    """What `target` of `explain` means for a fitted estimator."""
    task = estimator.task_
    names = _names(task)
    is_single = isinstance(task, SingleLabelClassification)
    if target is None and is_single and len(names) > 2:
        return Target("logit of the predicted label")
    if target is None and (is_single or len(names) == 1):
        target = names[-1]
    if not isinstance(target, Hashable) or target not in names:
        raise ParameterError(
            f"target={target!r} is not an output of this {type(estimator).__name__}; "
            f"pass one of {names}."
        )
    weights = F.one_hot(torch.tensor(names.index(target)), len(names))
    if is_single and len(names) == 2:
        return Target(f"log odds of {target!r}", 2 * weights - 1)
    unit = "logit" if isinstance(task, LabelTask) else "prediction"
    return Target(unit if len(names) == 1 else f"{unit} of {target!r}", weights)


def _names(task: PooledTask) -> list:
    """How each output is named by `target`."""
    if not isinstance(task, LabelTask):
        return list(range(task.n_outputs))
    classes = task.classes
    if isinstance(classes, list):
        return [(i, c) for i, each in enumerate(classes) for c in each.tolist()]
    return np.asarray(classes).tolist()
