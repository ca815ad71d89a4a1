"""What an encoder is, and samples that lie in memory."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable, Iterator
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.exceptions import DataError
from lamina.params import Params
from lamina.ragged import Ragged

POOL = 32
"""Batches whose samples are sorted by length together."""
BLOCK = 1 << 16
"""Numbers that are scaled at a time, few enough to stay in the cache."""


class Samples(Protocol):
    """Encoded samples, in memory or still on disk; any of them can be taken at once."""

    @property
    def lengths(self) -> Tensor | None:
        """(n,) steps of each sample, or None where all have the same number."""
        ...

    @property
    def sample_index(self) -> Any:
        """What `weight[sample_index]` takes the weight of each row from."""
        ...

    @property
    def decodes(self) -> bool:
        """Whether `take` works long enough to be done ahead, by another thread."""
        ...

    def __len__(self) -> int: ...

    def take(self, rows: Tensor) -> Batch:
        """The samples of these row numbers, padded to the longest of them."""
        ...

    def batches(self, size: int, generator: torch.Generator | None) -> list[Tensor]:
        """The row numbers of each batch of an epoch; None leaves them in order."""
        ...

    def in_training(self) -> Any:
        """What training takes its batches from, if not these."""
        ...

    def in_validation(self) -> Any:
        """What is predicted to be scored during training, if not these."""
        ...

    def resident(self, device: torch.device, room: int) -> Any:
        """The same on a device, if they take at most so many bytes there."""
        ...


class Encoder(ABC):
    """Abstract: any user data -> samples. Built from the estimator's parameters."""

    params: ClassVar[type[Params]]
    """The group of parameters that it reads."""
    schema: Any = None
    """What the first `read` learnt, a `Schema`; None before."""
    spec: Spec

    @abstractmethod
    def read(self, X: Any) -> Any:
        """X in the plain form that `fit` and `encode` take.

        The first X that is read says what the form is; later ones are checked against it,
        and converted where there is no doubt. Raises `DataError` naming what is wrong.
        A plain form has a length, and is a list or takes row numbers in brackets.
        """

    @abstractmethod
    def fit(self, plain: Any, weight: np.ndarray | None = None) -> Self:
        """Learn scales, categories or a vocabulary from the training samples."""

    @abstractmethod
    def encode(self, plain: Any) -> Samples:
        """The samples for a network; raises `DataError` naming a bad one."""

    @property
    def n_features(self) -> int | None:
        """What `n_features_in_` should say, or None where the data has no such number."""
        return None

    @property
    def feature_names(self) -> np.ndarray | None:
        """What `feature_names_in_` should say, or None where features have no names."""
        return None


def rows_of(plain: Any, rows: np.ndarray) -> Any:
    """The samples, or targets, of these row numbers."""
    if isinstance(plain, list):
        return type(plain)(plain[i] for i in rows)
    return plain[rows]


class InAnyOrder:
    """Abstract: samples that know nothing of one another.

    Those of unequal length are batched with their like: sorted within pools of many
    batches, whose order is then drawn, so that little padding occurs and the order stays
    random. Batches differ in size by one at most; no sample is left over.
    """

    lengths: Any
    sample_index: Any = slice(None)
    numbers: np.ndarray | None = None
    """(n,) What messages call the samples; None if these are all that were passed."""

    def __len__(self) -> int:
        raise NotImplementedError

    def in_training(self) -> Any:
        return self

    def in_validation(self) -> Any:
        return self

    def resident(self, device: torch.device, room: int) -> Any:
        """These, where batches are decoded or cut on the host."""
        del device, room
        return self

    def batches(self, size: int, generator: torch.Generator | None) -> list[Tensor]:
        n_batches = -(-len(self) // size)
        if generator is None:
            return list(torch.arange(len(self)).tensor_split(n_batches))
        rows = torch.randperm(len(self), generator=generator)
        if self.lengths is None:
            return list(rows.tensor_split(n_batches))
        pools = rows.split(POOL * size)
        rows = torch.cat([p[self.lengths[p].argsort(stable=True)] for p in pools])
        batches = rows.tensor_split(n_batches)
        order = torch.randperm(n_batches, generator=generator)
        return [batches[i] for i in order.tolist()]


class TensorSamples(InAnyOrder):
    """Samples of one shape: x (n, ...) and, for tables, codes (n, columns)."""

    lengths, decodes = None, False

    def __init__(self, x: Tensor, codes: Tensor | None = None):
        self.x, self.codes = x, codes

    def __len__(self) -> int:
        return len(self.x)

    def resident(self, device: torch.device, room: int) -> "TensorSamples":
        n_bytes = self.x.nbytes + (0 if self.codes is None else self.codes.nbytes)
        if n_bytes > room:
            return self
        codes = None if self.codes is None else self.codes.to(device)
        return TensorSamples(self.x.to(device), codes)

    def take(self, rows: Tensor) -> Batch:
        rows = rows.to(self.x.device, non_blocking=True)
        codes = None if self.codes is None else self.codes.index_select(0, rows)
        return Batch(self.x.index_select(0, rows), codes)


class RaggedSamples(InAnyOrder):
    """Samples of unequal length, end to end in `flat` (total steps, ...)."""

    decodes = False

    def __init__(self, flat: Tensor, lengths: Tensor):
        self.rows, self.lengths = Ragged(flat, lengths), lengths

    def __len__(self) -> int:
        return len(self.rows)

    def resident(self, device: torch.device, room: int) -> "RaggedSamples":
        flat = self.rows.flat
        return (
            self if flat.nbytes > room else RaggedSamples(flat.to(device), self.lengths)
        )

    def take(self, rows: Tensor) -> Batch:
        samples = self.rows[rows]
        return Batch(samples.values, lengths=samples.lengths)


def blocks(numbers: np.ndarray) -> Iterator[slice]:
    """Rows at a time of (n, C) that stay in the cache: nothing is copied as a whole."""
    n_rows = max(1, BLOCK // max(1, numbers.shape[1]))
    for start in range(0, len(numbers), n_rows):
        yield slice(start, start + n_rows)


def refuse_infinite(numbers: np.ndarray, names: Iterable[Hashable]) -> None:
    """Raise `DataError` with the column and the row of an infinite number (n, C)."""
    # A sum is much cheaper than a look at each number, and finite only if all are.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(numbers.sum()) or not np.isinf(numbers).any():
            return
    row, i = (int(a[0]) for a in np.nonzero(np.isinf(numbers)))
    name = list(names)[i]
    raise DataError(
        f"Column {name!r} contains infinity in row {row} ({numbers[row, i]}); replace it, "
        f"by NaN if the value is not known."
    )
