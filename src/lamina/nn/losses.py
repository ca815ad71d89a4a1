"""Losses with their gradients: (output, target, weight) -> (loss, gradient at the output).

The loss is the mean over the samples of `weight` (B,), None for 1, times the loss of each.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

LossAndGradient = tuple[Tensor, Tensor]
"""The loss, and its gradient at the output, of the shape of the output."""
Criterion = Callable[[Tensor, Any, Tensor | None], LossAndGradient]
"""(output, target, weight) -> the loss and its gradient; what a target is depends on it."""


def minimise(
    criterion: Criterion, output: Tensor, target: Any, weight: Tensor | None
) -> Tensor:
    """The loss, as a single node of autograd."""
    return _Loss.apply(output, criterion, target, weight)


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        output: Tensor,
        criterion: Criterion,
        target: Any,
        weight: Tensor | None,
    ) -> Tensor:
        loss, gradient = criterion(output.detach(), target, weight)
        ctx.save_for_backward(gradient)
        return loss

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad_outputs[0], None, None, None


def cross_entropy(
    logits: Tensor, target: Tensor, weight: Tensor | None, smoothing: float = 0.0
) -> LossAndGradient:
    """Of logits (B, K) and labels (B,); `smoothing` of each is spread over all K."""
    log_p = _log_softmax(logits)
    if smoothing or weight is not None:
        losses = F.nll_loss(log_p, target, reduction="none")
        if smoothing:
            losses = (1 - smoothing) * losses - smoothing * log_p.mean(1)
        loss = weighted_mean(losses, weight)
    else:
        loss = F.nll_loss(log_p, target)
    gradient = log_p.exp_()
    gradient.scatter_(1, target.unsqueeze(1), smoothing - 1, reduce="add")
    if smoothing:
        gradient.sub_(smoothing / gradient.shape[1])
    return loss, _mean_over_samples(gradient, weight)


def squared_error(
    output: Tensor, target: Tensor, weight: Tensor | None
) -> LossAndGradient:
    """Of outputs (B, K) and targets (B, K), averaged over K."""
    gradient = output - target
    loss = weighted_mean(gradient.square().mean(1), weight)
    return loss, _mean_over_samples(gradient.mul_(2 / gradient.shape[1]), weight)


def by_autograd(
    losses: Callable[[Tensor, Any], Tensor],
    output: Tensor,
    target: Any,
    weight: Tensor | None,
) -> LossAndGradient:
    """Of `losses(output, target)` (B,), with the gradient by autograd."""
    with torch.enable_grad():
        output = output.detach().requires_grad_()
        loss = weighted_mean(losses(output, target), weight)
        (gradient,) = torch.autograd.grad(loss, output)
    return loss.detach(), gradient


def weighted_mean(losses: Tensor, weight: Tensor | None) -> Tensor:
    """Mean of the losses (B,) with weights that have mean 1 over the training set."""
    return losses.mean() if weight is None else (losses * weight).mean()


def _log_softmax(logits: Tensor) -> Tensor:
    """The log-softmax over K of logits (B, K), stored by rows or by columns."""
    # Of a transposed tensor torch would make a copy, whose short rows it sums one by one.
    if logits.stride(0) == 1:
        return torch.log_softmax(logits.t(), 0).t()
    return torch.log_softmax(logits, 1)


def _mean_over_samples(gradient: Tensor, weight: Tensor | None) -> Tensor:
    """The gradient of the mean from those (B, K) of the samples' losses, in place."""
    if weight is not None:
        gradient.mul_(weight[:, None])
    return gradient.div_(gradient.shape[0])
