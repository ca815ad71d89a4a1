"""Numbers (n, C), missing ones among them -> float32, standardised, no longer than `REACH`.

A column that reached beyond `REACH` deviations in `fit` has a long tail, and becomes
asinh(z): z near the mean, and its logarithm far out, so that an outlier neither upsets the
network nor looks like every other outlier. A missing number becomes the mean; where numbers
were missing in `fit` a column says which.
"""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis
from torch import Tensor

from lamina.encoders.base import blocks
from lamina.exceptions import DataError
from lamina.scaling import Standard, scale_of

REACH = 6.0
"""Deviations; of 5e8 normal numbers one is farther from the mean."""


class Numbers:
    """The means, the scales and the tails of numeric columns."""

    def fit(self, numbers: Any, weight: np.ndarray | None) -> Self:
        """Learn them from an array or a sparse matrix (n, C), each row with its weight."""
        moments = _sparse_moments if sparse.issparse(numbers) else _moments
        self.mean, variance, farthest, has_missing = moments(numbers, weight)
        self.scale = scale_of(variance, self.mean, numbers.shape[0])
        self.long_tailed = np.flatnonzero(farthest > REACH * self.scale)
        self.missing = np.flatnonzero(has_missing)
        self.standard = Standard(self.mean, self.scale)
        return self

    @property
    def n_channels(self) -> int:
        """Columns that `write` fills."""
        return len(self.mean) + len(self.missing)

    def write(self, numbers: np.ndarray, x: np.ndarray) -> None:
        """Fill the first columns of x (n, channels): the numbers, and which are missing."""
        n_numbers = len(self.mean)
        for part in blocks(numbers):
            # numpy, for a small network predicts a row in the time of ten torch calls.
            z = x[part, :n_numbers]
            self.standard.write(numbers[part], z)
            unknown = self._bound(z, z.min(initial=0.0), z.max(initial=0.0))
            if unknown is not None:
                x[part, n_numbers : self.n_channels] = unknown[:, self.missing]

    def apply_(self, numbers: Tensor) -> None:
        """The same in place, where no column is added (`is_single`)."""
        self.standard.apply_(numbers)
        least, most = numbers.aminmax()
        self._bound(numbers.numpy(), least.item(), most.item())

    @property
    def is_single(self) -> bool:
        """Whether `apply_` can take the place of `write` for numbers in float32."""
        return self.standard.is_single and not len(self.missing)

    def _bound(self, z: np.ndarray, least: float, most: float) -> np.ndarray | None:
        """Shorten tails and fill in what is unknown; where that was, if it is to be known."""
        if len(self.long_tailed):
            z[:, self.long_tailed] = np.arcsinh(z[:, self.long_tailed])
        if not -REACH <= least <= most <= REACH:  # or they are NaN
            np.clip(z, -REACH, REACH, out=z)
        if not len(self.missing) and not np.isnan(most):
            return None
        unknown = np.isnan(z)
        z[unknown] = 0.0
        return unknown


def floating(matrix: Any) -> Any:
    """A sparse matrix in floating point; NaN or inf in it is refused."""
    if matrix.dtype.kind != "f":
        return matrix.astype(np.float64)
    if not np.isfinite(matrix.data).all():
        raise DataError("A sparse X may not contain NaN or inf.")
    return matrix


Moments = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Mean, variance, greatest distance from the mean and whether any is missing, by column."""


def _sparse_moments(numbers: Any, weight: np.ndarray | None) -> Moments:
    numbers = floating(numbers)
    mean, variance = mean_variance_axis(numbers, 0, weights=weight)
    least, most = min_max_axis(numbers, 0)
    return mean, variance, np.maximum(most - mean, mean - least), np.zeros_like(mean)


def _moments(numbers: np.ndarray, weight: np.ndarray | None) -> Moments:
    """Of the known values, in two passes."""
    weight = np.ones(len(numbers)) if weight is None else weight
    mean, totals, missing = _means(numbers, weight)
    squares, farthest = (np.zeros(numbers.shape[1]) for _ in range(2))
    for part in blocks(numbers):
        block, w = numbers[part].astype(np.float64), weight[part]
        block -= mean
        if missing.any():
            block[np.isnan(block)] = 0.0
        block *= block
        squares += w @ block
        np.maximum(farthest, block.max(0), out=farthest)
    return mean, squares / totals, np.sqrt(farthest), missing


def _means(
    numbers: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and total weight of the known values (1 if none is), and how many are missing."""
    sums, totals, missing = (np.zeros(numbers.shape[1]) for _ in range(3))
    for part in blocks(numbers):
        block, w = numbers[part].astype(np.float64), weight[part]
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
    totals = np.where(totals > 0, totals, 1.0)
    return sums / totals, totals, missing
