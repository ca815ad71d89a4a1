"""What a body is: the architecture, from a batch to features, whatever they are for."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec, State
from lamina.kernels.dense import DenseKernel


class Body(nn.Module, ABC):
    """Abstract: layers that are built from what is known of the data and the parameters.

    `params` is the estimator; a body reads the fields of the group that it declares and
    keeps no reference. Where `spec.causal` no step may see a later one.
    """

    forms: ClassVar[tuple[str, ...]]
    """The forms of data that the body takes; the first is how it reads a 2-D array."""
    default_steps: ClassVar[int]
    """Gradient steps that make a good fit, for `max_iter="auto"`."""
    has_static_steps: ClassVar[bool] = False
    """Whether nothing that Python decides in training changes from batch to batch of a
    shape, once there were a few: a GPU may then capture a step and replay it."""
    width: int
    """D of the features."""

    def __init__(self, spec: Spec, params: Any):
        del spec, params
        super().__init__()

    @abstractmethod
    def forward(self, batch: Batch) -> Features:
        """The features (B, T, D) of a batch."""


class RecurrentBody(Body):
    """Abstract: a body that reads forward and can go on from a state."""

    embed: nn.Module
    """What turns tokens into the inputs of the first layer."""

    @abstractmethod
    def start(self, n_samples: int) -> State:
        """The state before the first step."""

    @abstractmethod
    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Inputs or tokens of one step (B, ...) -> h (B, D) there, and the state after."""


class KernelBody(Body):
    """Abstract: a body with a kernel, both passes written out, from its inputs on."""

    embeddings: nn.ModuleList
    """What `inputs` embeds by; the only weights that the kernel does not train."""

    @abstractmethod
    def inputs(self, batch: Batch) -> Tensor:
        """The numbers (B, C) at which the kernel starts."""

    @abstractmethod
    def kernel(self, head: nn.Module, dtype: torch.dtype) -> DenseKernel | None:
        """Both passes from `inputs` to the output of this head; None if it has none."""
