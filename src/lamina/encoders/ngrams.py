"""Bags of n-grams of texts (Joulin et al. 2017), with the weight of each n-gram.

`counts.py` says what the n-grams of a text are. Of many training texts, those that occur in
one only are left out, as are those that `fit` did not see.

The weight of an n-gram with frequency f among texts is (1 + log count) (1 - log f) f^(1/4),
scaled so that those of the characters of a text, and the others, each have norm 1/4. TF-IDF
lacks the last factor and has norm 1. But Adam moves an embedding by a similar amount at each
occurrence of its n-gram, whatever the size of the weight: with TF-IDF, networks memorise rare
n-grams, and texts within two epochs. On the held-out parts of four sets of texts other sizes,
a common norm, and powers of 0 and 1/2 were worse or equal.
"""

from typing import Self

import numpy as np
import torch
from scipy import sparse

from lamina.encoders.counts import Counts, Tokens, counts_of
from lamina.ragged import Bags
from lamina.state import Stored

MANY = 1_000
"""Distinct texts from which on n-grams, and tokens, in only one of them are left out. Fewer
may have nothing in common and be repeated, as categories are."""
POWER = 0.25
"""Of the frequency in the weight of an n-gram."""
NORM = 0.25
"""Of the weights of the characters of a text, and of those of its words and pairs."""
MAX_NGRAMS = 1 << 18
"""The n-grams that occur in most texts are kept, at most this many."""


def distinct_texts(texts: Tokens) -> Tokens:
    """Each text once: a repeated one must be equivalent to one with weight 2."""
    return list(map(list, dict.fromkeys(map(tuple, texts))))


def min_texts(n_distinct: int) -> int:
    """The number of distinct texts in which an n-gram, or a token, has to occur."""
    return 2 if n_distinct >= MANY else 1


class NGrams(Stored):
    """The n-grams of training texts, with the weight of each."""

    def fit(self, texts: Tokens) -> Self:
        distinct = distinct_texts(texts)
        counted = list(counts_of(distinct))
        hashes = np.concatenate([counts.hashes for counts in counted])
        n_texts = np.concatenate([counts.matrix.getnnz(0) for counts in counted])
        # Among equally frequent ones the smallest hashes, whatever the order of texts.
        ranked = np.lexsort((hashes, -n_texts))[:MAX_NGRAMS]
        kept = ranked[n_texts[ranked] >= min_texts(len(distinct))]
        kept = kept[hashes[kept].argsort()]
        self.hashes = hashes[kept]
        frequency = (1 + n_texts[kept]) / (1 + len(distinct))
        weights = (1 - np.log(frequency)) * frequency**POWER
        self.weights = weights.astype(np.float32)
        return self

    def __len__(self) -> int:
        """The number of ids; id 0 is of no n-gram."""
        return 1 + len(self.hashes)

    def encode(self, texts: Tokens) -> Bags:
        """The known n-grams of each text, of which there may be none."""
        words, characters = map(self._weighted, counts_of(texts))
        return _bags(words + characters)

    def encode_tokens(self, texts: Tokens) -> Bags:
        """A bag for each token of all texts; those of a text sum up to its bag.

        An n-gram that occurs n times has an n-th of its weight at each place. That of a
        pair of tokens is divided between both.
        """
        text = np.arange(len(texts)).repeat([len(tokens) for tokens in texts])
        of_texts, of_tokens = counts_of(texts), counts_of(texts, by_token=True)
        words, characters = (
            _divided(self._weighted(whole), self._known(whole), self._known(part), text)
            for whole, part in zip(of_texts, of_tokens, strict=True)
        )
        return _bags(words + characters)

    def _known(self, counts: Counts) -> sparse.csr_matrix:
        """(rows, ids), how often the known n-grams occur."""
        place = np.searchsorted(self.hashes, counts.hashes)
        is_known = np.append(self.hashes, 0)[place] == counts.hashes
        is_known &= place < len(self.hashes)
        known = counts.matrix[:, is_known]
        ids = 1 + place[is_known][known.indices]
        shape = known.shape[0], len(self)
        numbered = sparse.csr_matrix((known.data, ids, known.indptr), shape)
        numbered.sort_indices()  # so that sums do not depend on the other texts
        return numbered

    def _weighted(self, counts: Counts) -> sparse.csr_matrix:
        """(texts, ids), rows of norm `NORM` or without an n-gram."""
        weighted = self._known(counts)
        weighted.data = (1 + np.log(weighted.data)) * self.weights[weighted.indices - 1]
        norms = np.sqrt(weighted.multiply(weighted).sum(1)).A1
        weighted.data *= NORM / norms.repeat(np.diff(weighted.indptr))
        return weighted


def _bags(matrix: sparse.csr_matrix) -> Bags:
    """The rows of weights (rows, ids)."""
    return Bags(
        torch.from_numpy(matrix.indices),
        torch.from_numpy(matrix.data),
        torch.from_numpy(np.diff(matrix.indptr)).long(),
    )


def _divided(
    weighted: sparse.csr_matrix,
    counts: sparse.csr_matrix,
    of_tokens: sparse.csr_matrix,
    text: np.ndarray,
) -> sparse.csr_matrix:
    """(tokens, ids), the weights and counts (texts, ids) of the text (tokens,) of each."""

    def places(matrix: sparse.csr_matrix, rows: np.ndarray) -> np.ndarray:
        return rows.repeat(np.diff(matrix.indptr)) * matrix.shape[1] + matrix.indices

    rows = np.arange(weighted.shape[0])
    place = np.searchsorted(places(weighted, rows), places(of_tokens, text))
    divided = of_tokens.copy()
    divided.data = of_tokens.data * (weighted.data / counts.data)[place]
    return divided
