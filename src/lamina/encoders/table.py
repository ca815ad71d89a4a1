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
from lamina.encoders.base import Samples, TensorSamples
from lamina.encoders.columns import Columns, kinds_of, split
from lamina.exceptions import DataError
from lamina.scaling import scale_of

ONE_HOT_UP_TO = 9
CLIP = 3.0
BLOCK = 1 << 16


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
        if sparse.issparse(columns.numbers):
            return SparseSamples(
                _floating(columns.numbers), self.mean, self.scale, self.spec.n_channels
            )
        x = torch.empty(len(columns), self.spec.n_channels)
        self._scale_numbers(columns.numbers, x.numpy())
        codes = self._code_categories(columns, x)
        return TensorSamples(x, codes)

    def _fit_numbers(self, numbers: Any, weight: np.ndarray | None) -> None:
        if sparse.issparse(numbers):
            mean, variance = mean_variance_axis(_floating(numbers), 0, weights=weight)
            has_missing = np.zeros(len(mean), bool)
        else:
            moments = [_moments(column, weight) for column in numbers.T]
            mean, variance, has_missing = np.array(moments).reshape(-1, 3).T
        self.mean = mean
        self.scale = scale_of(variance, mean, numbers.shape[0])
        self.missing = np.flatnonzero(has_missing)

    def _scale_numbers(self, numbers: np.ndarray, x: np.ndarray) -> None:
        n_numbers, n_missing = len(self.mean), len(self.missing)
        # Block by block: the whole table never stands in memory a second time.
        for start in range(0, len(numbers), BLOCK):
            block = numbers[start : start + BLOCK]
            out = x[start : start + BLOCK]
            out[:, :n_numbers] = _clip(np.nan_to_num((block - self.mean) / self.scale))
            indicators = np.isnan(block[:, self.missing].astype(np.float64))
            out[:, n_numbers : n_numbers + n_missing] = indicators

    def _code_categories(self, columns: Columns, x: Tensor) -> Tensor | None:
        start, coded = len(self.mean) + len(self.missing), []
        for values, codes, one_hot in zip(
            columns.categories, self.codes, self.one_hot, strict=True
        ):
            numbers = torch.tensor([codes.get(value, 0) for value in values])
            if one_hot:
                stop = start + len(codes)
                x[:, start:stop] = numbers[:, None] == torch.arange(1, len(codes) + 1)
                start = stop
            else:
                coded.append(numbers)
        return torch.stack(coded, 1) if coded else None


class SparseSamples:
    """Rows of a sparse matrix; only those of a batch are ever made dense."""

    lengths = None

    def __init__(self, rows: Any, mean: np.ndarray, scale: np.ndarray, n_channels: int):
        self.rows, self.mean, self.scale = rows, mean, scale
        self.n_channels = n_channels

    def __len__(self) -> int:
        return self.rows.shape[0]

    def take(self, rows: Tensor) -> Batch:
        dense = self.rows[rows.numpy()].toarray()
        x = np.zeros((len(rows), self.n_channels), np.float32)
        # Columns beyond the numbers say what is missing, and here nothing is.
        x[:, : dense.shape[1]] = _clip((dense - self.mean) / self.scale)
        return Batch(torch.from_numpy(x))


def _clip(z: np.ndarray) -> np.ndarray:
    return z / np.hypot(1.0, z / CLIP)


def _moments(
    column: np.ndarray, weight: np.ndarray | None
) -> tuple[float, float, bool]:
    """Mean and variance of the known values, and whether any is missing."""
    column = column.astype(np.float64, copy=False)
    known = ~np.isnan(column)
    if not known.any():
        return 0.0, 0.0, False
    if not known.all():
        column, weight = column[known], None if weight is None else weight[known]
    mean = np.average(column, weights=weight)
    variance = np.average((column - mean) ** 2, weights=weight)
    return float(mean), float(variance), not known.all()


def _floating(matrix: Any) -> Any:
    if matrix.dtype.kind != "f":
        return matrix.astype(np.float64)
    if not np.isfinite(matrix.data).all():
        raise DataError("A sparse X may not contain NaN or inf.")
    return matrix


def _by_type(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value
