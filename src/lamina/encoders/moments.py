"""Location, scale and range of each column of an array or a sparse matrix (n, C).

Mean and standard deviation are computed for all columns, in blocks of rows. Only columns
in which outliers may dominate these, or in which they may have over- or underflowed, are
then treated one by one (`lamina.scaling.location_and_scale`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import incr_mean_variance_axis, min_max_axis

from lamina.encoders.base import BLOCK_SIZE, blocks
from lamina.scaling import NORMAL_RANGE, location_and_scale, noise_of

REACH = 6.0
"""Scales; one of 5e8 normal values is farther from the mean."""
DOMINATED = 6.0
"""The ratio of standard deviation and quartile scale from which quartiles are used."""
N_SAMPLED = 256
"""Rows in which the quartiles of all columns are estimated; with fewer rows, some are
used more than once."""
SAMPLING_ERROR = 1.5
"""A bound of the relative error of an interquartile range that is estimated from these."""
CERTAIN = 1e-290, 1e290
"""Between these variances, no square has over- or underflowed."""
CANCELLED = 1e6
"""A variance smaller than the mean square about the origin by this factor is inaccurate."""
UNEVEN = 2.5
"""n * sum(d^2) / sum(d)^2 of n distances d of which a few are much larger than the others;
if all are equal it is 1, and if they are uniform or exponential 4/3 or 2."""


@dataclass
class Moments:
    """Statistics (C,) of the values that are not missing; mean 0, scale 1 if all are."""

    mean: np.ndarray
    scale: np.ndarray
    farthest: np.ndarray
    """Distance of the farthest value from the mean; only a bound if below `REACH` scales."""
    n_missing: np.ndarray
    is_dominated: np.ndarray
    """Whether outliers dominated mean and standard deviation, so that others are used."""

    @property
    def has_long_tail(self) -> np.ndarray:
        """Whether a value is more than `REACH` scales from the mean."""
        return self.farthest / REACH > self.scale


@dataclass
class Sums:
    """Mean and variance (C,) of the values of each column that are not missing."""

    mean: np.ndarray
    variance: np.ndarray
    is_accurate: np.ndarray
    farthest: np.ndarray
    """A bound of the distance of a value from the mean."""
    n_missing: np.ndarray


def robust_moments(
    values: "np.ndarray | sparse.csr_matrix", weight: np.ndarray | None
) -> Moments:
    """The moments of the columns of an array or a sparse matrix in floating point."""
    is_array = isinstance(values, np.ndarray)
    columns = Dense(values, weight) if is_array else Sparse(values, weight)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        moments, is_certain = _plain_moments(columns)
        dominated = _maybe_dominated(columns, moments, is_certain)
        uncertain = np.flatnonzero(~is_certain & (moments.farthest > 0))
        selected = np.concatenate([uncertain, dominated])
        for j, (column, w) in zip(selected, columns.observed(selected), strict=True):
            mean, scale, is_dominated = location_and_scale(column, w, DOMINATED)
            moments.mean[j], moments.scale[j] = mean, scale
            moments.is_dominated[j] = is_dominated
            moments.farthest[j] = max(column.max() - mean, mean - column.min())
    return moments


def _plain_moments(columns: "Dense | Sparse") -> tuple[Moments, np.ndarray]:
    """Mean and standard deviation, and whether these are accurate after rounding.

    `farthest` of a constant column is 0.
    """
    sums = columns.sums()
    mean, variance, farthest = sums.mean, sums.variance, sums.farthest
    noise = np.maximum(noise_of(variance, mean, columns.n), CERTAIN[0])
    is_certain = (variance > noise) & (variance < CERTAIN[1]) & sums.is_accurate
    scale = np.where(is_certain, np.sqrt(variance), 1.0)
    inexact = np.flatnonzero(~is_certain | (farthest > REACH * scale))
    low, high = columns.range(inexact)
    constant = low == high
    mean[inexact[constant]] = low[constant]
    distance = np.maximum(high - mean[inexact], mean[inexact] - low)
    distance[np.isnan(distance)] = np.inf  # the sum overflowed
    farthest[inexact] = np.where(low < high, distance, 0.0)
    is_dominated = np.zeros(len(mean), bool)
    return Moments(mean, scale, farthest, sums.n_missing, is_dominated), is_certain


def _maybe_dominated(
    columns: "Dense | Sparse", moments: Moments, is_certain: np.ndarray
) -> np.ndarray:
    """The columns in which outliers may dominate the standard deviation."""
    ratio = NORMAL_RANGE * moments.scale / columns.spread
    is_wide = is_certain & (SAMPLING_ERROR * ratio > DOMINATED)
    is_flat = is_wide & (columns.spread == 0)
    flat = np.flatnonzero(is_flat & moments.has_long_tail)
    uneven = flat[columns.are_uneven(flat, moments.farthest)]
    return np.concatenate([np.flatnonzero(is_wide & ~is_flat), uneven])


class Dense:
    """The columns of an array."""

    def __init__(self, values: np.ndarray, weight: np.ndarray | None):
        self.values, self.is_weighted = values, weight is not None
        self.n = len(values)
        self.weight = np.ones(len(values)) if weight is None else weight
        self.origin, self.spread = sampled(values[sampled_rows(self.n, weight)])

    def sums(self) -> Sums:
        """Computed in one pass, about the medians of the sampled rows."""
        sums, squares, total, missing = np.zeros((4, self.values.shape[1]))
        farthest = np.zeros(self.values.shape[1])
        for part in blocks(self.values):
            block, w = self.values[part] - self.origin, self.weight[part]
            sum_of_block, total_of_block = w @ block, w.sum()
            if np.isnan(sum_of_block).any():
                is_missing = np.isnan(block)
                block[is_missing] = 0.0
                sum_of_block = w @ block
                total_of_block = w @ (~is_missing).astype(np.float64)
                missing += is_missing.sum(0)
            sums += sum_of_block
            total += total_of_block
            block *= block
            squares += w @ block
            np.maximum(farthest, block.max(0), out=farthest)
        total = np.where(total > 0, total, 1.0)
        shift, square = sums / total, squares / total
        variance = square - shift**2
        return Sums(
            mean=self.origin + shift,
            variance=variance,
            is_accurate=square <= CANCELLED * variance,
            farthest=np.sqrt(farthest) + np.abs(shift),
            n_missing=missing,
        )

    def range(self, columns: np.ndarray) -> np.ndarray:
        """The minimum and the maximum of each of these columns."""
        bounds = np.full((2, len(columns)), np.nan)
        for part in blocks(self.values) if len(columns) else ():
            block = self.values[part][:, columns]
            np.fmin(bounds[0], np.fmin.reduce(block, axis=0), out=bounds[0])
            np.fmax(bounds[1], np.fmax.reduce(block, axis=0), out=bounds[1])
        return bounds

    def are_uneven(self, columns: np.ndarray, farthest: np.ndarray) -> np.ndarray:
        """Whether few values that differ from the mode of a column outweigh the others."""
        total = np.zeros((3, len(columns)))
        for part in blocks(self.values) if len(columns) else ():
            d = self.values[part][:, columns] - self.origin[columns]
            d /= farthest[columns]
            np.abs(d, out=d)
            d[np.isnan(d)] = 0.0
            total += [self.weight[part] @ power for power in (d > 0, d, d * d)]
        return total[0] * total[2] >= UNEVEN * total[1] ** 2

    def observed(
        self, columns: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """The values of each of these columns that are not missing, and their weights."""
        for j in columns:
            values = self.values[:, j].astype(np.float64)
            present = ~np.isnan(values)
            weight = self.weight[present] if self.is_weighted else None
            yield values[present], weight


class Sparse:
    """The columns of a sparse matrix in floating point; NaN is a missing value."""

    def __init__(self, matrix: sparse.csr_matrix, weight: np.ndarray | None):
        self.matrix = matrix
        self.n, self.n_columns = matrix.shape
        self.weight = np.ones(self.n) if weight is None else weight
        n_stored = np.bincount(matrix.indices, minlength=self.n_columns)
        # Where less than a quarter of the values is stored, all quartiles are 0.
        full = np.flatnonzero(4 * n_stored >= self.n)
        rows = self.matrix[sampled_rows(self.n, weight)]
        self.origin, self.spread = np.zeros((2, self.n_columns))
        self.origin[full], self.spread[full] = sampled(rows[:, full].toarray())

    def sums(self) -> Sums:
        """Computed from the stored values and the zeros between them."""
        mean, variance, total, missing = np.zeros((4, self.n_columns))
        for part, block in self._parts():
            mean, variance, total = incr_mean_variance_axis(
                block,
                axis=0,
                last_mean=mean,
                last_var=variance,
                last_n=total,
                weights=self.weight[part],
            )
            missing_in = block.indices[np.isnan(block.data)]
            if len(missing_in):
                missing += np.bincount(missing_in, minlength=self.n_columns)
        mean[missing == self.n] = variance[missing == self.n] = 0.0
        low, high = self.bounds = min_max_axis(self.matrix, 0, ignore_nan=True)
        farthest = np.maximum(high - mean, mean - low)
        is_accurate = np.ones(self.n_columns, bool)
        return Sums(mean, variance, is_accurate, farthest, missing)

    def range(self, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The minimum and the maximum of each of these columns."""
        low, high = self.bounds
        return low[columns], high[columns]

    def are_uneven(self, columns: np.ndarray, farthest: np.ndarray) -> np.ndarray:
        """Whether few values that differ from the mode of a column outweigh the others."""
        total, stored = np.zeros((3, len(columns))), np.zeros(len(columns))
        origin, scale = self.origin[columns], farthest[columns]
        for part, rows in self._parts() if len(columns) else ():
            block = rows[:, columns]
            w, j = np.repeat(self.weight[part], np.diff(block.indptr)), block.indices
            d = np.abs(block.data - origin[j]) / scale[j]
            d[np.isnan(d)] = 0.0
            stored += np.bincount(j, w, minlength=len(columns))
            powers = (w * power for power in (d > 0, d, d * d))
            total += [np.bincount(j, p, minlength=len(columns)) for p in powers]
        d = np.abs(origin) / scale
        total += (self.weight.sum() - stored) * np.stack([d > 0, d, d * d])
        return total[0] * total[2] >= UNEVEN * total[1] ** 2

    def observed(self, columns: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The values of each of these columns that are not missing, and their weights."""
        selected = self.matrix[:, columns].tocsc()
        for start, stop in zip(selected.indptr[:-1], selected.indptr[1:], strict=True):
            values = selected.data[start:stop].astype(np.float64)
            weight = self.weight[selected.indices[start:stop]]
            present = ~np.isnan(values)
            if len(values) == self.n:
                yield values[present], weight[present]
            else:
                rest = self.weight.sum() - weight.sum()
                yield np.append(values[present], 0.0), np.append(weight[present], rest)

    def _parts(self) -> Iterator[tuple[slice, sparse.csr_matrix]]:
        """Blocks of rows, in double precision."""
        n_stored = max(BLOCK_SIZE, 4 * self.n_columns)
        n_rows = max(1, n_stored * self.n // max(1, self.matrix.nnz))
        for start in range(0, self.n, n_rows):
            part = slice(start, start + n_rows)
            yield part, self.matrix[part].astype(np.float64, copy=False)


def sampled_rows(n: int, weight: np.ndarray | None) -> np.ndarray:
    """`N_SAMPLED` row numbers below n, spaced evenly in cumulative weight."""
    fractions = (np.arange(N_SAMPLED) + 0.5) / N_SAMPLED
    if weight is None:
        return (fractions * n).astype(np.intp)
    total = np.cumsum(weight)
    return np.searchsorted(total, fractions * total[-1], side="right")


def sampled(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and interquartile range of the columns of (n, C); 0 where all are NaN."""
    columns = rows.T.astype(np.float64, order="C")
    columns.sort(axis=1)
    n_observed = columns.shape[1] - np.isnan(columns).sum(1)
    last = np.maximum(n_observed - 1, 0)
    ranks = np.stack([last // 4, last // 2, last - last // 4], axis=1)
    low, median, high = np.take_along_axis(columns, ranks, axis=1).T
    with np.errstate(over="ignore", invalid="ignore"):
        spread = high - low
    has_values = n_observed > 0
    return np.where(has_values, median, 0.0), np.where(has_values, spread, 0.0)
