"""Linear interpolation in tables, both passes written out.

    y_bn = (1 - t) v_nk + t v_n,k+1
    t = (x_bn - e_nk) / (e_n,k+1 - e_nk)      for e_nk < x_bn <= e_n,k+1
    dL/dv_nk = sum of (1 - t) g_bn over the b in bin k, and of t g_bn over those in bin k - 1
    dL/dx_bn = g_bn . (v_n,k+1 - v_nk) / (e_n,k+1 - e_nk)

with g = dL/dy. Outside of the edges, x counts as the nearest edge and dL/dx is 0. The backward
pass writes to the two rows of each number, where autograd would make a table for each of them.

    table v (N, E, D), edges e (N, E), x (B, N), y (B, N, D)

A row of e with fewer edges repeats its last one.
"""

from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from lamina.kernels import private


@dataclass(frozen=True)
class Bins:
    """The bins between edges (N, E)."""

    edges: Tensor
    upper: Tensor
    """(N, E - 1) the upper edge of each."""
    starts: Tensor
    """(N,) the first row of each table where the tables are one after the other."""

    @classmethod
    def between(cls, edges: Tensor) -> Self:
        starts = edges.shape[1] * torch.arange(len(edges), device=edges.device)
        return cls(edges, edges[:, 1:].contiguous(), starts)


def interpolate(table: Tensor, bins: Bins, x: Tensor) -> Tensor:
    """The rows of the tables (N, E, D), between edges (N, E), at x (B, N): (B, N, D)."""
    if torch.is_grad_enabled():
        return _Interpolation.apply(table, bins, x)
    return Lookup(table, bins, x).interpolated()


class Lookup:
    """The two rows of a table between which each x (B, N) lies, and where."""

    def __init__(self, table: Tensor, bins: Bins, x: Tensor):
        edges = bins.edges
        self.inside = torch.minimum(torch.maximum(x, edges[:, 0]), edges[:, -1])
        indices = torch.searchsorted(bins.upper, self.inside.T.contiguous()).T
        self.rows = indices + bins.starts
        above = self.rows + 1
        low = edges.take(self.rows)
        self.width = edges.take(above) - low
        self.t = (self.inside - low) / self.width
        flat = table.flatten(0, 1)
        self.below, self.above = F.embedding(self.rows, flat), F.embedding(above, flat)

    def interpolated(self) -> Tensor:
        """(B, N, D)."""
        t = self.t.unsqueeze(-1).to(self.below.dtype)
        return torch.lerp(self.below, self.above, t)


class _Interpolation(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, table: Tensor, bins: Bins, x: Tensor) -> Tensor:
        lookup = Lookup(table, bins, x)
        ctx.save_for_backward(
            lookup.rows, lookup.t, lookup.width, lookup.below, lookup.above
        )
        ctx.shape, ctx.is_inside = table.shape, lookup.inside == x
        return lookup.interpolated()

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor | None, None, Tensor | None]:
        (g,), (rows, t, width, below, above) = grad_outputs, ctx.saved_tensors
        to_table = to_x = None
        if ctx.needs_input_grad[0]:
            to_above = g * t.unsqueeze(-1)
            parts = torch.cat([g - to_above, to_above])
            n_rows = ctx.shape[0] * ctx.shape[1]
            to_table = private.embedding_gradient(
                parts, torch.cat([rows, rows + 1]), n_rows
            ).view(ctx.shape)
        if ctx.needs_input_grad[2]:
            to_x = (g * (above - below)).sum(-1) / width * ctx.is_inside
        return to_table, None, to_x
