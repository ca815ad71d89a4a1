"""Tables -> x (B, C) of scaled numbers and one-hot categories, codes (B, K) of the others.

Numbers are standardised and then clipped smoothly to (-3, 3), x / sqrt(1 + (x / 3)^2), so
that an outlier cannot upset the network (RealMLP, Holzmueller et al. 2024). A missing
number becomes the mean; where numbers were missing in `fit` a column says which. Missing
among categories is a category of its own. A category that `fit` did not see has no code:
its one-hot columns are zero, and so is its embedding.
"""

from typing import Any, Self

import numpy as np
import torch
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.base import InAnyOrder, Samples, TensorSamples, blocks
from lamina.encoders.columns import Columns, kinds_of, split
from lamina.exceptions import DataError
from lamina.scaling import scale_of

ONE_HOT_UP_TO = 9
CLIP, FAR = 3.0, 3e3
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
        self._fit_numbers(columns.numbers, weight)
        values = [sorted(set(c), key=_by_type) for c in columns.categories]
        self.codes = [{v: i + 1 for i, v in enumerate(seen)} for seen in values]
        self.one_hot = [len(codes) <= ONE_HOT_UP_TO for codes in self.codes]
        sizes = list(zip(self.codes, self.one_hot, strict=True))
        self.spec = Spec(
            n_channels=len(self.mean)
            + len(self.missing)
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
            return Rows(_floating(numbers), self)
        if numbers.size > LARGE and not columns.categories:
            return Rows(numbers, self)
        x = np.empty((len(columns), self.spec.n_channels), np.float32)
        self.scale_numbers(numbers, x)
        codes = self._code_categories(columns, x)
        return TensorSamples(torch.from_numpy(x), codes)

    def scale_numbers(self, numbers: np.ndarray, x: np.ndarray) -> None:
        """Fill the first columns of x (n, C): the numbers, and which are missing."""
        n_numbers, n_missing = len(self.mean), len(self.missing)
        for part in blocks(numbers):
            # numpy, for a small network predicts a row in the time of ten torch calls.
            z = _clip(_standard(numbers[part], self.mean, self.scale))
            unknown = np.isnan(z) if n_missing or np.isnan(z.sum()) else None
            if unknown is not None:
                marks = slice(n_numbers, n_numbers + n_missing)
                x[part, marks] = unknown[:, self.missing]
                z[unknown] = 0.0
            x[part, :n_numbers] = z

    def _fit_numbers(self, numbers: Any, weight: np.ndarray | None) -> None:
        if sparse.issparse(numbers):
            mean, variance = mean_variance_axis(_floating(numbers), 0, weights=weight)
            has_missing = np.zeros(len(mean), bool)
        else:
            mean, variance, has_missing = _moments(numbers, weight)
        self.mean = mean
        self.scale = scale_of(variance, mean, numbers.shape[0])
        self.missing = np.flatnonzero(has_missing)

    def _code_categories(self, columns: Columns, x: np.ndarray) -> Tensor | None:
        start, coded = len(self.mean) + len(self.missing), []
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

    def __init__(self, numbers: Any, encoder: TableEncoder):
        self.numbers, self.encoder = numbers, encoder

    def __len__(self) -> int:
        return self.numbers.shape[0]

    def resident(self, device: torch.device, room: int) -> Samples:
        # In float32; twice, while the parts are put together.
        if 8 * len(self) * self.encoder.spec.n_channels > room:
            return self
        parts = torch.arange(len(self)).split(AT_ONCE)
        x = torch.cat([self.take(rows).x.to(device) for rows in parts])
        return TensorSamples(x)

    def take(self, rows: Tensor) -> Batch:
        numbers = self.numbers[rows.numpy()]
        if sparse.issparse(numbers):
            numbers = numbers.toarray()
        x = np.empty((len(rows), self.encoder.spec.n_channels), np.float32)
        self.encoder.scale_numbers(numbers, x)
        return Batch(torch.from_numpy(x))


def _standard(numbers: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Deviations from the mean (n, C) in float32, exact to its last digits."""
    # What is too large for a float then counts as far away, as it is.
    with np.errstate(over="ignore"):
        if numbers.dtype == np.float32 and _is_single(mean, scale):
            # Nothing is lost: the difference is as exact as the number itself, and what
            # the mean was rounded by is taken off apart.
            near = mean.astype(np.float32)
            z = numbers - near
            z -= (mean - near).astype(np.float32)
            z *= (1.0 / scale).astype(np.float32)
            return z
        z = numbers - mean
        z *= 1.0 / scale
        return z.astype(np.float32)


def _is_single(mean: np.ndarray, scale: np.ndarray) -> bool:
    """Whether float32 holds these, and 1 / scale, with room to spare."""
    return bool((np.abs(mean) < 1e30).all() and (scale > 1e-30).all())


def _clip(z: np.ndarray) -> np.ndarray:
    """In place; a number beyond `FAR` deviations counts as that far away."""
    np.clip(z, -FAR, FAR, out=z)
    lengths = z * z
    lengths *= np.float32(CLIP**-2)
    lengths += 1.0
    z /= np.sqrt(lengths, out=lengths)
    return z


def _moments(
    numbers: np.ndarray, weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and variance of the known values of each column, and whether any is missing."""
    weight = np.ones(len(numbers)) if weight is None else weight
    sums, totals, missing = _sums(numbers, weight)
    totals = np.where(totals > 0, totals, 1.0)
    mean = sums / totals
    squares, _, _ = _sums(numbers, weight, mean)
    return mean, squares / totals, missing


def _sums(
    numbers: np.ndarray, weight: np.ndarray, center: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted sums, sums of the weights, and whether a value is missing, by column.

    The sums are those of the known values, or of their squares about a center.
    """
    sums, totals, missing = (np.zeros(numbers.shape[1]) for _ in range(3))
    for part in blocks(numbers):
        block, w = numbers[part].astype(np.float64), weight[part]
        if center is not None:
            block -= center
            block *= block
        sum_of_block = w @ block
        if np.isnan(sum_of_block).any():
            unknown = np.isnan(block)
            block[unknown] = 0.0
            sum_of_block = w @ block
            totals += w @ (~unknown).astype(np.float64)
            missing += unknown.sum(0)
        else:
            totals += w.sum()
        sums += sum_of_block
    return sums, totals, missing > 0


def _floating(matrix: Any) -> Any:
    if matrix.dtype.kind != "f":
        return matrix.astype(np.float64)
    if not np.isfinite(matrix.data).all():
        raise DataError("A sparse X may not contain NaN or inf.")
    return matrix


def _by_type(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value
