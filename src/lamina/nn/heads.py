"""Heads that read features: h (B, T, D) -> outputs."""

import torch
from torch import Tensor, nn

from lamina.batch import Features


class PooledHead(nn.Module):
    """(B, T, D) -> mean over the real steps -> (B, K)."""

    def __init__(self, width: int, n_outputs: int):
        super().__init__()
        self.out = nn.Linear(width, n_outputs)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Features) -> Tensor:
        pooled = mean_over_steps(features)
        if not torch.is_autocast_enabled(pooled.device.type):
            return self.out(pooled)
        # A product so small loses time by casts, and its outputs would lose digits.
        with torch.autocast(pooled.device.type, enabled=False):
            return self.out(pooled.to(self.out.weight.dtype))


def mean_over_steps(features: Features) -> Tensor:
    """(B, T, D) -> (B, D), padding left out; of half precision in single."""
    h, real = features.h, features.real()
    if h.shape[1] == 1:
        return h.squeeze(1)
    dtype = torch.promote_types(h.dtype, torch.float32)
    if real is None:
        return h.mean(1, dtype=dtype)
    total = h.masked_fill(real == 0, 0.0).sum(1, dtype=dtype)
    return total / real.sum(1, dtype=dtype)
