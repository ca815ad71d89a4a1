"""Dropout masks whose random numbers cost little.

A rate is exact to 1 / 65,536: four units are decided by each random 64-bit integer, where
torch draws a random number for each unit. All draws come from the fit's random stream.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.process import numpy_computes
from lamina.seeding import random_integers

LEVELS = 1 << 16
BITS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
"""The integer type of each size in bytes."""
UNITS_AT_ONCE = 1 << 18
"""Units whose masks are drawn in one call, for several steps; they stay in the cache."""
STEPS_AT_ONCE = 16


def keep_mask(h: Tensor, rate: float) -> Tensor:
    """A mask of h's shape and type: 0 with probability `rate`, else 1 / (1 - rate)."""
    return _mask(tuple(h.shape), h.dtype, h.device, rate)


class Masks:
    """Masks of one layer for successive steps, of which several are drawn in one call."""

    def __init__(self, rate: float, dtype: torch.dtype):
        self.rate, self.dtype = rate, dtype
        self.shape: tuple[int, ...] | None = None
        self.drawn: list[Tensor] = []

    def draw(self, h: Tensor) -> Tensor:
        """The mask of a step, of h's shape."""
        if h.shape != self.shape or not self.drawn:
            self.shape = tuple(h.shape)
            n = min(STEPS_AT_ONCE, UNITS_AT_ONCE // max(1, h.numel()))
            # A captured step draws the masks of that step only.
            n = max(1, n) if numpy_computes(h.device) else 1
            masks = _mask((n, *h.shape), self.dtype, h.device, self.rate)
            self.drawn = list(masks.unbind(0))
        self.last = self.drawn.pop()
        return self.last

    def state(self) -> dict[str, Any]:
        """The masks that were drawn for later steps, and their shape."""
        return {"shape": self.shape, "drawn": list(self.drawn)}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue with the masks of a `state`."""
        self.shape, self.drawn = state["shape"], state["drawn"]


def _mask(
    shape: tuple[int, ...], dtype: torch.dtype, device: torch.device, rate: float
) -> Tensor:
    n_units, n_dropped = int(np.prod(shape)), round(rate * LEVELS)
    # An empty array cannot be viewed as smaller integers.
    draws = random_integers(max(-(-n_units // 4), 1), device)
    # Unsigned 16-bit integers are slow to compare, so the range is shifted.
    levels = draws.view(torch.int16)[:n_units].view(shape)
    least, scale = n_dropped - LEVELS // 2, LEVELS / max(LEVELS - n_dropped, 1)
    if not numpy_computes(device):
        return torch.ge(levels, least).to(dtype).mul_(scale)
    # numpy compares and converts in a fraction of torch's time, but has no bfloat16: a
    # value of the mask is 0 or the bits of the scale.
    kept = np.greater_equal(levels.numpy(), np.int16(min(least, LEVELS // 2 - 1)))
    bits = torch.tensor(scale, dtype=dtype)
    bits = bits.view(BITS[bits.element_size()]).numpy()
    return torch.from_numpy(kept.astype(bits.dtype) * bits).view(dtype)
