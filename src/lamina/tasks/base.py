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
    looks_far: ClassVar[bool]
    """Whether all steps of a sample count alike, and not for each step those around it."""
    default_steps: ClassVar[int | None]
    """Gradient steps that make a good fit; None leaves it to the body."""
    largest_batch: ClassVar[int]
    """Samples that `batch_size="auto"` takes at most; many steps need smaller ones."""

    def weigh(self, y: Any) -> np.ndarray | None:
        """The weight of each sample that follows from its target; None if all are 1."""
        ...

    def strata(self, y: Any) -> np.ndarray | None:
        """Groups whose shares a split should keep; None if there are none."""
        ...

    def encode(self, y: Any) -> Any:
        """The user's targets -> what `Batch.target` is taken from, by row numbers.

        A tensor (n, ...), `Ragged` rows, or None where the samples are their own target.
        """
        ...

    def head(self, body: Any) -> nn.Module:
        """The layers that read the (B, T, body.width) features of a body."""
        ...

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """The scalar to minimise."""
        ...

    def predict(self, model: Model, batch: Batch) -> Any:
        """Outputs of the samples of a batch: an array with a row each, or a list."""
        ...

    def score(self, y: Any, outputs: Any, weight: np.ndarray | None) -> float:
        """How good the outputs are for y; greater is better."""
        ...


class PooledTask:
    """Abstract: one output (K,) a sample, from features pooled over the steps."""

    causal: ClassVar = False
    looks_far: ClassVar = True
    default_steps: ClassVar = None
    largest_batch: ClassVar = 128
    n_outputs: int

    def head(self, body: Any) -> nn.Module:
        return PooledHead(body.width, self.n_outputs)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        output = model(batch).float()
        return minimise(self.criterion, output, batch.target, batch.weight)

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The loss of outputs (B, K), and its slope there (B, K)."""
        raise NotImplementedError
