"""Normalisation of h (B, D, ...) that sees only real steps: padding has no share in it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
    weight 2 counts twice, and a padded sample as it does alone. The running statistics
    are plain means of the first batches: after a brief fit they would else be those that
    they started from.
    """

    momentum = 0.1
    """The share of a batch from the tenth on; a recorded step repeats it."""
    eps = 1e-5

    def __init__(self, n_channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_channels))
        self.bias = nn.Parameter(torch.zeros(n_channels))
        self.mean: Tensor
        self.variance: Tensor
        self.register_buffer("mean", torch.zeros(n_channels))
        self.register_buffer("variance", torch.ones(n_channels))
        self.n_batches = 0

    def forward(self, h: Tensor, weight: Tensor | None = None) -> Tensor:
        one_value = h.numel() == h.shape[1]
        self.n_batches += self.training
        share = max(self.momentum, 1 / max(self.n_batches, 1))
        if not self.training or (weight is None and not one_value):
            return F.batch_norm(
                h,
                self.mean,
                self.variance,
                self.weight,
                self.bias,
                self.training,
                share,
                self.eps,
            )
        weight = h.new_ones(1) if weight is None else weight
        return self._weighted(h, weight, share)

    def _weighted(self, h: Tensor, weight: Tensor, new: float) -> Tensor:
        values = h.float()
        share = weight.float().expand_as(values[:, :1])
        axes = [0, *range(2, h.dim())]
        total = share.sum()
        mean = (values * share).sum(axes, keepdim=True) / total
        variance = ((values - mean) ** 2 * share).sum(axes, keepdim=True) / total
        with torch.no_grad():
            unbiased = total / (total - 1).clamp(min=1.0)
            self.mean.lerp_(mean.flatten(), new)
            self.variance.lerp_(variance.flatten() * unbiased, new)
        column = (-1, *[1] * (h.dim() - 2))
        scale = self.weight.view(column) * (variance + self.eps).rsqrt()
        return ((values - mean) * scale + self.bias.view(column)).to(h.dtype)


class LayerNorm(nn.Module):
    """Layer normalisation (Ba et al. 2016) over the channels of each step or pixel."""

    def __init__(self, n_channels: int):
        super().__init__()
        self.norm = nn.LayerNorm(n_channels)

    def forward(self, h: Tensor, weight: Tensor | None = None) -> Tensor:
        del weight
        return self.norm(h.movedim(1, -1)).movedim(-1, 1)


class NoNorm(nn.Module):
    """h as it is."""

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
