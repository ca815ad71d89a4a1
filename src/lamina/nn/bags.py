"""Bags of n-grams -> features of a whole text (fastText, Joulin et al. 2017).

    y_b = sum over the n-grams g of text b of  w_bg m_bg e_g

with embeddings e, weights w and a dropout mask m. In training most n-grams of a text are
dropped: it has many that say the same, and a network that sees all of them recognises each
text by a few rare ones. That acts as a penalty on the weights of rare n-grams (Wager et al.
2013).
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.batch import PAD, Features, Spec
from lamina.nn.dense import DenseLayers
from lamina.nn.dropout import Dropout
from lamina.process import numpy_computes
from lamina.ragged import Bags

MIN_WIDTH, MAX_WIDTH = 16, 64
"""Bounds of the width of the embedding of an n-gram: four values for each output."""
INITIAL_DEVIATION = 0.01
"""Standard deviation of the initial embeddings: most n-grams are rare, and an embedding
that is trained little adds noise of this size."""
HIDDEN_SIZES = 256, 256
FIRST_FACTOR = 16.0
"""Of the initial weights that read the embeddings, beside another body. An embedding moves by
steps of a size that Adam fixes, and these weights turn them into changes of the output. With
smaller ones, the tokens recognise the training texts before the n-grams are learnt. A dense
body has eight members that read the embeddings, and does not need it.
"""


class BagEmbedding(nn.Module):
    """Bags of B texts -> (B, D), weighted sums of the embeddings of their n-grams."""

    def __init__(self, n_ngrams: int, width: int, dropout: float):
        super().__init__()
        self.ngrams = nn.EmbeddingBag(n_ngrams, width, mode="sum", padding_idx=PAD)
        self.drop = Dropout(dropout)
        with torch.no_grad():
            self.ngrams.weight.mul_(INITIAL_DEVIATION)

    def forward(self, bags: Bags) -> Tensor:
        table = self.ngrams.weight
        starts = bags.starts.to(bags.ids, non_blocking=True)
        ids, weights = bags.ids, self.drop(bags.weights)
        # A GPU would wait for their number.
        if self.training and self.drop.rate and numpy_computes(ids.device):
            ids, weights, starts = _without_zeros(ids, weights, starts)
        return F.embedding_bag(
            ids,
            table,
            starts,
            mode="sum",
            per_sample_weights=weights.to(table.dtype),
            padding_idx=PAD,
        )


def ngram_width(n_outputs: int) -> int:
    """The width of the embedding of an n-gram for a network with these outputs."""
    return min(max(4 * n_outputs, MIN_WIDTH), MAX_WIDTH)


def _without_zeros(
    ids: Tensor, weights: Tensor, starts: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The items of bags whose weight is not 0: both passes would read the others."""
    is_kept = weights != 0
    n_before = F.pad(is_kept.cumsum(0), (1, 0))
    kept = is_kept.nonzero().squeeze(1)
    return ids[kept], weights[kept], n_before[starts]


class BagPath(nn.Module):
    """Dense layers on bags, beside a body that reads the steps of the same texts.

    Features h (B, T, D), bags that `embed` embedded (B, E) -> (B, T, D + 256): the features
    of the bag stand at all steps, so that their mean is that of the bag.
    """

    width = HIDDEN_SIZES[-1]

    def __init__(self, spec: Spec, dropout: float):
        super().__init__()
        (n_ngrams,) = spec.n_ngrams
        width = spec.ngram_width
        self.embed = BagEmbedding(n_ngrams, width, spec.ngram_dropout)
        self.layers = DenseLayers([width, *HIDDEN_SIZES], "relu", dropout)
        with torch.no_grad():
            self.layers.linears[0].weight.mul_(FIRST_FACTOR)

    def forward(self, features: Features, embedded: Tensor) -> Features:
        h = self.layers(embedded)[:, None].to(features.h.dtype)
        h = torch.cat([features.h, h.expand(-1, features.h.shape[1], -1)], 2)
        return replace(features, h=h)
