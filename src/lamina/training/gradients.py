"""Losses of batches and their gradients, by autograd or by the kernel of a body."""

from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.kernels import private
from lamina.kernels.dense import DenseKernel
from lamina.kernels.members import MembersKernel
from lamina.kernels.parallel import PART, Part
from lamina.nn.body import KernelBody
from lamina.nn.losses import Criterion
from lamina.nn.members import samples_of_members
from lamina.nn.model import Model
from lamina.seeding import (
    drawing_from,
    draws_by_itself,
    every_draw_from_stream,
    part_streams,
)
from lamina.tasks.base import PooledTask, Task
from lamina.training.plan import ExecutionPlan
from lamina.training.weights import Weights, flat_weights_of, release, weights_of


class Gradients(Protocol):
    """Fills the gradients of `weights`."""

    weights: Weights

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of the batch."""
        ...

    def state(self) -> Any:
        """What determines later gradients, besides the weights and the batches."""
        ...

    def restore(self, state: Any) -> None:
        """Continue with the gradients that followed a `state`."""
        ...

    def end(self) -> None:
        """Release the memory of gradients after the last step."""
        ...


def gradients_of(model: Model, task: Task, plan: ExecutionPlan) -> Gradients:
    """The fastest way for this network and task."""
    body, scaler = model.body, plan.scaler
    is_frozen = not all(p.requires_grad for p in model.parameters())
    by_autograd = is_frozen or bool(scaler)
    if (
        isinstance(body, KernelBody)
        and isinstance(task, PooledTask)
        and not by_autograd
    ):
        weights = flat_weights_of(model)  # first: the kernel keeps views of it
        kernel = body.kernel(model.head, plan.dtype)
        if kernel is not None:
            return ByKernel(model, weights, body, kernel, task.criterion)
        release(model)
    return ByAutograd(model, task, plan)


@dataclass
class ByAutograd:
    """Gradients by autograd, for any network and task."""

    model: Model
    task: Task
    plan: ExecutionPlan

    def __post_init__(self) -> None:
        self.weights = weights_of(self.model)
        self.streams = part_streams(self.plan.n_parts)
        redirected = draws_by_itself(self.model, self.task)
        self.draws = every_draw_from_stream if redirected else nullcontext

    def __call__(self, batch: Batch) -> Tensor:
        if self.plan.n_parts > 1:
            return self._of_parts(batch)
        params, scaler = self.weights.parameters, self.plan.scaler
        for p in params:
            p.grad = None
        with self.draws():
            with self.plan.autocast():
                loss = self.task.loss(self.model, batch)
            (loss if scaler is None else scaler.scale(loss)).backward()
        for p in params:
            if p.grad is None:  # a layer that this batch did not use
                p.grad = torch.zeros_like(p)
        if scaler is not None:
            scaler.unscale(self.weights.gradients)
        return loss.detach()

    def _of_parts(self, batch: Batch) -> Tensor:
        """The loss of a batch in parts, whose gradients are added in order."""
        parts = self.plan.parts_of(len(batch))
        run = partial(self._part, batch, len(parts))
        results = self.plan.team.map(run, list(enumerate(parts)))
        losses, gradients = zip(*results, strict=True)
        for others in gradients[1:]:
            private.add_all(gradients[0], others)
        for p, gradient in zip(self.weights.parameters, gradients[0], strict=True):
            p.grad = gradient
        return torch.stack(losses).sum()

    def _part(
        self, batch: Batch, n_parts: int, indexed: tuple[int, slice]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        index, rows = indexed
        part = batch.part(index, rows)
        token = PART.set(Part(index, n_parts))
        try:
            with drawing_from(self.streams[index]), self.draws():
                with self.plan.autocast():
                    loss = self.task.loss(self.model, part)
                loss = loss * (len(part) / len(batch))
                gradients = torch.autograd.grad(
                    loss,
                    self.weights.parameters,
                    allow_unused=True,
                    materialize_grads=True,
                )
        finally:
            PART.reset(token)
        return loss.detach(), gradients

    def state(self) -> tuple[list[Any], list[Tensor]]:
        """The random streams of the parts, and the scale of losses."""
        streams = [
            None if stream is None else stream.state() for stream in self.streams
        ]
        return streams, [] if self.plan.scaler is None else self.plan.scaler.state()

    def restore(self, state: tuple[list[Any], list[Tensor]]) -> None:
        streams, scale = state
        for stream, values in zip(self.streams, streams, strict=True):
            if stream is not None:
                stream.restore(values)
        if self.plan.scaler is not None:
            private.copy_all(self.plan.scaler.state(), scale)

    def end(self) -> None:
        for p in self.weights.parameters:
            p.grad = None


@dataclass
class ByKernel:
    """Gradients by the kernel of a body and the gradient of the task's criterion."""

    model: Model
    weights: Weights
    body: KernelBody
    kernel: DenseKernel | MembersKernel
    criterion: Criterion

    def __call__(self, batch: Batch) -> Tensor:
        x = self.body.inputs(batch)
        z = self.kernel.forward(x.detach()).float()
        z = self.model.head.with_linear(z, batch.x)
        samples = samples_of_members(z, batch.target, batch.weight)
        loss, gradient = self.criterion(*samples)
        to_input = self.kernel.backward(gradient.view(z.shape), x.requires_grad)
        if to_input is not None:
            for table in self.body.embeddings.parameters():
                if table.grad is not None:
                    table.grad.zero_()
            # `backward(gradient)` would first import sympy, which takes a third of a second.
            (x * to_input).sum().backward()
        return loss

    def state(self) -> list[Any]:
        """The masks of the layers."""
        return [masks.state() for masks in self.kernel.masks]

    def restore(self, state: list[Any]) -> None:
        for masks, values in zip(self.kernel.masks, state, strict=True):
            masks.restore(values)

    def end(self) -> None:
        release(self.model)
