"""Base classes of encoders and of encoded samples; samples in memory."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.params import Params
from lamina.ragged import Bags, Ragged
from lamina.state import Stored

BATCHES_PER_POOL = 32
"""Batches whose samples are sorted by length together."""
BLOCK_SIZE = 1 << 16
"""Values that are scaled at a time, few enough to stay in the cache."""

Plain = TypeVar("Plain")
"""The form of X after `read`: it has a length, and is a list or indexed by row numbers."""


class Samples(ABC):
    """Abstract: encoded samples, in memory or still on disk, indexed by row numbers."""

    lengths: Any = None
    """(n,) tensor: steps of each sample; None where all have the same number."""
    decodes: bool = False
    """Whether `take` decodes files, so that a thread should do it in advance."""
    sample_index: Tensor | slice = slice(None)
    """The sample of each row: `weight[sample_index]` is the weight of each row."""
    sample_numbers: np.ndarray | None = None
    """(n,) numbers of the samples in X, for messages; None if these are all of X."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def take(self, rows: Tensor) -> Batch:
        """The samples of these row numbers, padded to the longest of them."""

    @abstractmethod
    def batches(self, size: int, generator: torch.Generator | None) -> list[Tensor]:
        """The row numbers of each batch of an epoch, in order if `generator` is None."""

    def n_cells(self) -> Tensor | int:
        """Steps or pixels that are computed together: (n,), or one number for each sample."""
        return 1 if self.lengths is None else self.lengths

    def in_training(self) -> "Samples":
        """The samples that training takes its batches from."""
        return self

    def in_validation(self) -> "Samples":
        """The samples whose predictions are scored during training."""
        return self

    def resident(self, device: torch.device, max_bytes: int) -> "Samples":
        """The same on a device, if they are in memory and take at most `max_bytes`."""
        del device, max_bytes
        return self


class Encoder(Stored, ABC, Generic[Plain]):
    """Abstract: any user data -> samples. Built from the estimator's parameters."""

    params: ClassVar[type[Params]]
    """The group of parameters that the constructor reads."""
    schema: Any = None
    """The `Schema` that the first `read` learnt; None before."""
    spec: Spec
    vectors: Any = None
    """The `WordVectors` that `fit` read for the embedding of tokens, until `pop_vectors`."""

    @abstractmethod
    def __init__(self, params: Any): ...

    @abstractmethod
    def read(self, X: object) -> Plain:
        """X in the plain form that `fit` and `encode` take.

        The first call learns the schema; later ones check X against it, and convert X
        where that is unambiguous. Raises `DataError` naming what is wrong.
        """

    @abstractmethod
    def fit(self, plain: Plain, weight: np.ndarray | None = None) -> Self:
        """Learn scales, categories or a vocabulary from the training samples."""

    @abstractmethod
    def encode(self, plain: Plain) -> Samples:
        """The samples for a network; raises `DataError` naming a bad one."""

    def pop_vectors(self) -> Any:
        """The word vectors that `fit` read, which the encoder no longer keeps."""
        return vars(self).pop("vectors", None)

    @property
    def is_fitted_again(self) -> bool:
        """Whether a search by held-out samples needs encoders fitted on the other samples.

        Words that only the held-out texts have must be unknown, as words of texts to
        predict are; a network would otherwise be less certain of the held-out ones.
        """
        return False

    @property
    def n_features(self) -> int | None:
        """The value of `n_features_in_`; None where the data has no such number."""
        return None

    @property
    def feature_names(self) -> np.ndarray | None:
        """The value of `feature_names_in_`; None where features have no names."""
        return None


def rows_of(plain: Any, rows: np.ndarray) -> Any:
    """The samples, or targets, of these row numbers, in the same container."""
    if isinstance(plain, list):
        return type(plain)(plain[i] for i in rows)
    return plain[rows]


class IndependentSamples(Samples):
    """Abstract: samples that can be batched in any order.

    Samples of unequal length are batched by similar length: sorted within pools of many
    batches, whose order is then drawn at random. Batches differ in size by at most one,
    and no sample is left out.
    """

    def batches(self, size: int, generator: torch.Generator | None) -> list[Tensor]:
        return batches_of(len(self), self.lengths, size, generator)


def batches_of(
    n: int, lengths: Tensor | None, size: int, generator: torch.Generator | None
) -> list[Tensor]:
    """The row numbers of batches of n independent samples of these lengths."""
    n_batches = -(-n // size)
    if generator is None:
        return list(torch.arange(n).tensor_split(n_batches))
    rows = torch.randperm(n, generator=generator)
    if lengths is None:
        return list(rows.tensor_split(n_batches))
    pools = rows.split(BATCHES_PER_POOL * size)
    rows = torch.cat([p[lengths[p].argsort(stable=True)] for p in pools])
    batches = rows.tensor_split(n_batches)
    order = torch.randperm(n_batches, generator=generator)
    return [batches[i] for i in order.tolist()]


class TensorSamples(IndependentSamples):
    """Samples of one shape: x (n, ...) and, for tables, codes (n, columns) and bags."""

    def __init__(
        self, x: Tensor, codes: Tensor | None = None, bags: tuple[Bags, ...] = ()
    ):
        self.x, self.codes, self.bags = x, codes, bags

    def __len__(self) -> int:
        return len(self.x)

    def n_cells(self) -> int:
        return self.x.shape[1] if self.x.ndim == 3 else 1

    def resident(self, device: torch.device, max_bytes: int) -> "TensorSamples":
        codes = self.codes
        parts = [self.x, *self.bags] if codes is None else [self.x, codes, *self.bags]
        if sum(part.nbytes for part in parts) > max_bytes:
            return self
        codes = None if codes is None else codes.to(device)
        bags = tuple(each.to(device) for each in self.bags)
        return TensorSamples(self.x.to(device), codes, bags)

    def take(self, rows: Tensor) -> Batch:
        bags = tuple(each[rows] for each in self.bags)
        rows = rows.to(self.x.device, non_blocking=True)
        codes = None if self.codes is None else self.codes.index_select(0, rows)
        return Batch(self.x.index_select(0, rows), codes, bags=bags)


class RaggedSamples(IndependentSamples):
    """Samples of unequal length, concatenated in `flat` (total steps, ...), with bags."""

    def __init__(self, flat: Tensor, lengths: Tensor, bags: tuple[Bags, ...] = ()):
        self.rows, self.lengths, self.bags = Ragged(flat, lengths), lengths, bags

    def __len__(self) -> int:
        return len(self.rows)

    def resident(self, device: torch.device, max_bytes: int) -> "RaggedSamples":
        flat = self.rows.flat
        if sum(part.nbytes for part in (flat, *self.bags)) > max_bytes:
            return self
        bags = tuple(each.to(device) for each in self.bags)
        return RaggedSamples(flat.to(device), self.lengths, bags)

    def take(self, rows: Tensor) -> Batch:
        samples = self.rows[rows]
        bags = tuple(each[rows] for each in self.bags)
        return Batch(samples.values, lengths=samples.lengths, bags=bags)


def blocks(values: np.ndarray) -> Iterator[slice]:
    """Slices of the rows of (n, C) that fit into the cache, to avoid a copy of the whole."""
    n_rows = max(1, BLOCK_SIZE // max(1, values.shape[1]))
    for start in range(0, len(values), n_rows):
        yield slice(start, start + n_rows)
