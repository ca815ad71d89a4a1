"""Products of matrices, by whichever library is the quicker: a (N, C), b (C, M) -> (N, M)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

onednn: Any = torch.ops.mkldnn
"""Its fused products have no public names."""
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


_large: ContextVar[bool] = ContextVar("large products", default=False)


@contextmanager
def large_products() -> Iterator[None]:
    """In this thread, products are large enough for oneDNN's overhead."""
    token = _large.set(True)
    try:
        yield
    finally:
        _large.reset(token)


def apply_linear(linear: nn.Linear, x: Tensor) -> Tensor:
    """`linear(x)`; without gradients and on a CPU by oneDNN if products are large.

    On processors with bfloat16 units it computes in float32 up to twice as fast as MKL.
    Asked for by name it needs no flag of the process, which other threads would see.
    """
    if not _large.get() or not _suits_onednn(x):
        return linear(x)
    return onednn._linear_pointwise(x, linear.weight, linear.bias, "none", [], "")


def _suits_onednn(x: Tensor) -> bool:
    is_plain = x.dtype == torch.float32 and x.device.type == "cpu"
    return is_plain and not torch.is_grad_enabled() and has_bfloat16_units()


def has_bfloat16_units() -> bool:
    """Whether oneDNN multiplies bfloat16 natively on this processor."""
    return torch.backends.mkldnn.is_available() and onednn._is_mkldnn_bf16_supported()
