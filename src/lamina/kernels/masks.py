"""Dropout masks whose random numbers cost little.

A rate is exact to 1 / 65,536: four units are decided by each random 64-bit integer, where
torch draws one number a unit. All of it draws from the fit's stream.
"""

import numpy as np
import torch
from torch import Tensor

from lamina.seeding import random_integers

LEVELS = 1 << 16


def keep_mask(h: Tensor, rate: float) -> Tensor:
    """Of h's shape and type: 0 with probability `rate`, else 1 / (1 - rate)."""
    n_dropped = round(rate * LEVELS)
    draws = random_integers(-(-h.numel() // 4), h.device)
    # int16 has no unsigned twin that compares fast, so the range is shifted.
    levels = draws.view(torch.int16)[: h.numel()].view(h.shape)
    least, scale = n_dropped - LEVELS // 2, LEVELS / max(LEVELS - n_dropped, 1)
    if h.device.type != "cpu":
        return torch.ge(levels, least).to(h.dtype).mul_(scale)
    # numpy compares and converts in a sixth of torch's time.
    kept = np.greater_equal(levels.numpy(), np.int16(min(least, LEVELS // 2 - 1)))
    return torch.from_numpy(kept.view(np.int8)).to(h.dtype).mul_(scale)
