"""Dropout masks whose random numbers cost little.

A rate is exact to 1 / 65,536: four units are decided by each 64-bit number that is
drawn, where torch draws one number a unit. All of it draws from the fit's stream.
"""

import torch
from torch import Tensor

from lamina.seeding import current_generator

LEVELS = 1 << 16


def keep_mask(h: Tensor, rate: float) -> Tensor:
    """Of h's shape and type: 0 with probability `rate`, else 1 / (1 - rate)."""
    dropped = round(rate * LEVELS)
    n_draws = -(-h.numel() // 4)
    draws = torch.empty(n_draws, dtype=torch.int64, device=h.device)
    draws.random_(-(1 << 63), None, generator=current_generator(h.device))
    # int16 has no unsigned twin that compares fast, so the range is shifted.
    levels = draws.view(torch.int16)[: h.numel()].view(h.shape)
    kept = torch.ge(levels, dropped - LEVELS // 2)
    return kept.to(h.dtype).mul_(LEVELS / max(LEVELS - dropped, 1))
