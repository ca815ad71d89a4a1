"""Abstract classes of bodies: the part of a network that turns a batch into features."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec, State
from lamina.kernels.dense import DenseKernel
from lamina.kernels.members import MembersKernel
from lamina.nn.bags import BagPath
from lamina.params import Params


@dataclass(frozen=True)
class Defaults:
    """What "auto" stands for in parameters of training."""

    n_steps: int
    """Gradient steps that make a good fit; a limit with `chooses_epochs`."""
    schedule: str = "one_cycle"
    averaging: float = 0.0
    """Epochs over which weights are averaged."""
    chooses_epochs: bool = False
    """Whether the number of epochs is chosen on held-out samples."""
    min_epochs: int = 5
    """The fewest epochs of `max_iter="auto"`, however many steps they take."""


OF_TEXTS = Defaults(500, "constant", averaging=3.0, chooses_epochs=True)
"""Of a body that reads texts: it memorises them within few epochs."""


class Body(nn.Module, ABC):
    """Abstract: layers that are built from the `Spec` of the data and from parameters.

    `params` is the estimator. A body reads the fields of the parameter group that it
    declares, and keeps no reference to it.
    """

    forms: ClassVar[tuple[str, ...]]
    """The forms of data that the body takes; the first is how it reads a 2-D array."""
    default_steps: ClassVar[int]
    """Gradient steps that make a good fit, for `max_iter="auto"`."""
    defaults_of_form: ClassVar[Mapping[str, Defaults]] = {}
    """Other values that "auto" stands for, for forms of data that need them."""
    smallest_batch: ClassVar[int] = 8
    """The smallest batch of `batch_size="auto"`."""
    largest_batch: ClassVar[int] = 128
    """The largest one, unless the task has another."""
    n_batches: ClassVar[int] = 40
    """Batches that it makes of the samples, where these bounds allow it."""
    has_static_steps: ClassVar[bool] = False
    """Whether nothing that Python decides in training changes from batch to batch of a
    shape, once there were a few: a GPU may then capture a step and replay it."""
    is_reentrant: ClassVar[bool] = False
    """Whether several threads may call `forward`: it keeps nothing between calls."""
    min_rows_part: int | None = None
    """Samples that make a part of a batch to be computed in a thread of its own; None if
    parts gain nothing."""
    width: int
    """D of the features."""
    n_members: int = 1
    """M networks that share weights: the features of a sample are M steps, one of each."""
    stride: int = 1
    """Steps of a sequence for each step of its features: T steps give ceil(T / stride)."""

    def __init__(self, spec: Spec, params: Params):
        del spec, params
        super().__init__()

    @classmethod
    def defaults(cls, form: str) -> Defaults:
        """What "auto" stands for with data of this form."""
        return cls.defaults_of_form.get(form) or Defaults(cls.default_steps)

    @abstractmethod
    def forward(self, batch: Batch) -> Features:
        """The features (B, T, D) of a batch."""


class TextBody(Body):
    """Abstract: a body that can read texts, whose layers start from their embeddings."""

    embed: nn.Module
    """What embeds tokens; the identity where there are none."""

    def __init__(self, spec: Spec, params: Params):
        super().__init__(spec, params)
        self.bag: BagPath | None = None
        """What reads the bag of n-grams beside the layers; None if there is no bag."""

    @abstractmethod
    def embedded(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """The embeddings (B, T, D) of tokens and those (B, E) of bags, if there are any.

        Of other data than texts x itself.
        """

    @abstractmethod
    def features(self, x: Tensor, bag: Tensor | None, batch: Batch) -> Features:
        """The features of what `embedded` gives; `batch` has the lengths and the state."""

    def forward(self, batch: Batch) -> Features:
        return self.features(*self.embedded(batch), batch)


class CausalBody(Body):
    """Abstract: where `spec.causal`, features depend on no later step of the input."""


class RecurrentBody(CausalBody):
    """Abstract: a body that reads forward and can start from a state."""

    embed: nn.Module
    """What turns tokens into the inputs of the first layer."""

    @abstractmethod
    def start(self, n_samples: int) -> State:
        """The state before the first step."""

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Inputs or tokens (B, ...) of one step -> h (B, D), and the state after it."""


class KernelBody(Body):
    """Abstract: a body whose forward and backward pass can be computed by a kernel."""

    embeddings: nn.Module
    """The layers of `inputs`; the only weights that the kernel does not train."""

    @abstractmethod
    def inputs(self, batch: Batch) -> Tensor:
        """The values (B, C) at which the kernel starts."""

    @abstractmethod
    def features(self, x: Tensor) -> Features:
        """The features of these inputs."""

    @abstractmethod
    def kernel(
        self, head: nn.Module, dtype: torch.dtype
    ) -> DenseKernel | MembersKernel | None:
        """Both passes from `inputs` to the output of this head; None if it has none."""
