"""Losses with their slopes: (output, target, weight) -> (loss, its slope at the output).

The loss is the mean over the samples of `weight` (B,), None for 1, times the loss of each.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

Criterion = Callable[[Tensor, Any, Tensor | None], tuple[Tensor, Tensor]]


def minimise(
    criterion: Criterion, output: Tensor, target: Any, weight: Tensor | None
) -> Tensor:
    """The loss, for autograd to follow: one node whatever the formula."""
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
        loss, slope = criterion(output.detach(), target, weight)
        ctx.save_for_backward(slope)
        return loss

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor, None, None, None]:
        (slope,) = ctx.saved_tensors
        return slope * grad_outputs[0], None, None, None


def cross_entropy(
    logits: Tensor, target: Tensor, weight: Tensor | None, smoothing: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Of logits (B, K) and labels (B,); `smoothing` of each is spread over all K."""
    log_p = _log_softmax(logits)
    if smoothing or weight is not None:
        losses = F.nll_loss(log_p, target, reduction="none")
        if smoothing:
            losses = (1 - smoothing) * losses - smoothing * log_p.mean(1)
        loss = weighted_mean(losses, weight)
    else:
        loss = F.nll_loss(log_p, target)
    slope = log_p.exp_()
    slope.scatter_(1, target.unsqueeze(1), smoothing - 1, reduce="add")
    if smoothing:
        slope.sub_(smoothing / slope.shape[1])
    return loss, _shared(slope, weight)


def squared_error(
    output: Tensor, target: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Of outputs (B, K) and targets (B, K), averaged over K."""
    slope = output - target
    loss = weighted_mean(slope.square().mean(1), weight)
    return loss, _shared(slope.mul_(2 / slope.shape[1]), weight)


def by_autograd(
    losses: Callable[[Tensor, Any], Tensor],
    output: Tensor,
    target: Any,
    weight: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Of `losses(output, target)` (B,), the slope left to autograd."""
    with torch.enable_grad():
        output = output.detach().requires_grad_()
        loss = weighted_mean(losses(output, target), weight)
        (slope,) = torch.autograd.grad(loss, output)
    return loss.detach(), slope


def weighted_mean(losses: Tensor, weight: Tensor | None) -> Tensor:
    """Mean of the losses (B,) with weights that have mean 1 over the training set."""
    return losses.mean() if weight is None else (losses * weight).mean()


def _log_softmax(logits: Tensor) -> Tensor:
    """Along K of logits (B, K), in whichever layout they are."""
    # torch would copy what is stored transposed, and then go through K at a time.
    if logits.stride(0) == 1:
        return torch.log_softmax(logits.t(), 0).t()
    return torch.log_softmax(logits, 1)


def _shared(slope: Tensor, weight: Tensor | None) -> Tensor:
    if weight is not None:
        slope.mul_(weight[:, None])
    return slope.div_(slope.shape[0])
