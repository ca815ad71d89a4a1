"""Products of matrices, by the faster library: a (N, C), b (C, M) -> (N, M)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from lamina.kernels import private
from lamina.process import numpy_computes

NUMPY_TYPES = (torch.float32, torch.float64)
"""The number types that numpy has products of."""
MIN_MACS_MKL = 4_000_000
"""Multiply-accumulates from which MKL is 1.2 to 1.7 times as fast on Intel's processors."""


class Matrix:
    """A torch and a numpy view of the same memory. Each is made once, which takes .5 us.

    The tensor may not require gradients.
    """

    def __init__(self, tensor: Tensor):
        has_numpy_view = tensor.dtype in NUMPY_TYPES and numpy_computes(tensor.device)
        self.tensor, self.array = tensor, tensor.numpy() if has_numpy_view else None
        self.shape = tensor.shape

    @cached_property
    def T(self) -> "Matrix":  # noqa: N802
        """The transpose, a view of the same memory."""
        return Matrix(self.tensor.t())


def multiply(a: Matrix, b: Matrix, out: Matrix) -> None:
    """A @ b, written into `out`: by numpy's BLAS if numpy has products of the number type.

    torch's BLAS is MKL, which on AMD's processors takes twice as long and has a higher
    call overhead; on Intel's it is the faster one for large products.
    """
    x, y, z = a.array, b.array, out.array
    if x is None or y is None or z is None or _suits_mkl(z.size * x.shape[1]):
        torch.mm(a.tensor, b.tensor, out=out.tensor)
    else:
        np.matmul(x, y, out=z)


def _suits_mkl(n_macs: int) -> bool:
    return n_macs >= MIN_MACS_MKL and private.has_intel_processor()


_large: ContextVar[bool] = ContextVar("large products", default=False)


@contextmanager
def large_products() -> Iterator[None]:
    """Within it, products in this thread are large enough for oneDNN's call overhead."""
    token = _large.set(True)
    try:
        yield
    finally:
        _large.reset(token)


def apply_linear(linear: nn.Linear, x: Tensor) -> Tensor:
    """`linear(x)`; without gradients and on a CPU by oneDNN if products are large.

    On processors with bfloat16 units it computes in float32 up to twice as fast as MKL.
    It is called by name because torch's flag for it would affect other threads.
    """
    if not _large.get() or not _suits_onednn(x):
        return linear(x)
    return private.linear(x, linear.weight, linear.bias, "none")


def _suits_onednn(x: Tensor) -> bool:
    is_plain = x.dtype == torch.float32 and x.device.type == "cpu"
    return is_plain and not torch.is_grad_enabled() and private.has_bfloat16_units()
