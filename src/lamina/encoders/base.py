"""What an encoder is, and samples that lie in memory."""

from collections.abc import Iterator
from typing import Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lamina.batch import Batch, Spec
from lamina.scaling import scale_of

BLOCK = 1 << 16
"""Numbers that are scaled at a time, few enough to stay in the cache."""


class Samples(Protocol):
    """Encoded samples, in memory or still on disk; any of them can be taken at once."""

    @property
    def lengths(self) -> Tensor | None:
        """(n,) steps of each sample, or None where all have the same number."""
        ...

    @property
    def decodes(self) -> bool:
        """Whether `take` works long enough to be done ahead, by another thread."""
        ...

    def __len__(self) -> int: ...

    def take(self, rows: Tensor) -> Batch:
        """The samples of these row numbers, padded to the longest of them."""
        ...


class Encoder(Protocol):
    """Any user data -> samples. Built from the estimator, whose parameters it reads."""

    spec: Spec
    n_features: int | None
    """What `n_features_in_` should say, or None where the data has no such number."""

    def fit(self, X: Any, weight: np.ndarray | None = None) -> Self:
        """Learn scales, categories or a vocabulary from the training samples."""
        ...

    def encode(self, X: Any) -> Samples:
        """The samples for a network; raises `DataError` naming a bad one."""
        ...


class TensorSamples:
    """Samples of one shape: x (n, ...) and, for tables, codes (n, columns)."""

    lengths, decodes = None, False

    def __init__(self, x: Tensor, codes: Tensor | None = None):
        self.x, self.codes = x, codes

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Tensor) -> Batch:
        codes = None if self.codes is None else self.codes.index_select(0, rows)
        return Batch(self.x.index_select(0, rows), codes)


class RaggedSamples:
    """Samples of unequal length, end to end in `flat` (total steps, ...)."""

    decodes = False

    def __init__(self, flat: Tensor, lengths: Tensor):
        self.flat, self.lengths = flat, lengths
        self.starts = lengths.cumsum(0) - lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: Tensor) -> Batch:
        lengths = self.lengths[rows]
        ends = zip(self.starts[rows].tolist(), lengths.tolist(), strict=True)
        return pad_batch([self.flat[start : start + n] for start, n in ends], lengths)


def pad_batch(samples: list[Tensor], lengths: Tensor) -> Batch:
    """Samples (T_i, ...) -> a batch (B, T, ...) filled with zeros at the end.

    T is rounded up, so that few shapes occur: a kernel is prepared once for each.
    """
    x = pad_sequence(samples, batch_first=True)
    missing = padded_steps(x.shape[1]) - x.shape[1]
    if missing:
        x = torch.cat([x, x.new_zeros(len(x), missing, *x.shape[2:])], 1)
    return Batch(x, lengths=lengths)


def padded_steps(n_steps: int) -> int:
    """The next number of steps that batches of unequal samples are padded to."""
    unit = 4 if n_steps <= 32 else 16
    return -(-n_steps // unit) * unit


def blocks(numbers: np.ndarray) -> Iterator[slice]:
    """Rows at a time of (n, C) that stay in the cache: nothing is copied as a whole."""
    n_rows = max(1, BLOCK // max(1, numbers.shape[1]))
    for start in range(0, len(numbers), n_rows):
        yield slice(start, start + n_rows)


def weighted_moments(
    x: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (1 where it is 0) of each column of x (n, C)."""
    w = np.ones(len(x)) if weight is None else weight
    total, parts = w.sum(), list(blocks(x))
    mean = sum((w[p] @ x[p] for p in parts), np.zeros(x.shape[1])) / total
    squares = (w[p] @ (x[p] - mean) ** 2 for p in parts)
    variance = sum(squares, np.zeros(x.shape[1])) / total
    return mean, scale_of(variance, mean, len(x))
