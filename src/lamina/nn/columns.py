"""Tables and texts as inputs of a dense layer: x (B, C), codes (B, K) and bags -> (B, D).

Numbers with bins, categories with codes and bags of n-grams are embedded; other channels are
kept.
"""

from typing import cast

import torch
from torch import Tensor, nn

from lamina.batch import Batch, Spec
from lamina.nn.bags import BagEmbedding
from lamina.nn.numbers import PiecewiseLinear

CATEGORY_WIDTH = 8
"""Features of each category, as in RealMLP (Holzmüller et al. 2024)."""
CATEGORY_DEVIATION = 0.1
"""Standard deviation of the initial embeddings: most of thousands of categories are rare, and
an embedding that is trained little adds noise of this size."""
NUMBER_WIDTH, MAX_WIDTH = 16, 4096
"""Features of each number, and at most of all numbers of a table."""


class ColumnEmbeddings(nn.Module):
    """x (B, C), codes (B, K) and bags of B texts -> (B, D)."""

    binned: Tensor
    others: Tensor

    def __init__(self, spec: Spec):
        super().__init__()
        categories = [category_embedding(n) for n in spec.n_categories]
        # A ModuleList does not declare the type of its items.
        self.categories = cast("list[nn.Embedding]", nn.ModuleList(categories))
        self.numbers: PiecewiseLinear | None = None
        self.ngram_width = spec.ngram_width
        sizes = spec.ngram_width, spec.ngram_dropout
        texts = [BagEmbedding(n, *sizes) for n in spec.n_ngrams]
        self.bags = cast("list[BagEmbedding]", nn.ModuleList(texts))
        self.width = spec.n_channels + CATEGORY_WIDTH * len(categories)
        self.width += spec.ngram_width * len(texts)
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
        return self.joined(batch.x, self.embedded(batch))

    def embedded(self, batch: Batch) -> list[Tensor]:
        """The embeddings (B, ...) of each column of codes, and of each of the bags."""
        embedded = []
        if batch.codes is not None:
            columns = zip(self.categories, batch.codes.T, strict=True)
            embedded = [embed(column) for embed, column in columns]
        pairs = zip(self.bags, batch.bags, strict=True)
        return embedded + [embed(each) for embed, each in pairs]

    def joined(self, x: Tensor, embedded: list[Tensor]) -> Tensor:
        """X (B, C), of which numbers are embedded here, and what `embedded` gives."""
        if self.numbers is None and not embedded:
            return x
        parts = [x]
        if self.numbers is not None and not len(self.others):
            parts = [self.numbers(x)]
        elif self.numbers is not None:
            others = x.index_select(1, self.others)
            parts = [self.numbers(x.index_select(1, self.binned)), others]
        return (
            torch.cat(parts + embedded, 1) if embedded or len(parts) > 1 else parts[0]
        )

    def origins(self) -> Tensor:
        """(D,) what each feature is made of.

        Channel c of x, C + k for codes k, and C + K + t for the bags t.
        """
        width = 1 if self.numbers is None else self.numbers.width
        numbers = self.binned.repeat_interleave(width)
        widths = [CATEGORY_WIDTH] * len(self.categories)
        widths += [self.ngram_width] * len(self.bags)
        n_channels = len(self.binned) + len(self.others)
        columns = torch.arange(n_channels, n_channels + len(widths))
        embedded = columns.repeat_interleave(torch.tensor(widths).long())
        return torch.cat([numbers, self.others, embedded])


def category_embedding(n: int) -> nn.Embedding:
    """Codes (B,) -> (B, 8); those of code 0, an unknown category, are 0."""
    embedding = nn.Embedding(n, CATEGORY_WIDTH, padding_idx=0)
    with torch.no_grad():
        embedding.weight.mul_(CATEGORY_DEVIATION)
    return embedding
