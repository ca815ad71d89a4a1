"""Products of matrices, by whichever library is the quicker: a (N, C), b (C, M) -> (N, M)."""

from contextlib import AbstractContextManager
from functools import cache, cached_property

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor

NUMPYS = (torch.float32, torch.float64)
"""The number types that numpy has products of."""


class Matrix:
    """Memory as torch and as numpy see it, each of them once: a view takes half a us.

    The tensor may not require gradients.
    """

    def __init__(self, tensor: Tensor):
        knows = tensor.dtype in NUMPYS and tensor.device.type == "cpu"
        self.tensor, self.array = tensor, tensor.numpy() if knows else None
        self.shape = tensor.shape

    @cached_property
    def turned(self) -> "Matrix":
        """The same memory, rows and columns exchanged."""
        return Matrix(self.tensor.t())


def multiply(a: Matrix, b: Matrix, out: Matrix) -> None:
    """A @ b, written into `out`.

    Where one core computes, numpy's BLAS does it: torch's is MKL, which on AMD's processors
    takes twice as long, and a call costs less. On several cores their threads would be
    in each other's way.
    """
    x, y, z = a.array, b.array, out.array
    if x is None or y is None or z is None or torch.get_num_threads() > 1:
        torch.mm(a.tensor, b.tensor, out=out.tensor)
    else:
        np.matmul(x, y, out=z)


def on_one_core() -> AbstractContextManager:
    """Within it numpy's BLAS keeps to one thread.

    Two gain nothing in the smallest products, and wait for one another if something else
    takes a core: a fit of 64-100-10 then took twice as long.
    """
    return _libraries().limit(limits=1)


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")
