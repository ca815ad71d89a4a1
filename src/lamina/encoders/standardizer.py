"""Values (n, C) with missing ones -> float32, standardised and clipped to `REACH`.

Location and scale are mean and standard deviation, or the median and the interquartile
range where outliers dominate those (`lamina.scaling`). A column with values beyond `REACH`
scales in `fit` has a long tail and becomes asinh(z), which is linear near 0 and
logarithmic far from it: an outlier has no extreme value, and outliers still differ. A
missing value becomes 0; for each column with missing values in `fit`, an indicator column
is appended.

In prediction, values are clipped at `REACH`: at 6 scales from the location, or at 200
(sinh 6) in a column with a long tail. A value that float32 does not hold once it is scaled
is refused: it is no measurement.

With `keeps_tails` only columns that outliers dominated are compressed. Other columns with
a long tail stay linear and are clipped at the largest deviation of `fit`.
"""

from collections.abc import Callable
from typing import Self

import numpy as np
from scipy import sparse
from torch import Tensor

from lamina.encoders.base import blocks
from lamina.encoders.moments import REACH, robust_moments
from lamina.exceptions import DataError, warn_of_data
from lamina.scaling import ZScore
from lamina.state import Stored

Place = Callable[[int, int], str]
"""(row, column) of a value -> the value and its place in X, for messages."""


class Standardizer(Stored):
    """Standardises numeric columns."""

    def __init__(self, *, keeps_tails: bool = False):
        self.keeps_tails = keeps_tails

    def fit(
        self, values: np.ndarray | sparse.spmatrix, weight: np.ndarray | None
    ) -> Self:
        """Learn location, scale and tail of each column of (n, C), rows weighted (n,)."""
        if not isinstance(values, np.ndarray):
            values = as_floats(values.tocsr())
        moments = robust_moments(values, weight)
        self.mean, self.scale = moments.mean, moments.scale
        has_long_tail = moments.has_long_tail
        self.reach: float | np.ndarray = REACH
        if self.keeps_tails:
            with np.errstate(over="ignore"):
                farthest = moments.farthest / moments.scale
            is_kept = has_long_tail & ~moments.is_dominated
            self.reach = np.where(is_kept, farthest, REACH)
            has_long_tail &= moments.is_dominated
        self.long_tailed = np.flatnonzero(has_long_tail)
        self.missing = np.flatnonzero(moments.n_missing)
        self.z_score = ZScore(self.mean, self.scale)
        for column in np.flatnonzero(moments.n_missing == values.shape[0]):
            warn_of_data(
                f"All values of numeric column {column} are missing, so that it has no "
                f"effect; leave it out, or check how it was read."
            )
        return self

    @property
    def n_channels(self) -> int:
        """Columns that `write` fills: the standardised ones and the indicators."""
        return len(self.mean) + len(self.missing)

    def write(self, values: np.ndarray, x: np.ndarray, place: Place) -> None:
        """Fill the first `n_channels` columns of x (n, channels) from values (n, C)."""
        n_columns = len(self.mean)
        for part in blocks(values):
            # In numpy: a small network predicts a row in the time of ten torch calls.
            z = x[part, :n_columns]
            self.z_score.write(values[part], z)
            low, high = z.min(initial=0.0), z.max(initial=0.0)
            if not -np.inf < low <= high < np.inf:  # or one is NaN
                _refuse_infinite(z, part.start, place)
            is_missing = self._bound(z, low, high)
            if is_missing is not None:
                x[part, n_columns : self.n_channels] = is_missing[:, self.missing]

    def apply_(self, values: Tensor, place: Place) -> None:
        """Standardise values (n, C) in place; requires `is_single`."""
        self.z_score.apply_(values)
        low, high = (bound.item() for bound in values.aminmax())
        if not -np.inf < low <= high < np.inf:
            _refuse_infinite(values.numpy(), 0, place)
        self._bound(values.numpy(), low, high)

    @property
    def is_single(self) -> bool:
        """Whether `apply_` gives the result of `write` for values in float32."""
        return self.z_score.is_single and not len(self.missing)

    def _bound(self, z: np.ndarray, low: float, high: float) -> np.ndarray | None:
        """Compress tails, clip, and replace NaN by 0, in place.

        Returns where z was missing, or None if no value is and no column has an indicator.
        """
        if len(self.long_tailed):
            z[:, self.long_tailed] = np.arcsinh(z[:, self.long_tailed])
        if not -REACH <= low <= high <= REACH:  # or they are NaN
            np.clip(z, -self.reach, self.reach, out=z)
        if not len(self.missing) and not np.isnan(high):
            return None
        is_missing = np.isnan(z)
        z[is_missing] = 0.0
        return is_missing


def _refuse_infinite(z: np.ndarray, start: int, place: Place) -> None:
    """Raise `DataError` for an infinite value of z, the rows from `start` on."""
    rows, columns = np.nonzero(np.isinf(z))
    if len(rows):
        raise DataError(
            f"{place(start + int(rows[0]), int(columns[0]))}, so far from the values of "
            f"fit that float32 does not hold it once it is scaled; correct it, or replace "
            f"it by NaN."
        )


def as_floats(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """A sparse matrix (n, C) in floating point without duplicate entries; inf is refused."""
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
