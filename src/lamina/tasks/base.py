"""Abstract classes of tasks: what the features of a network are for."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from torch import Tensor, nn

from lamina.batch import Batch
from lamina.exceptions import ParameterError
from lamina.nn.body import Body
from lamina.nn.heads import MembersHead, PooledHead
from lamina.nn.losses import LossAndGradient, minimise
from lamina.nn.members import samples_of_members
from lamina.nn.model import Model
from lamina.state import Stored

Classes = Sequence[Any] | np.ndarray
"""Labels (K,), or those of each output."""


class Task(Stored, ABC):
    """Abstract: targets, head, loss, predictions and score. Built from the parameters.

    Each task has a plain form of its targets y, which `read` makes, and of its outputs,
    which `predict` makes.
    """

    requires_y: ClassVar[bool] = True
    """Whether `fit` needs y."""
    causal: ClassVar[bool] = False
    """Whether features must not depend on later steps of the input."""
    long_range: ClassVar[bool] = False
    """Whether an output depends on all steps of a sample, not mainly on those near it."""
    default_steps: ClassVar[int | None] = None
    """Gradient steps that make a good fit; None leaves it to the body."""
    body_type: ClassVar[type[Body]] = Body
    """The bodies with which networks can do the task."""
    largest_batch: ClassVar[int | None] = None
    """The largest batch of `batch_size="auto"`; None leaves it to the body."""

    temperature: float = 1.0
    """By which outputs that are logits are divided in predictions."""

    @classmethod
    def for_targets(cls, y: Any, params: Any) -> "Task":
        """The task for targets as the user passed them."""
        del y
        return cls(params)

    def __init__(self, params: Any):
        self.configure(params)
        self.configure_prediction(params)

    def configure(self, params: Any) -> None:
        """Read, at the start of a fit, the parameters that may change between fits."""
        del params

    def configure_prediction(self, params: Any) -> None:
        """Read, before each prediction, the parameters declared `Use.AT_ONCE`."""
        del params

    @abstractmethod
    def read(self, y: Any, X: Any) -> Any:
        """The targets in their plain form; X holds the samples in their encoder's.

        Raises `DataError` with the sample of a target that cannot be used.
        """

    def fit(
        self, y: Any, weight: np.ndarray | None, classes: Classes | None = None
    ) -> Self:
        """Learn labels, scales or units from the training targets."""
        del y, weight, classes
        return self

    def extend(self, y: Any) -> None:
        """Take account of the targets of a resumed fit; labels and scales stay."""
        del y

    def target_weights(self, y: Any) -> np.ndarray | None:
        """Weights (n,) of the samples by their targets; None if all are 1."""
        del y

    def stratify_by(self, y: Any) -> np.ndarray | None:
        """Groups (n,) of which a split keeps the proportions; None if there are none."""
        del y

    def encode(self, y: Any) -> Any:
        """What `Batch.target` is taken from by row indices.

        A tensor (n, ...), `Ragged` rows, or None where the samples are their own targets.
        """
        del y

    def check_fit(self, target: Any, samples: Any, body: Body) -> None:
        """Raise `DataError` if a target cannot be learnt from its sample."""
        del target, samples, body

    def check_body(self, body: type) -> None:
        """Raise `ParameterError` unless the body is one of `body_type`."""
        if not issubclass(body, self.body_type):
            raise ParameterError(
                f"body={body.__name__} cannot be used for {type(self).__name__}, which "
                f"needs a body derived from {self.body_type.__name__} (lamina.nn.body)."
            )

    @abstractmethod
    def head(self, body: Body) -> nn.Module:
        """The layers that read the (B, T, body.width) features of a body."""

    @abstractmethod
    def loss(self, model: Model, batch: Batch) -> Tensor:
        """The scalar to minimise."""

    def validation_loss(self, model: Model, batch: Batch) -> Tensor:
        """The loss of what is predicted; `loss`, unless a task overrides it."""
        return self.loss(model, batch)

    @abstractmethod
    def predict(self, model: Model, batch: Batch) -> Any:
        """Outputs of the samples of a batch: an array with a row each, or a list."""

    @abstractmethod
    def score(self, y: Any, outputs: Any, weight: np.ndarray | None) -> float:
        """How good the outputs are for y; greater is better."""

    def stopping_score(self, y: Any, outputs: Any, weight: np.ndarray | None) -> float:
        """What early stopping maximises by default: `score`, unless a task overrides it."""
        return self.score(y, outputs, weight)

    def best_temperature(
        self, y: Any, outputs: Any, weight: np.ndarray | None
    ) -> float:
        """The temperature with which the outputs are most likely; 1 if they are no logits."""
        del y, outputs, weight
        return 1.0


class PooledTask(Task):
    """Abstract: one output (K,) for each sample, from the mean of its features.

    A body with members gives one for each of them, which are combined in predictions.
    """

    long_range: ClassVar = True
    n_outputs: int
    n_linear: int = 0
    """Numbers of which a linear path adds to the outputs; 0 without one."""

    @property
    def takes_linear_path(self) -> bool:
        """Whether least squares of `linear_targets` are a model of the outputs."""
        return False

    def linear_targets(self, target: Tensor) -> np.ndarray | None:
        """The targets (n, K) of least squares; None if these samples do not suffice."""
        del target

    def linear_outputs(
        self, scores: np.ndarray, target: Tensor, weight: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """A (K, K) and b (K,) of the outputs s A + b for predictions s of least squares.

        `scores` (n, K) are such predictions for samples that were left out.
        """
        del target, weight
        n_outputs = scores.shape[1]
        return np.eye(n_outputs), np.zeros(n_outputs)

    def head(self, body: Body) -> nn.Module:
        if body.n_members > 1:
            sizes = body.width, self.n_outputs, body.n_members
            return MembersHead(*sizes, self.n_linear)
        return PooledHead(body.width, self.n_outputs, self.n_linear)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        output = model(batch).float()
        return minimise(
            self.criterion, *samples_of_members(output, batch.target, batch.weight)
        )

    def validation_loss(self, model: Model, batch: Batch) -> Tensor:
        output = self._combined(model(batch))
        return self.criterion(output.float(), batch.target, batch.weight)[0]

    @abstractmethod
    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> LossAndGradient:
        """The loss of outputs (B, K), and its gradient there (B, K)."""

    def predict(self, model: Model, batch: Batch) -> np.ndarray:
        return self.predicted(model(batch)).numpy()

    def features(self, model: Model, batch: Batch) -> np.ndarray:
        """(B, width) what the head reads of each sample."""
        return model.head.pooled(model.body(batch)).float().cpu().numpy()

    def predicted(self, output: Tensor) -> Tensor:
        """What `predict` returns for the outputs of the head, as a tensor on the CPU."""
        return self.in_units(self._combined(output.cpu()).double())

    @abstractmethod
    def in_units(self, output: Tensor) -> Tensor:
        """Outputs (B, K) of the network as they are predicted."""

    def _combined(self, output: Tensor) -> Tensor:
        return self.combined(output.double()) if output.ndim == 3 else output

    @abstractmethod
    def combined(self, output: Tensor) -> Tensor:
        """The outputs (B, K) that stand for those of the members (M, B, K)."""
