"""Tokens of texts -> how often each n-gram occurs in them, without torch.

The n-grams of a text are its tokens, its pairs of adjacent tokens, and the parts of 3 to 5
characters of each token, whose ends count as a character. Each is known by a hash of 64 bits,
the same in every process, so that no text of it is stored.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
from scipy import sparse

SIZES = (3, 4, 5)
"""Characters of the parts of tokens."""
END_OF_TOKEN = "\0"
FACTORS = np.array([0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD], np.uint64)
"""Odd numbers, so that products by them do not lose bits."""

KINDS = "words", "characters"
"""What is counted, in the order of `counts_of`."""

Tokens = list[list[str]]


class Counts(NamedTuple):
    """How often n-grams occur in texts."""

    matrix: sparse.csr_matrix
    """(texts, n-grams), or (tokens, n-grams)."""
    hashes: np.ndarray
    """(n-grams,) uint64, distinct."""


def counts_of(texts: Tokens, *, by_token: bool = False) -> Iterator[Counts]:
    """Of tokens and their pairs, and of the characters in tokens.

    In each text; or at each token of all texts, where a pair counts a half at both.
    """
    numbers: dict[str, int] = {}
    flat = [numbers.setdefault(t, len(numbers)) for tokens in texts for t in tokens]
    lengths = np.array([len(tokens) for tokens in texts])
    tokens, flat = list(numbers), np.array(flat, int)
    hashes = _hashes(f"token {token}" for token in tokens)
    rows = np.ones(len(flat), int) if by_token else lengths
    singles = _counted(flat, rows, len(tokens))
    begins = np.ones(len(flat), bool)
    begins[lengths.cumsum()[lengths > 0] - 1] = False  # the last token begins no pair
    begins = np.flatnonzero(begins)
    pairs = hashes[flat[begins]] * FACTORS[0] ^ hashes[flat[begins + 1]]
    distinct, pairs = np.unique(pairs * FACTORS[1], return_inverse=True)
    if by_token:
        pairs = _halves(pairs, begins, (len(flat), len(distinct)))
    else:
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


def _halves(
    pairs: np.ndarray, begins: np.ndarray, shape: tuple[int, int]
) -> sparse.csr_matrix:
    """(tokens, pairs), a half where a pair begins, and a half at the next token."""
    halves = np.full(2 * len(pairs), 0.5, np.float32)
    rows = np.concatenate([begins, begins + 1])
    return sparse.csr_matrix((halves, (rows, np.tile(pairs, 2))), shape)


def _hashes(texts: Iterator[str]) -> np.ndarray:
    """(n,) uint64, by BLAKE2."""
    digests = (
        blake2b(t.encode("utf-8", "surrogatepass"), digest_size=8) for t in texts
    )
    return np.frombuffer(b"".join(d.digest() for d in digests), "<u8")
