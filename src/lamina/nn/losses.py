"""Losses with their gradients: (output, target, weight) -> (loss, gradient at the output).

The loss is the mean over the samples of `weight` (B,), None for 1, times the loss of each.
"""

from collections.abc import Callable, Sequence
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
    error = output - target
    return _mean_of_values(error.square(), error.mul_(2), weight)


def absolute_error(
    output: Tensor, target: Tensor, weight: Tensor | None
) -> LossAndGradient:
    """Of outputs (B, K) and targets (B, K), averaged over K."""
    error = output - target
    return _mean_of_values(error.abs(), error.sign(), weight)


def huber(
    output: Tensor, target: Tensor, weight: Tensor | None, deltas: Sequence[float]
) -> LossAndGradient:
    """Of outputs (B, K) and targets (B, K), linear in errors above `deltas` (K,)."""
    error, delta = output - target, _by_column(deltas, output)
    gradient = error.clamp(-delta, delta)
    return _mean_of_values(gradient * (error - gradient / 2), gradient, weight)


def pinball(
    output: Tensor, target: Tensor, weight: Tensor | None, levels: Sequence[float]
) -> LossAndGradient:
    """Of the Q quantiles `levels`: outputs (B, K Q) and targets (B, K)."""
    error = output.unflatten(1, (-1, len(levels))) - target.unsqueeze(2)
    gradient = (error > 0).to(error.dtype) - _by_column(levels, output)
    losses = (gradient * error).flatten(1)
    return _mean_of_values(losses, gradient.flatten(1), weight)


def poisson(output: Tensor, target: Tensor, weight: Tensor | None) -> LossAndGradient:
    """Half the deviance, up to a constant, of means whose logarithms are the outputs."""
    mean = output.exp()
    return _mean_of_values(mean - target * output, mean - target, weight)


def gamma(output: Tensor, target: Tensor, weight: Tensor | None) -> LossAndGradient:
    """Half the deviance, up to a constant, of means whose logarithms are the outputs."""
    ratio = target * (-output).exp()
    return _mean_of_values(output + ratio, 1 - ratio, weight)


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


def _mean_of_values(
    losses: Tensor, gradient: Tensor, weight: Tensor | None
) -> LossAndGradient:
    """The mean over K and the samples of losses (B, K), and its gradient from theirs."""
    n_values = gradient.shape[1]
    if n_values > 1:
        gradient.div_(n_values)
    loss = weighted_mean(losses.mean(1), weight)
    return loss, _mean_over_samples(gradient, weight)


def _by_column(values: Sequence[float], like: Tensor) -> Any:
    """A number for all columns if they are equal, otherwise a tensor of one for each."""
    if len(set(values)) == 1:
        return values[0]
    # Filled on the device: a copy to the GPU cannot be a part of a captured step.
    return torch.stack([like.new_full((), value) for value in values])


def _mean_over_samples(gradient: Tensor, weight: Tensor | None) -> Tensor:
    """The gradient of the mean from those (B, K) of the samples' losses, in place."""
    if weight is not None:
        gradient.mul_(weight[:, None])
    return gradient.div_(gradient.shape[0])
