"""What a task is, and what tasks share that give one output a sample."""

from typing import Any, ClassVar, Protocol

import numpy as np
from torch import Tensor, nn

from lamina.batch import Batch
from lamina.nn.heads import PooledHead
from lamina.nn.losses import minimise
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


class PooledTask:
    """Abstract: one output (K,) a sample, from features pooled over the steps."""

    causal: ClassVar = False
    n_outputs: int

    def head(self, width: int) -> nn.Module:
        return PooledHead(width, self.n_outputs)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        output = model(batch).float()
        return minimise(self.criterion, output, batch.target, batch.weight)

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The loss of outputs (B, K), and its slope there (B, K)."""
        raise NotImplementedError
