"""Samples as the inputs of a graph: arrays by name, for some rows at a time."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

Feeds = dict[str, np.ndarray]
"""The inputs of a graph."""


class Samples(ABC):
    """Abstract: samples by their row numbers."""

    lengths: Any = None
    """(n,) steps of each sample; None where samples have no steps."""
    is_single: bool = False
    """Whether X was one sample, of which the prediction is returned by itself."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, rows: np.ndarray) -> Feeds:
        """The inputs of these samples, padded to the longest of them."""


class Arrays(Samples):
    """Samples of one shape: arrays with a row for each. They are computed in order."""

    def __init__(self, arrays: Feeds):
        self.arrays = arrays

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))

    def take(self, rows: np.ndarray) -> Feeds:
        # A view, where an index of rows would copy them.
        part = slice(rows[0], rows[-1] + 1)
        return {name: array[part] for name, array in self.arrays.items()}


class Sequences(Samples):
    """Samples (T_i, ...) of unequal length, and arrays with a row for each."""

    def __init__(
        self, name: str, rows: Sequence[np.ndarray], more: Feeds | None = None
    ):
        self.name, self.rows, self.more = name, rows, more or {}
        self.lengths = np.array([len(row) for row in rows])

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: np.ndarray) -> Feeds:
        samples = [self.rows[i] for i in rows.tolist()]
        lengths = self.lengths[rows]
        feeds = {self.name: padded(samples, int(lengths.max())), "lengths": lengths}
        return feeds | {name: array[rows] for name, array in self.more.items()}


class WithBags(Samples):
    """Samples, with the n-grams of the tokens of each text."""

    def __init__(self, samples: Samples, texts: Sequence[list[list[str]]]):
        # Imported here, because other forms of data are read without scipy.
        from lamina.encoders.counts import KINDS, counts_of

        self.samples, self.n = samples, len(texts[0])
        self.lengths = samples.lengths
        self.bags = {
            f"{kind}_{number}": counts
            for number, tokens in enumerate(texts)
            for kind, counts in zip(KINDS, counts_of(tokens), strict=True)
        }

    def __len__(self) -> int:
        return self.n

    def take(self, rows: np.ndarray) -> Feeds:
        feeds = self.samples.take(rows)
        for name, counts in self.bags.items():
            ends, hashes = counts.matrix.indptr, counts.hashes.view(np.int64)
            parts = [slice(ends[i], ends[i + 1]) for i in rows.tolist()]
            longest = max(part.stop - part.start for part in parts)
            items, values = counts.matrix.indices, counts.matrix.data
            feeds[f"{name}_hashes"] = padded([hashes[items[p]] for p in parts], longest)
            feeds[f"{name}_counts"] = padded([values[p] for p in parts], longest)
        return feeds


def padded(samples: Sequence[np.ndarray], n_steps: int) -> np.ndarray:
    """Arrays (T_i, ...) as one (B, T, ...), with zeros or empty texts at the end."""
    first = samples[0]
    fill = "" if first.dtype == object else 0
    values = np.full((len(samples), n_steps, *first.shape[1:]), fill, first.dtype)
    for row, sample in zip(values, samples, strict=True):
        row[: len(sample)] = sample
    return values


class Reader(ABC):
    """Abstract: X -> samples, by what the metadata of a file say of X."""

    @abstractmethod
    def __init__(self, owner: str, metadata: dict[str, Any]): ...

    @abstractmethod
    def read(self, X: object) -> Samples:
        """The samples of X; `DataError` naming one that cannot be used."""
