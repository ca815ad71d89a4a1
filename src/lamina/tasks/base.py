"""What a task is, and what tasks share: the pooled head, the weighted mean of losses."""

from typing import Any, ClassVar, Protocol

import numpy as np
from torch import Tensor, nn

from lamina.batch import Batch, Features
from lamina.nn.model import Model


class Task(Protocol):
    """What the features of a network are for. Built from y and the parameters."""

    causal: ClassVar[bool]
    """Whether a step may see only the steps before it."""

    def weigh(self, y: Any) -> np.ndarray | None:
        """The weight of each sample that follows from its target; None if all are 1."""
        ...

    def strata(self, y: Any) -> np.ndarray | None:
        """Groups whose shares a split should keep; None if there are none."""
        ...

    def encode(self, y: Any) -> Any:
        """The user's targets -> what `Batch.target` is taken from, by row numbers."""
        ...

    def head(self, width: int) -> nn.Module:
        """The layers that read (B, T, width) features."""
        ...

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        ...

    def predict(self, model: Model, batch: Batch) -> np.ndarray:
        """Outputs of the samples of a batch, a row each."""
        ...

    def score(self, y: Any, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        """How good the outputs are for y; greater is better."""
        ...


class PooledHead(nn.Module):
    """(B, T, D) -> mean over the real steps -> (B, K)."""

    def __init__(self, width: int, n_outputs: int):
        super().__init__()
        self.out = nn.Linear(width, n_outputs)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Features) -> Tensor:
        return self.out(mean_over_steps(features))


def mean_over_steps(features: Features) -> Tensor:
    """(B, T, D) -> (B, D), padding left out."""
    real = features.real()
    if real is None:
        return features.h.mean(1)
    return features.h.masked_fill(real == 0, 0.0).sum(1) / real.sum(1)


def weighted_mean(loss: Tensor, weight: Tensor | None) -> Tensor:
    """Mean of the losses (B,) with weights that have mean 1 over the training set."""
    return loss.mean() if weight is None else (loss * weight).mean()
