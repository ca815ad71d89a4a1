"""Samples with their targets and weights, checked in the same way for every method."""

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from lamina.encoders.base import rows_of
from lamina.exceptions import DataError
from lamina.inputs import DataLike, Indexable
from lamina.missing import as_array
from lamina.numeric import as_floats
from lamina.state import Stored
from lamina.tasks.base import Task

MIN_WEIGHT, MAX_WEIGHT = 1e-100, 1e100
"""Sums of smaller weights underflow, and those of larger ones overflow."""
MIN_WEIGHT_RATIO = 1e-30
"""A weight that is smaller, relative to the greatest, is lost in float32."""


@dataclass
class Data:
    """Samples in their plain form, with their targets and weights."""

    X: Indexable
    y: Indexable | None
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: np.ndarray) -> "Data":
        """The samples of these row numbers."""
        weight = None if self.weight is None else self.weight[rows]
        y = None if self.y is None else rows_of(self.y, rows)
        return Data(rows_of(self.X, rows), y, weight)

    def present(self) -> np.ndarray | None:
        """The rows whose weight is not 0; None if all are such."""
        if self.weight is None or (self.weight > 0).all():
            return None
        return np.flatnonzero(self.weight)


@dataclass
class WeightSum(Stored):
    """The sum and the number of all sample weights of a fit, which are scaled to mean 1."""

    total: float = 0.0
    n: int = 0


def read_targets(
    owner: str, task: Task, y: DataLike | None, X: Indexable, name: str = "y"
) -> Any:
    """The plain targets of plain samples X, one for each; None if the task has none."""
    if not task.requires_y:
        refuse_targets(owner, y, name)
        return task.read(None, X)
    require_targets(owner, y, name)
    targets = task.read(y, X)
    n = targets.shape[0] if sparse.issparse(targets) else len(targets)
    if n != len(X):
        raise DataError(
            f"Found input variables with inconsistent numbers of samples: X has {len(X)} "
            f"samples and {name} has {n} targets."
        )
    return targets


def require_targets(owner: str, y: DataLike | None, name: str = "y") -> None:
    """Raise `DataError` if targets are missing."""
    if y is None:
        raise DataError(
            f"{owner} requires y to be passed, but the target {name} is None."
        )


def refuse_targets(owner: str, y: DataLike | None, name: str = "y") -> None:
    """Raise `DataError` if targets are given that would be ignored."""
    if y is not None:
        raise DataError(
            f"{owner} learns from X alone, and {name} would be ignored; pass {name}=None."
        )


def read_weight(
    sample_weight: ArrayLike | None, n: int, name: str = "sample_weight"
) -> np.ndarray | None:
    """Weights as floats, one for each of `n` samples; `DataError` for any other."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n, sample_weight)
    try:
        weights = as_array(sample_weight)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise DataError(f"{name} does not hold numbers: {error}.") from None
    weight = as_floats(weights, name)
    if weight.ndim != 1:
        raise DataError(
            f"{name} has shape {weight.shape}: Sample weights must be 1D array or scalar."
        )
    if len(weight) != n:
        raise DataError(f"{name} has {len(weight)} weights for {n} samples.")
    is_small = weight <= MAX_WEIGHT  # and not NaN
    greatest = weight.max(where=is_small, initial=0.0)
    least = max(MIN_WEIGHT, MIN_WEIGHT_RATIO * greatest)
    allowed = (weight == 0) | ((weight >= least) & is_small)
    if not allowed.all():
        i = int(allowed.argmin())
        raise DataError(
            f"{name}[{i}] is {weight[i]}; a weight is 0, or finite, from {MIN_WEIGHT:g} to "
            f"{MAX_WEIGHT:g}, and at least {MIN_WEIGHT_RATIO:g} times the greatest."
        )
    if not weight.any():
        raise DataError(
            f"{name} is zero for every sample; at least one must be greater."
        )
    return weight


def weights_with_targets(task: Task, data: Data) -> np.ndarray | None:
    """Sample weights times those that follow from the targets; None if all are 1."""
    from_targets = task.target_weights(data.y)
    if from_targets is None or data.weight is None:
        return data.weight if from_targets is None else from_targets
    return from_targets * data.weight
