"""Dropout whose random numbers cost little.

A share is exact to 1 / 65,536: four units are decided by each 64-bit number that is
drawn, where torch draws one number a unit.
"""

import torch
from torch import Tensor, nn

LEVELS = 1 << 16


def keep_mask(h: Tensor, share: float) -> Tensor:
    """Of h's shape and type: 0 with probability `share`, else 1 / (1 - share)."""
    dropped = round(share * LEVELS)
    n_draws = -(-h.numel() // 4)
    draws = torch.empty(n_draws, dtype=torch.int64, device=h.device)
    draws.random_(-(1 << 63), None)
    # int16 has no unsigned twin that compares fast, so the range is shifted.
    levels = draws.view(torch.int16)[: h.numel()].view(h.shape)
    kept = torch.ge(levels, dropped - LEVELS // 2)
    return kept.to(h.dtype).mul_(LEVELS / max(LEVELS - dropped, 1))


class Dropout(nn.Module):
    """h -> h with a share of its numbers set to 0 and the others scaled up, in training."""

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, h: Tensor) -> Tensor:
        if not self.training or not self.share:
            return h
        return h * keep_mask(h, self.share)
