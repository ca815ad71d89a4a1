"""Pooling h (B, D, ...) by 2 along each axis; a last odd step is a window by itself.

`real` (B, 1, T) is True at real steps and False at padding; None where all are real.
"""

import torch.nn.functional as F
from torch import Tensor

MAX = {3: F.max_pool1d, 4: F.max_pool2d}
AVERAGE = {3: F.avg_pool1d, 4: F.avg_pool2d}


def max_pool(h: Tensor, real: Tensor | None) -> Tensor:
    """The largest of each window."""
    if real is not None:
        h = h.masked_fill(~real, -1e4)
    return MAX[h.dim()](h, 2, ceil_mode=True)


def average_pool(h: Tensor, real: Tensor | None) -> Tensor:
    """The mean of the real steps of each window."""
    pool = AVERAGE[h.dim()]
    if real is not None:
        h = h.masked_fill(~real, 0.0)
    pooled = pool(h, 2, ceil_mode=True, count_include_pad=False)
    if real is None:
        return pooled
    # The fraction of real steps: 1, 1/2, or 0 in a window of padding, which is 0 anyway.
    fraction = pool(real.to(h.dtype), 2, ceil_mode=True, count_include_pad=False)
    return pooled / fraction.clamp(min=0.5)


def no_pool(h: Tensor, real: Tensor | None) -> Tensor:
    """No pooling."""
    del real
    return h


POOLINGS = {"max": max_pool, "average": average_pool, "none": no_pool}
