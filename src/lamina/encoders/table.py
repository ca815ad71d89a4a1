"""Tables -> x (B, C) of scaled numbers and one-hot categories, codes (B, K) of the others.

Missing among categories is a category of its own. A category that `fit` did not see has no
code: its one-hot columns are zero, and so is its embedding.
"""

from typing import Any, Self

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.base import InAnyOrder, Samples, TensorSamples
from lamina.encoders.columns import Columns, kinds_of, split
from lamina.encoders.numbers import Numbers, floating

ONE_HOT_UP_TO = 9
LARGE = 1 << 24
"""Numbers of which no second array is made; scaling fewer once makes epochs faster."""
AT_ONCE = 4096
"""Rows that are scaled at a time on their way to a GPU."""


class TableEncoder:
    """Arrays, sparse matrices and frames, one row a sample."""

    def __init__(self, params: Any = None):
        del params

    def fit(self, X: Any, weight: np.ndarray | None = None) -> Self:
        self.n_features = X.shape[1]
        self.kinds = kinds_of(X)
        columns = split(X, self.kinds)
        self.numbers = Numbers().fit(columns.numbers, weight)
        values = [sorted(set(c), key=_by_type) for c in columns.categories]
        self.codes = [{v: i + 1 for i, v in enumerate(seen)} for seen in values]
        self.one_hot = [len(codes) <= ONE_HOT_UP_TO for codes in self.codes]
        sizes = list(zip(self.codes, self.one_hot, strict=True))
        self.spec = Spec(
            n_channels=self.numbers.n_channels
            + sum(len(codes) for codes, one_hot in sizes if one_hot),
            n_categories=tuple(
                len(codes) + 1 for codes, one_hot in sizes if not one_hot
            ),
        )
        return self

    def encode(self, X: Any) -> Samples:
        columns = split(X, self.kinds)
        numbers = columns.numbers
        if sparse.issparse(numbers):
            return Rows(floating(numbers), self.numbers)
        if numbers.size > LARGE and not columns.categories:
            return Rows(numbers, self.numbers)
        x = np.empty((len(columns), self.spec.n_channels), np.float32)
        self.numbers.write(numbers, x)
        codes = self._code_categories(columns, x)
        return TensorSamples(torch.from_numpy(x), codes)

    def _code_categories(self, columns: Columns, x: np.ndarray) -> Tensor | None:
        start, coded = self.numbers.n_channels, []
        for values, codes, one_hot in zip(
            columns.categories, self.codes, self.one_hot, strict=True
        ):
            numbers = np.array([codes.get(value, 0) for value in values])
            if one_hot:
                stop = start + len(codes)
                x[:, start:stop] = numbers[:, None] == np.arange(1, len(codes) + 1)
                start = stop
            else:
                coded.append(numbers)
        return torch.from_numpy(np.stack(coded, 1)) if coded else None


class Rows(InAnyOrder):
    """Rows of a sparse matrix or a large array: scaled, and dense, only in a batch."""

    lengths, decodes = None, False

    def __init__(self, numbers: Any, scaling: Numbers):
        self.numbers, self.scaling = numbers, scaling
        # torch gathers and scales a batch on all cores, if it may look at the memory.
        self.tensor = None
        if scaling.is_single and _is_plain(numbers):
            self.tensor = torch.from_numpy(numbers)

    def __len__(self) -> int:
        return self.numbers.shape[0]

    def resident(self, device: torch.device, room: int) -> Samples:
        # In float32; twice, while the parts are put together.
        if 8 * len(self) * self.scaling.n_channels > room:
            return self
        parts = torch.arange(len(self)).split(AT_ONCE)
        x = torch.cat([self.take(rows).x.to(device) for rows in parts])
        return TensorSamples(x)

    def take(self, rows: Tensor) -> Batch:
        if self.tensor is not None:
            x = self.tensor.index_select(0, rows)
            self.scaling.apply_(x)
            return Batch(x)
        numbers = self.numbers[rows.numpy()]
        if sparse.issparse(numbers):
            numbers = numbers.toarray()
        x = np.empty((len(rows), self.scaling.n_channels), np.float32)
        self.scaling.write(numbers, x)
        return Batch(torch.from_numpy(x))


def _is_plain(numbers: Any) -> bool:
    """Whether this is an array in single precision, its rows end to end, not read-only."""
    if not isinstance(numbers, np.ndarray):
        return False
    return numbers.dtype == np.float32 and numbers.flags.carray


def _by_type(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value
