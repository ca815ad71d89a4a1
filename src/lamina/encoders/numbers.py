"""Numbers (n, C), missing ones among them -> float32, standardised and clipped smoothly.

The clip to (-3, 3) is x / sqrt(1 + (x / 3)^2), so that an outlier cannot upset the network
(RealMLP, Holzmueller et al. 2024). A missing number becomes the mean; where numbers were
missing in `fit` a column says which.
"""

from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis

from lamina.encoders.base import blocks
from lamina.exceptions import DataError
from lamina.scaling import Standard, scale_of

CLIP, FAR = 3.0, 3e3


class Numbers:
    """The means and scales of numeric columns."""

    def fit(self, numbers: Any, weight: np.ndarray | None) -> Self:
        """Learn them from an array or a sparse matrix (n, C), each row with its weight."""
        if sparse.issparse(numbers):
            mean, variance = mean_variance_axis(floating(numbers), 0, weights=weight)
            has_missing = np.zeros(len(mean), bool)
        else:
            mean, variance, has_missing = _moments(numbers, weight)
        self.mean, self.scale = mean, scale_of(variance, mean, numbers.shape[0])
        self.missing = np.flatnonzero(has_missing)
        self.standard = Standard(self.mean, self.scale)
        return self

    @property
    def n_channels(self) -> int:
        """Columns that `write` fills."""
        return len(self.mean) + len(self.missing)

    def write(self, numbers: np.ndarray, x: np.ndarray) -> None:
        """Fill the first columns of x (n, channels): the numbers, and which are missing."""
        n_numbers, n_missing = len(self.mean), len(self.missing)
        for part in blocks(numbers):
            # numpy, for a small network predicts a row in the time of ten torch calls.
            z = x[part, :n_numbers]
            self.standard.write(numbers[part], z)
            _clip(z)
            if n_missing or np.isnan(z.sum()):
                unknown = np.isnan(z)
                x[part, n_numbers : self.n_channels] = unknown[:, self.missing]
                z[unknown] = 0.0


def floating(matrix: Any) -> Any:
    """A sparse matrix in floating point; NaN or inf in it is refused."""
    if matrix.dtype.kind != "f":
        return matrix.astype(np.float64)
    if not np.isfinite(matrix.data).all():
        raise DataError("A sparse X may not contain NaN or inf.")
    return matrix


def _clip(z: np.ndarray) -> None:
    """In place; a number beyond `FAR` deviations counts as that far away."""
    np.clip(z, -FAR, FAR, out=z)
    lengths = z * z
    lengths *= np.float32(CLIP**-2)
    lengths += 1.0
    z /= np.sqrt(lengths, out=lengths)


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
