"""Normalisation of h (B, D, ...), from the statistics of its real steps only."""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.kernels.parallel import PART


def step_weights(
    h: Tensor, real: Tensor | None, weight: Tensor | None
) -> Tensor | None:
    """(B, 1, ...), what each step of h (B, C, ...) counts in the statistics of a batch.

    The weight (B,) of its sample where `real` (B, 1, T), else 0. None where all count 1.
    """
    if weight is None:
        return None if real is None else real.to(h.dtype)
    column = weight.view(-1, *[1] * (h.dim() - 1)).to(h.dtype)
    return column.expand_as(h[:, :1]) if real is None else column * real


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe & Szegedy 2015), weighted where a weight is given.

    `weight` (B, 1, ...) is the sample weight at real steps and 0 at padding, so that
    weight 2 counts twice and padding not at all. The running statistics are the plain means
    of the first ten batches, and exponential ones from then on: an exponential mean would be
    dominated by its initial value after a brief fit.
    """

    momentum = 0.1
    """The weight of a new batch from the tenth on, which a captured step of a GPU repeats."""
    eps = 1e-5

    def __init__(self, n_channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_channels))
        self.bias = nn.Parameter(torch.zeros(n_channels))
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(n_channels))
        self.register_buffer("variance", torch.ones(n_channels))
        self.n_batches: Tensor
        self.register_buffer("n_batches", torch.zeros(()))
        self.of_parts: dict[int, tuple[Tensor, Tensor]] = {}

    def train(self, mode: bool = True) -> Self:
        self.of_parts = {}  # of a batch that was interrupted
        return super().train(mode)

    def forward(self, h: Tensor, weight: Tensor | None = None) -> Tensor:
        if not self.training:
            mean, variance = self.mean, self.variance
            return F.batch_norm(h, mean, variance, self.weight, self.bias, eps=self.eps)
        if weight is None and h.numel() > h.shape[1]:
            mean, variance = torch.zeros_like(self.mean), torch.zeros_like(self.mean)
            # With a momentum of 1 the statistics of this batch are written there.
            out = F.batch_norm(
                h, mean, variance, self.weight, self.bias, True, 1.0, self.eps
            )
        else:
            weight = h.new_ones(1) if weight is None else weight
            out, mean, variance = self._weighted(h, weight)
        self._follow(mean, variance)
        return out

    def _weighted(self, h: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        values = h.float()
        weight = weight.float().expand_as(values[:, :1])
        axes = [0, *range(2, h.dim())]
        total = weight.sum()
        mean = (values * weight).sum(axes, keepdim=True) / total
        variance = ((values - mean) ** 2 * weight).sum(axes, keepdim=True) / total
        column = (-1, *[1] * (h.dim() - 2))
        scale = self.weight.view(column) * (variance + self.eps).rsqrt()
        out = ((values - mean) * scale + self.bias.view(column)).to(h.dtype)
        unbiased = variance * (total / (total - 1).clamp(min=1.0))
        return out, mean.flatten().detach(), unbiased.flatten().detach()

    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of a batch, once all parts gave theirs.

        A part is normalised by its own statistics, as in data-parallel training.
        """
        part = PART.get()
        self.of_parts[part.index] = mean, variance
        if len(self.of_parts) < part.n_parts:
            return
        # Of parts that end at the same time one gets this. A lock would remain locked if
        # Ctrl-C came before its release.
        first = self.of_parts.pop(0, None)
        if first is None:
            return
        parts = [first, *(self.of_parts[i] for i in range(1, part.n_parts))]
        self.of_parts = {}
        # A tensor, because the host does not wait for the device.
        momentum = self.n_batches.add_(1).reciprocal().clamp(min=self.momentum)
        for running, new in zip(
            (self.mean, self.variance), zip(*parts, strict=True), strict=True
        ):
            mean = new[0] if len(new) == 1 else torch.stack(new).mean(0)
            running.lerp_(mean, momentum)


class LayerNorm(nn.Module):
    """Layer normalisation (Ba et al. 2016) over the channels of each step or pixel."""

    def __init__(self, n_channels: int):
        super().__init__()
        self.norm = nn.LayerNorm(n_channels)

    def forward(self, h: Tensor, weight: Tensor | None = None) -> Tensor:
        del weight
        return self.norm(h.movedim(1, -1)).movedim(-1, 1)


class NoNorm(nn.Module):
    """No normalisation."""

    def __init__(self, n_channels: int):
        super().__init__()
        del n_channels

    def forward(self, h: Tensor, weight: Tensor | None = None) -> Tensor:
        del weight
        return h


NORMALIZATIONS: dict[str, type[nn.Module]] = {
    "batch": BatchNorm,
    "layer": LayerNorm,
    "none": NoNorm,
}
