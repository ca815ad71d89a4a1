"""Products of matrices, by whichever library is the quicker: a (N, C), b (C, M) -> (N, M)."""

import numpy as np
import torch
from torch import Tensor

NUMPYS = (torch.float32, torch.float64)
"""The number types that numpy has products of."""


def multiply(a: Tensor, b: Tensor, out: Tensor) -> Tensor:
    """A @ b, written into `out`; none of them may require gradients.

    Where one core computes, numpy's BLAS does it: torch's is MKL, which on AMD's processors
    takes twice as long, and a call costs less. On several cores their threads would be
    in each other's way.
    """
    if torch.get_num_threads() == 1 and a.dtype in NUMPYS and a.device.type == "cpu":
        np.matmul(a.numpy(), b.numpy(), out=out.numpy())
        return out
    return torch.mm(a, b, out=out)
