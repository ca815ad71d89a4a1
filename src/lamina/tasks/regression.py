"""Regression: one real number for each sample, or several."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from scipy import sparse
from sklearn.metrics import r2_score
from torch import Tensor

from lamina.exceptions import DataError
from lamina.nn.losses import LossAndGradient
from lamina.nn.members import log_mean
from lamina.numeric import as_floats
from lamina.scaling import Location, location_and_scale
from lamina.tasks.base import Classes, PooledTask
from lamina.tasks.quantiles import d2_pinball, levels_of, ranks_of
from lamina.tasks.regression_loss import LOSSES, LossParams, RegressionParams
from lamina.tasks.targets import as_targets

MAX_DEVIATION_RATIO = 3.0
"""A robust loss scales targets by their median and quartiles if their standard deviation is
more times larger than this than that of normal values with the same quartiles."""
MAX_SCALE_RATIO = 50.0
"""The scale of such targets is their standard deviation, but at most this many times that of
their quartiles: then scaled outliers are not too large to be learnt, and the other targets
not too small."""
MAX_ROBUST_TARGET = 1e6
"""Scaled targets are clipped to this for robust losses, whose gradients it does not change."""
MAX_TARGET = 1e15
"""The largest scaled target of other losses; the square of a larger one may overflow."""
LARGEST_TARGET = 1e300
"""The largest absolute value of a target: its scale times any output is finite."""
LARGEST = 1e100
"""Targets are divided so that none is larger when squares are summed for R^2."""
TINY = 1e-12
"""The least prediction of which a logarithm is taken."""


MARGIN = 0.5
"""How far predictions may lie outside the targets of `fit`, in ranges of these."""
MAX_RATIO = 2.0
"""The largest prediction of a mean above 0, in largest targets of `fit`."""


class Regression(PooledTask):
    """y (n,) or (n, K), standardised for training; outputs in the scale of y, of its shape.

    Those of Q quantiles that were given as a sequence are (n, Q) or (n, K, Q). Location and
    scale are robust to outliers among the targets if the loss is; the squared error,
    "poisson" and "gamma" learn the mean, which outliers are part of.
    """

    levels: tuple[float, ...] = ()
    """The quantiles in their order; empty for any other loss."""
    axis: tuple[int, ...] = ()
    """The length of the axis of quantiles of the outputs, if they have one."""
    low: np.ndarray | float = -np.inf
    """The least target of each output."""
    high: np.ndarray | float = np.inf
    """The largest target of each output."""

    def configure(self, params: RegressionParams) -> None:
        self.loss_name = params.loss
        self.levels, self.axis = (), ()
        if params.loss == "quantile":
            self.levels = levels_of(params.quantiles)
            is_several = isinstance(params.quantiles, Sequence)
            self.axis = (len(self.levels),) if is_several else ()

    def read(self, y: object, X: object) -> np.ndarray:
        del X
        targets = as_targets(y)
        if sparse.issparse(targets):
            raise DataError("Sparse data was passed for y; pass y.toarray().")
        if targets.dtype.kind in "mM":
            raise DataError(f"y holds {targets.dtype}; pass numbers, such as seconds.")
        targets = as_floats(targets, "y")
        too_large = (np.abs(targets) > LARGEST_TARGET).reshape(len(targets), -1).any(1)
        if too_large.any():
            row = int(too_large.argmax())
            raise DataError(
                f"Input y contains infinity or a value too large: y[{row}] is "
                f"{targets[row]}, and predictions beyond {LARGEST_TARGET:g} would overflow; "
                f"correct it, or divide y by a constant."
            )
        return targets

    def fit(
        self, y: np.ndarray, weight: np.ndarray | None, classes: Classes | None = None
    ) -> Self:
        del classes
        self.shape = y.shape[1:]
        n_columns = int(np.prod(self.shape))
        self.n_outputs = n_columns * max(len(self.levels), 1)
        self.low, self.high = np.asarray(y.min(0)), np.asarray(y.max(0))
        loss = LOSSES[self.loss_name]
        columns = y.reshape(len(y), n_columns).T
        plain = [location_and_scale(column, weight, None) for column in columns]
        used, robust = plain, plain
        if loss.robust:
            robust = [
                location_and_scale(c, weight, MAX_DEVIATION_RATIO) for c in columns
            ]
            used = [_bounded_scale(p, r) for p, r in zip(plain, robust, strict=True)]
        self.mean = np.reshape([location.mean for location in used], self.shape)
        self.scale = np.reshape([location.scale for location in used], self.shape)
        pairs = zip(robust, used, strict=True)
        self.deltas = tuple(r.scale / u.scale for r, u in pairs)
        if loss.positive:
            self._refuse_outside(y)
            self.scale = np.where(self.mean > 0, self.mean, 1.0)
            self.mean = np.zeros(self.shape)
        return self

    def extend(self, y: np.ndarray) -> None:
        self._refuse_other_shape(y)
        self.low = np.asarray(np.minimum(self.low, y.min(0)))
        self.high = np.asarray(np.maximum(self.high, y.max(0)))

    def encode(self, y: np.ndarray) -> Tensor:
        self._refuse_other_shape(y)
        if LOSSES[self.loss_name].positive:
            self._refuse_outside(y)
        with np.errstate(over="ignore"):
            z = (y - self.mean) / self.scale
        if LOSSES[self.loss_name].robust:
            z = np.clip(z, -MAX_ROBUST_TARGET, MAX_ROBUST_TARGET)
        else:
            self._refuse_too_large(y, z)
        return torch.from_numpy(z.reshape(len(z), -1).astype(np.float32))

    @property
    def takes_linear_path(self) -> bool:
        return self.loss_name == "squared_error"

    def linear_targets(self, target: Tensor) -> np.ndarray | None:
        return target.double().numpy()

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> LossAndGradient:
        loss = LOSSES[self.loss_name]
        loss_params = LossParams(tuple(sorted(self.levels)), self.deltas)
        return loss.criterion(output, target, weight, loss_params)

    def in_units(self, output: Tensor) -> Tensor:
        if LOSSES[self.loss_name].positive:
            output = output.exp()
        mean, scale, low, high = (
            torch.as_tensor(values)[..., None]
            for values in (self.mean, self.scale, *self.bounds())
        )
        values = output.reshape(-1, *self.shape, max(len(self.levels), 1))
        # A prediction that overflows is clipped.
        values = (values * scale + mean).maximum(low).minimum(high)
        if self.levels:
            ranks = torch.from_numpy(ranks_of(self.levels))
            values = values.sort(-1).values.index_select(-1, ranks)
        return values.reshape(-1, *self.shape, *self.axis)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """The least and the largest prediction of each output."""
        if LOSSES[self.loss_name].positive:
            least = TINY * self.scale
            return least, np.maximum(MAX_RATIO * self.high, least)
        margin = MARGIN * np.subtract(self.high, self.low)
        return np.asarray(self.low - margin), np.asarray(self.high + margin)

    def combined(self, output: Tensor) -> Tensor:
        """The mean of the members' predictions, of which an output may be the logarithm."""
        is_positive = LOSSES[self.loss_name].positive
        return log_mean(output) if is_positive else output.mean(0)

    def score(
        self, y: np.ndarray, outputs: np.ndarray, weight: np.ndarray | None
    ) -> float:
        """R^2; of quantiles D^2 of the pinball loss, the mean over them."""
        self._refuse_other_shape(y)
        # They do not depend on the scale, and the squares of larger values overflow.
        scale = max(np.abs(y).max() / LARGEST, 1.0)
        if self.levels:
            columns = self._with_quantiles(outputs / scale)
            return d2_pinball(y / scale, columns, self.levels, weight)
        return float(r2_score(y / scale, outputs / scale, sample_weight=weight))

    def stopping_score(
        self, y: np.ndarray, outputs: np.ndarray, weight: np.ndarray | None
    ) -> float:
        """R^2 for the squared error, minus the loss for any other."""
        if self.loss_name == "squared_error":
            # R^2 is not defined for a single sample.
            return self.score(y, outputs, weight) if len(y) > 1 else float("nan")
        target = self.encode(y)
        values = np.sort(self._with_quantiles(outputs), axis=-1)
        z = (values - self.mean[..., None]) / self.scale[..., None]
        z = z.reshape(len(z), -1)
        if LOSSES[self.loss_name].positive:
            z = np.log(np.maximum(z, TINY))
        weights = None if weight is None else torch.from_numpy(weight / weight.mean())
        loss, _ = self.criterion(torch.from_numpy(z).float(), target, weights)
        return -loss.item()

    def _with_quantiles(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs (n, ...) with an axis of quantiles at the end, of length 1 without any."""
        return outputs.reshape(len(outputs), *self.shape, max(len(self.levels), 1))

    def _refuse_other_shape(self, y: np.ndarray) -> None:
        if y.shape[1:] != self.shape:
            raise DataError(
                f"y has shape {y.shape}; this network was fitted on targets of shape "
                f"(n, {', '.join(map(str, self.shape))})."
            )

    def _refuse_too_large(self, y: np.ndarray, z: np.ndarray) -> None:
        bad = (np.abs(z) > MAX_TARGET).reshape(len(z), -1).any(1)
        if bad.any():
            i = int(bad.argmax())
            raise DataError(
                f"y[{i}] is {y[i]}, too far from the targets of fit for "
                f'loss="{self.loss_name}"; correct it or leave it out, or use '
                f'loss="absolute_error" or "huber".'
            )

    def _refuse_outside(self, y: np.ndarray) -> None:
        takes_zero = LOSSES[self.loss_name].takes_zero
        bad = (y < 0 if takes_zero else y <= 0).reshape(len(y), -1).any(1)
        if bad.any():
            i = int(bad.argmax())
            limit = "of at least 0" if takes_zero else "above 0"
            remedy = '"squared_error"' if (y < 0).any() else '"poisson"'
            raise DataError(
                f'loss="{self.loss_name}" needs targets {limit}; y[{i}] is {y[i]}. Correct '
                f"it or leave it out, or use loss={remedy}."
            )


def _bounded_scale(plain: Location, robust: Location) -> Location:
    """The robust location, with the plain scale up to `MAX_SCALE_RATIO` robust ones."""
    scale = min(plain.scale, MAX_SCALE_RATIO * robust.scale)
    return Location(robust.mean, scale, robust.is_dominated)
