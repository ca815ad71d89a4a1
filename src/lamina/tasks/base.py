"""What a task is, and what tasks share that give one output a sample."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor, nn

from lamina.batch import Batch
from lamina.nn.heads import PooledHead
from lamina.nn.losses import minimise
from lamina.nn.model import Model


class Task(ABC):
    """Abstract: what the features of a network are for. Built from the parameters."""

    requires_y: ClassVar[bool] = True
    """Whether there are targets beside the samples."""
    causal: ClassVar[bool] = False
    """Whether a step may see only the steps before it."""
    long_range: ClassVar[bool] = False
    """Whether all steps of a sample count alike, and not for each step those around it."""
    default_steps: ClassVar[int | None] = None
    """Gradient steps that make a good fit; None leaves it to the body."""
    largest_batch: ClassVar[int] = 128
    """Samples that `batch_size="auto"` takes at most; many steps need smaller ones."""

    @classmethod
    def for_targets(cls, y: Any, params: Any) -> "Task":
        """The task that targets as the user passed them ask for."""
        del y
        return cls(params)

    def __init__(self, params: Any):
        self.configure(params)
        self.configure_prediction(params)

    def configure(self, params: Any) -> None:
        """Take over, at the start of a fit, the parameters that it may change."""
        del params

    def configure_prediction(self, params: Any) -> None:
        """Take over, before each prediction, the parameters that count at once."""
        del params

    @abstractmethod
    def read(self, y: Any, X: Any) -> Any:
        """The targets in the plain form that the other methods take.

        Raises `DataError` naming the sample of a target that cannot be used; X holds the
        samples in their encoder's plain form.
        """

    def fit(self, y: Any, weight: np.ndarray | None, classes: Any = None) -> Self:
        """Learn labels, scales or units from the training targets."""
        del y, weight, classes
        return self

    def target_weights(self, y: Any) -> np.ndarray | None:
        """The weight of each sample that follows from its target; None if all are 1."""
        del y

    def stratify_by(self, y: Any) -> np.ndarray | None:
        """Groups whose fractions a split should keep; None if there are none."""
        del y

    def encode(self, y: Any) -> Any:
        """Plain targets -> what `Batch.target` is taken from, by row numbers.

        A tensor (n, ...), `Ragged` rows, or None where the samples are their own target.
        """
        del y

    def check_fit(self, target: Any, samples: Any, body: Any) -> None:
        """Raise `DataError` if a target cannot be learnt from its sample."""
        del target, samples, body

    @abstractmethod
    def head(self, body: Any) -> nn.Module:
        """The layers that read the (B, T, body.width) features of a body."""

    @abstractmethod
    def loss(self, model: Model, batch: Batch) -> Tensor:
        """The scalar to minimise."""

    @abstractmethod
    def predict(self, model: Model, batch: Batch) -> Any:
        """Outputs of the samples of a batch: an array with a row each, or a list."""

    @abstractmethod
    def score(self, y: Any, outputs: Any, weight: np.ndarray | None) -> float:
        """How good the outputs are for y; greater is better."""

    def stopping_score(self, y: Any, outputs: Any, weight: np.ndarray | None) -> float:
        """What early stopping maximises by default; `score`, if that measures the loss."""
        return self.score(y, outputs, weight)


class PooledTask(Task):
    """Abstract: one output (K,) a sample, from features pooled over the steps."""

    long_range: ClassVar = True
    n_outputs: int

    def head(self, body: Any) -> nn.Module:
        return PooledHead(body.width, self.n_outputs)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        output = model(batch).float()
        return minimise(self.criterion, output, batch.target, batch.weight)

    @abstractmethod
    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The loss of outputs (B, K), and its gradient there (B, K)."""
