"""Tables and texts as inputs of a dense layer: x (B, C), codes (B, K) and bags -> (B, D).

Numbers with bins, categories with codes and bags of n-grams are embedded; other channels are
kept.
"""

from typing import cast

import torch
from torch import Tensor, nn

from lamina.batch import Batch, Spec
from lamina.nn import bags
from lamina.nn.numbers import PiecewiseLinear

CATEGORY_WIDTH = 8
"""Features of each category, as in RealMLP (Holzmüller et al. 2024)."""
NUMBER_WIDTH, MAX_WIDTH = 16, 4096
"""Features of each number, and at most of all numbers of a table."""


class ColumnEmbeddings(nn.Module):
    """x (B, C), codes (B, K) and bags of B texts -> (B, D)."""

    binned: Tensor
    others: Tensor

    def __init__(self, spec: Spec):
        super().__init__()
        categories = [
            nn.Embedding(n, CATEGORY_WIDTH, padding_idx=0) for n in spec.n_categories
        ]
        # A ModuleList does not declare the type of its items.
        self.categories = cast("list[nn.Embedding]", nn.ModuleList(categories))
        self.numbers: PiecewiseLinear | None = None
        self.bags = bags.BagEmbedding(spec) if spec.n_ngrams else None
        self.width = spec.n_channels + CATEGORY_WIDTH * len(categories)
        self.width += 0 if self.bags is None else bags.WIDTH
        binned = [i for i, edges in enumerate(spec.edges) if edges]
        if binned:
            width = max(1, min(NUMBER_WIDTH, MAX_WIDTH // len(binned)))
            edges = tuple(spec.edges[i] for i in binned)
            self.numbers = PiecewiseLinear(edges, width)
            self.width += len(binned) * (width - 1)
        others = sorted({*range(spec.n_channels)} - {*binned})
        self.register_buffer("binned", torch.tensor(binned).long(), persistent=False)
        self.register_buffer("others", torch.tensor(others).long(), persistent=False)

    def forward(self, batch: Batch) -> Tensor:
        x, codes = batch.x, batch.codes
        if self.numbers is None and codes is None and batch.bags is None:
            return x
        parts = [x]
        if self.numbers is not None:
            others = x.index_select(1, self.others)
            parts = [self.numbers(x.index_select(1, self.binned)), others]
        if codes is not None:
            embedded = zip(self.categories, codes.T, strict=True)
            parts += [embed(column) for embed, column in embedded]
        if self.bags is not None and batch.bags is not None:
            parts.append(self.bags(batch.bags))
        return torch.cat(parts, 1)
