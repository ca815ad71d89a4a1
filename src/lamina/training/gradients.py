"""How a batch's loss gets its gradients: by autograd, or by a kernel that a body offers."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.kernels.dense import DenseKernel
from lamina.nn.body import KernelBody
from lamina.nn.model import Model
from lamina.seeding import draws_by_itself, every_draw_from_stream
from lamina.tasks.base import PooledTask, Task
from lamina.training.optimizers import trained
from lamina.training.precision import Arithmetic


class Gradients(Protocol):
    """Fills the parameters' `.grad`."""

    alone: ClassVar[bool]
    """Whether small products are those of `kernels/products.py`."""

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of the batch."""
        ...


def gradients_of(model: Model, task: Task, arithmetic: Arithmetic) -> Gradients:
    """The cheapest way for this network and task."""
    body, scaler = model.body, arithmetic.scaler
    if isinstance(body, KernelBody) and isinstance(task, PooledTask) and not scaler:
        kernel = body.kernel(model.head, arithmetic.dtype)
        if kernel is not None:
            return ByKernel(body, kernel, task.criterion)
    return ByAutograd(model, task, arithmetic)


@dataclass
class ByAutograd:
    """Whatever the network and the task are."""

    alone: ClassVar = False
    model: Model
    task: Task
    arithmetic: Arithmetic

    def __post_init__(self) -> None:
        self.params = trained(self.model)
        redirected = draws_by_itself(self.model, self.task)
        self.draws = every_draw_from_stream if redirected else nullcontext

    def __call__(self, batch: Batch) -> Tensor:
        for p in self.params:
            p.grad = None
        scaler = self.arithmetic.scaler
        with self.draws():
            with self.arithmetic.forward():
                loss = self.task.loss(self.model, batch)
            (loss if scaler is None else scaler.scale(loss)).backward()
        for p in self.params:
            if p.grad is None:  # a layer that this batch did not use
                p.grad = torch.zeros_like(p)
        if scaler is not None:
            scaler.unscale([p.grad for p in self.params if p.grad is not None])
        return loss.detach()


@dataclass
class ByKernel:
    """A body's own passes, which end in the slope of the task's criterion."""

    alone: ClassVar = True
    body: KernelBody
    kernel: DenseKernel
    criterion: Callable[..., tuple[Tensor, Tensor]]

    def __call__(self, batch: Batch) -> Tensor:
        x = self.body.inputs(batch)
        output = self.kernel.forward(x.detach()).float()
        loss, slope = self.criterion(output, batch.target, batch.weight)
        to_input = self.kernel.backward(slope, x.requires_grad)
        if to_input is not None:
            for table in self.body.embeddings.parameters():
                table.grad = None
            # Given a slope, torch would first import sympy for a third of a second.
            (x * to_input).sum().backward()
        return loss
