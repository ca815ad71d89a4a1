"""Numbers (n, C), missing ones among them -> float32, standardised, no longer than `REACH`.

Mean and standard deviation serve as location and scale, and the median and the
interquartile range where outliers dominate those (`lamina.scaling`). A column that reached
beyond `REACH` scales in `fit` has a long tail, and becomes asinh(z): z near the centre,
and its logarithm far out, so that an outlier neither upsets the network nor looks like
every other outlier. A missing number becomes the centre; where numbers were missing in
`fit` a column says which.

A number beyond the range of `fit` is extrapolated in the same way, and cut off at `REACH`:
at 6 scales from the centre, and at 200 (sinh 6) where the column has a long tail. Farther
numbers are not told apart.

With `keeps_tails` only a column that outliers dominated is compressed. Another one with a
long tail stays linear, and is cut off at the farthest number of `fit`.
"""

from typing import Any, Self

import numpy as np
from scipy import sparse
from torch import Tensor

from lamina.encoders.base import blocks
from lamina.encoders.moments import REACH, robust_moments
from lamina.exceptions import DataError, warn_of_data
from lamina.scaling import Standard


class Numbers:
    """The locations, the scales and the tails of numeric columns."""

    def __init__(self, *, keeps_tails: bool = False):
        self.keeps_tails = keeps_tails

    def fit(self, numbers: Any, weight: np.ndarray | None) -> Self:
        """Learn them from an array or a sparse matrix (n, C), each row with its weight."""
        if sparse.issparse(numbers):
            numbers = floating(numbers.tocsr())
        moments = robust_moments(numbers, weight)
        self.mean, self.scale = moments.mean, moments.scale
        has_long_tail = moments.has_long_tail
        self.reach: float | np.ndarray = REACH
        if self.keeps_tails:
            self.reach = np.where(
                has_long_tail & ~moments.is_dominated,
                moments.farthest / moments.scale,
                REACH,
            )
            has_long_tail &= moments.is_dominated
        self.long_tailed = np.flatnonzero(has_long_tail)
        self.missing = np.flatnonzero(moments.n_missing)
        self.standard = Standard(self.mean, self.scale)
        for column in np.flatnonzero(moments.n_missing == numbers.shape[0]):
            warn_of_data(
                f"No value of column {column} of the numbers is known, so that it has "
                f"no effect; leave it out, or check how it was read."
            )
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
            np.clip(z, -self.reach, self.reach, out=z)
        if not len(self.missing) and not np.isnan(most):
            return None
        unknown = np.isnan(z)
        z[unknown] = 0.0
        return unknown


def floating(matrix: Any) -> Any:
    """A sparse matrix (n, C) in floating point without duplicate entries.

    NaN in it is a missing value; inf is refused.
    """
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    if matrix.dtype.kind != "f":
        return matrix.astype(np.float64)
    infinite = np.isinf(matrix.data)
    if infinite.any():
        at = int(infinite.argmax())
        row = int(np.searchsorted(matrix.indptr, at, side="right")) - 1
        raise DataError(
            f"Column {matrix.indices[at]} of the sparse X contains inf in row {row}; "
            f"replace it, by NaN if the value is not known."
        )
    return matrix
