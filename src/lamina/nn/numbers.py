"""Embeddings of numbers: x (B, N) -> h (B, N * D).

Each of the D features of a number is a piecewise linear function of it, whose nodes are the
edges e of its bins (Gorishniy et al. 2022):

    h = relu((1 - t) v_k + t v_{k+1})
    t = (x - e_k) / (e_{k+1} - e_k)      for e_k < x <= e_{k+1}
    v_0 = start + linear e_0,   v_{k+1} = v_k + increment_k + linear (e_{k+1} - e_k)

So a gradient reaches the values of all bins above x, and a number costs two rows of a table
instead of a product with all bins. Beyond the outer edges the features are constant.
"""

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.kernels.interpolation import Bins, interpolate

INCREMENT_DEVIATION, LINEAR_DEVIATION = 0.5, 0.3
"""Of the initial values: of the increments over all bins together, and of the linear term."""


class PiecewiseLinear(nn.Module):
    """x (B, N) -> h (B, N * D), for the edges of the bins of each number."""

    edges: Tensor

    def __init__(self, edges: tuple[tuple[float, ...], ...], width: int):
        super().__init__()
        self.n_numbers, self.width = len(edges), width
        self.kept: tuple[list[tuple[int, int]], Tensor, Bins] | None = None
        n_bins = max(len(e) for e in edges) - 1
        # An edge that a column lacks is repeated, so that its bins are empty.
        padded = [[*e, *[e[-1]] * (n_bins + 1 - len(e))] for e in edges]
        values = torch.tensor(padded, dtype=torch.float32)
        # Built again from the spec; these determine neither shapes nor training.
        self.register_buffer("edges", values, persistent=False)
        self.increments = nn.Parameter(torch.empty(len(edges), n_bins, width))
        self.linear = nn.Parameter(torch.empty(len(edges), 1, width))
        self.starts = nn.Parameter(torch.zeros(len(edges), 1, width))
        nn.init.normal_(self.increments, std=INCREMENT_DEVIATION)
        nn.init.normal_(self.linear, std=LINEAR_DEVIATION)
        counts = torch.tensor([len(e) - 1.0 for e in edges])
        with torch.no_grad():
            self.increments.div_(counts.sqrt()[:, None, None])

    def forward(self, x: Tensor) -> Tensor:
        table, bins = self._computed() if self.training else self._remembered()
        return F.relu(interpolate(table, bins, x)).flatten(1)

    def train(self, mode: bool = True) -> Self:
        self.kept = None
        return super().train(mode)

    def table(self) -> Tensor:
        """(N, n_edges, D), the features at each edge."""
        edges = self.edges[:, :, None]
        first = self.starts + self.linear * edges[:, :1]
        steps = self.increments + self.linear * edges.diff(dim=1)
        return torch.cat([first, steps], 1).cumsum(1)

    def _computed(self) -> tuple[Tensor, Bins]:
        return self.table(), Bins.between(self.edges)

    def _remembered(self) -> tuple[Tensor, Bins]:
        """The table in evaluation, computed once for these values of the parameters."""
        if torch.is_grad_enabled():
            return self._computed()
        key = [(p.data_ptr(), p._version) for p in self.parameters()]
        if self.kept is None or self.kept[0] != key:
            self.kept = key, *self._computed()
        return self.kept[1:]
