"""Tokens of texts -> bags of n-grams (Joulin et al. 2017).

The n-grams of a text are its tokens, its pairs of adjacent tokens, and the parts of 3 to 5
characters of each token, whose ends count as a character. Each is known by a hash of 64 bits,
the same in every process, so that no text of it is stored. Of many training texts, those that
occur in one only are left out, as are those that `fit` did not see.

The weight of an n-gram is (1 + log count) * log inverse frequency among texts, divided by the
norm of these weights, of the characters and of the others separately. On the held-out parts
of four sets of texts other sizes and a common norm were worse or equal.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple, Self

import numpy as np
import torch
from scipy import sparse

from lamina.ragged import Bags
from lamina.state import Stored

SIZES = (3, 4, 5)
"""Characters of the parts of tokens."""
END_OF_TOKEN = "\0"
MANY = 1_000
"""Distinct texts from which on n-grams, and tokens, in only one of them are left out. Fewer
may have nothing in common and be repeated, as categories are."""
MAX_NGRAMS = 1 << 18
"""The n-grams that occur in most texts are kept, at most this many."""
FACTORS = np.array([0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD], np.uint64)
"""Odd numbers, so that products by them do not lose bits."""

Tokens = list[list[str]]


def distinct_texts(texts: Tokens) -> Tokens:
    """Each text once: a repeated one must be equivalent to one with weight 2."""
    return list(map(list, dict.fromkeys(map(tuple, texts))))


def min_texts(n_distinct: int) -> int:
    """The number of distinct texts in which an n-gram, or a token, has to occur."""
    return 2 if n_distinct >= MANY else 1


class Counts(NamedTuple):
    """How often n-grams occur in texts."""

    matrix: sparse.csr_matrix
    """(texts, n-grams)."""
    hashes: np.ndarray
    """(n-grams,) uint64, distinct."""


class NGrams(Stored):
    """The n-grams of training texts, with the weight of each."""

    def fit(self, texts: Tokens) -> Self:
        distinct = distinct_texts(texts)
        counted = list(_counts(distinct))
        hashes = np.concatenate([counts.hashes for counts in counted])
        n_texts = np.concatenate([counts.matrix.getnnz(0) for counts in counted])
        # Among equally frequent ones the smallest hashes, whatever the order of texts.
        ranked = np.lexsort((hashes, -n_texts))[:MAX_NGRAMS]
        kept = ranked[n_texts[ranked] >= min_texts(len(distinct))]
        kept = kept[hashes[kept].argsort()]
        self.hashes = hashes[kept]
        frequency = (1 + n_texts[kept]) / (1 + len(distinct))
        self.inverse_frequency = (1 - np.log(frequency)).astype(np.float32)
        return self

    def __len__(self) -> int:
        """The number of ids; id 0 is of no n-gram."""
        return 1 + len(self.hashes)

    def encode(self, texts: Tokens) -> Bags:
        """The known n-grams of each text, of which there may be none."""
        words, characters = map(self._weighted, _counts(texts))
        bags = words + characters
        return Bags(
            torch.from_numpy(bags.indices),
            torch.from_numpy(bags.data),
            torch.from_numpy(np.diff(bags.indptr)).long(),
        )

    def _weighted(self, counts: Counts) -> sparse.csr_matrix:
        """(texts, ids), rows of norm 1 or without an n-gram."""
        place = np.searchsorted(self.hashes, counts.hashes)
        is_known = np.append(self.hashes, 0)[place] == counts.hashes
        is_known &= place < len(self.hashes)
        known, place = counts.matrix[:, is_known], place[is_known]
        weights = (1 + np.log(known.data)) * self.inverse_frequency[
            place[known.indices]
        ]
        shape = known.shape[0], len(self)
        ids = 1 + place[known.indices]
        weighted = sparse.csr_matrix((weights, ids, known.indptr), shape)
        weighted.sort_indices()  # so that sums do not depend on the other texts
        norms = np.sqrt(weighted.multiply(weighted).sum(1)).A1
        weighted.data /= norms.repeat(np.diff(weighted.indptr))
        return weighted


def _counts(texts: Tokens) -> Iterator[Counts]:
    """Of tokens and their pairs, and of the characters in tokens."""
    numbers: dict[str, int] = {}
    flat = [numbers.setdefault(t, len(numbers)) for tokens in texts for t in tokens]
    lengths = np.array([len(tokens) for tokens in texts])
    tokens, flat = list(numbers), np.array(flat, int)
    hashes = _hashes(f"token {token}" for token in tokens)
    singles = _counted(flat, lengths, len(tokens))
    begins = np.ones(len(flat), bool)
    begins[lengths.cumsum()[lengths > 0] - 1] = False  # the last token begins no pair
    begins = np.flatnonzero(begins)
    pairs = hashes[flat[begins]] * FACTORS[0] ^ hashes[flat[begins + 1]]
    distinct, pairs = np.unique(pairs * FACTORS[1], return_inverse=True)
    pairs = _counted(pairs, np.maximum(lengths - 1, 0), len(distinct))
    both = sparse.hstack([singles, pairs], format="csr")
    yield Counts(both, np.concatenate([hashes, distinct]))
    parts, hashes = _parts(tokens)
    yield Counts(singles @ parts, hashes)


def _parts(tokens: list[str]) -> Counts:
    """How often groups of characters occur in tokens."""
    numbers: dict[str, int] = {}
    flat, lengths = [], []
    for token in tokens:
        text, start_of_token = f"{END_OF_TOKEN}{token}{END_OF_TOKEN}", len(flat)
        for size in SIZES:
            for start in range(len(text) - size + 1):
                part = text[start : start + size]
                flat.append(numbers.setdefault(part, len(numbers)))
        lengths.append(len(flat) - start_of_token)
    counted = _counted(np.array(flat, int), np.array(lengths), len(numbers))
    return Counts(counted, _hashes(f"part {part}" for part in numbers))


def _counted(flat: np.ndarray, lengths: np.ndarray, n: int) -> sparse.csr_matrix:
    """(rows, n), how often each of n numbers occurs in rows that are concatenated."""
    ones, ends = np.ones(len(flat), np.float32), np.append(0, lengths.cumsum())
    counts = sparse.csr_matrix((ones, flat, ends), (len(lengths), n))
    counts.sum_duplicates()
    return counts


def _hashes(texts: Iterator[str]) -> np.ndarray:
    """(n,) uint64, by BLAKE2."""
    digests = (
        blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8) for t in texts
    )
    return np.frombuffer(b"".join(d.digest() for d in digests), "<u8")
