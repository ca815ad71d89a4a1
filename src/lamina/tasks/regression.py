"""Regression: one real number for each sample, or several."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from sklearn.metrics import r2_score
from torch import Tensor

from lamina.exceptions import DataError
from lamina.nn.losses import LossAndGradient, by_autograd, squared_error
from lamina.nn.members import log_mean
from lamina.numeric import as_floats
from lamina.params import Params, Use, fraction, only_with
from lamina.scaling import Location, location_and_scale
from lamina.tasks.base import Classes, PooledTask
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


class LossParams(NamedTuple):
    """Parameters of the losses."""

    quantile: float
    deltas: tuple[float, ...]
    """The scaled error of each output from which on the Huber loss is linear."""


@dataclass(frozen=True)
class Loss:
    """A loss, `criterion(output, target, weight, loss_params)`."""

    criterion: Callable[[Tensor, Tensor, Tensor | None, LossParams], LossAndGradient]
    positive: bool = False
    """Whether outputs are logarithms of predictions."""
    robust: bool = False
    """Whether the gradient is bounded, however large the error."""


def _elementwise(
    loss: Callable[[Tensor, Tensor, LossParams], Tensor],
) -> Callable[[Tensor, Tensor, Tensor | None, LossParams], LossAndGradient]:
    """The criterion of a loss of single values: its mean over outputs and samples."""

    def criterion(
        output: Tensor, target: Tensor, weight: Tensor | None, loss_params: LossParams
    ) -> LossAndGradient:
        return by_autograd(
            lambda o, t: loss(o, t, loss_params).mean(1), output, target, weight
        )

    return criterion


def _pinball(output: Tensor, target: Tensor, loss_params: LossParams) -> Tensor:
    error, quantile = target - output, loss_params.quantile
    return torch.maximum(quantile * error, (quantile - 1) * error)


def _huber(output: Tensor, target: Tensor, loss_params: LossParams) -> Tensor:
    # Python numbers, because a tensor would be copied to the GPU in each step.
    if len(set(loss_params.deltas)) == 1:
        delta = loss_params.deltas[0]
        return F.huber_loss(output, target, reduction="none", delta=delta)
    columns = zip(output.T, target.T, loss_params.deltas, strict=True)
    losses = [F.huber_loss(o, t, reduction="none", delta=d) for o, t, d in columns]
    return torch.stack(losses, dim=1)


def _poisson(output: Tensor, target: Tensor, _: LossParams) -> Tensor:
    return F.poisson_nll_loss(output, target, reduction="none")


LOSSES = {
    "squared_error": Loss(lambda o, t, w, _: squared_error(o, t, w)),
    "absolute_error": Loss(_elementwise(lambda o, t, _: (o - t).abs()), robust=True),
    "huber": Loss(_elementwise(_huber), robust=True),
    "quantile": Loss(_elementwise(_pinball), robust=True),
    "poisson": Loss(_elementwise(_poisson), positive=True),
}


class RegressionParams(Params):
    """The loss of a regressor."""

    loss: Annotated[
        Literal["squared_error", "absolute_error", "huber", "quantile", "poisson"],
        Use.FROZEN,
        """What is minimised, on standardised targets: "squared_error" learns the mean,
        "absolute_error" the median, "huber" something between them, "quantile" a
        `quantile`; "poisson" learns the mean of counts and predicts values above 0.
        Outliers among the targets have little effect on "absolute_error", "huber" and
        "quantile".""",
    ] = "squared_error"
    quantile: Annotated[
        float,
        fraction(zero=False),
        only_with(loss="quantile"),
        "The quantile to learn.",
    ] = 0.5


class Regression(PooledTask):
    """y (n,) or (n, K), standardised for training; outputs (n, K) in the scale of y.

    Location and scale are robust to outliers among the targets if the loss is; the squared
    error and "poisson" learn the mean, which outliers are part of.
    """

    def configure(self, params: RegressionParams) -> None:
        self.loss_name = params.loss
        self.quantile = float(params.quantile)

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
        self.n_outputs = int(np.prod(self.shape))
        loss = LOSSES[self.loss_name]
        columns = y.reshape(len(y), self.n_outputs).T
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
            self._refuse_negative(y)
            self.scale = np.where(self.mean > 0, self.mean, 1.0)
            self.mean = np.zeros(self.shape)
        return self

    def encode(self, y: np.ndarray) -> Tensor:
        self._refuse_other_shape(y)
        if LOSSES[self.loss_name].positive:
            self._refuse_negative(y)
        with np.errstate(over="ignore"):
            z = (y - self.mean) / self.scale
        if LOSSES[self.loss_name].robust:
            z = np.clip(z, -MAX_ROBUST_TARGET, MAX_ROBUST_TARGET)
        else:
            self._refuse_too_large(y, z)
        return torch.from_numpy(z.reshape(len(z), -1).astype(np.float32))

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> LossAndGradient:
        loss = LOSSES[self.loss_name]
        loss_params = LossParams(self.quantile, self.deltas)
        return loss.criterion(output, target, weight, loss_params)

    def in_units(self, output: Tensor) -> Tensor:
        if LOSSES[self.loss_name].positive:
            output = output.exp()
        mean, scale = torch.as_tensor(self.mean), torch.as_tensor(self.scale)
        return output.reshape(-1, *self.shape) * scale + mean

    def combined(self, output: Tensor) -> Tensor:
        """The mean of the members' predictions, of which an output may be the logarithm."""
        is_positive = LOSSES[self.loss_name].positive
        return log_mean(output) if is_positive else output.mean(0)

    def score(
        self, y: np.ndarray, outputs: np.ndarray, weight: np.ndarray | None
    ) -> float:
        """R^2."""
        self._refuse_other_shape(y)
        # R^2 does not depend on the scale, and the squares of larger values overflow.
        scale = max(np.abs(y).max() / LARGEST, 1.0)
        return float(r2_score(y / scale, outputs / scale, sample_weight=weight))

    def stopping_score(
        self, y: np.ndarray, outputs: np.ndarray, weight: np.ndarray | None
    ) -> float:
        """R^2 for the squared error, minus the loss for any other."""
        if self.loss_name == "squared_error":
            # R^2 is not defined for a single sample.
            return self.score(y, outputs, weight) if len(y) > 1 else float("nan")
        target = self.encode(y)
        z = (outputs.reshape(len(outputs), -1) - self.mean) / self.scale
        if LOSSES[self.loss_name].positive:
            z = np.log(np.maximum(z, TINY))
        weights = None if weight is None else torch.from_numpy(weight / weight.mean())
        loss, _ = self.criterion(torch.from_numpy(z).float(), target, weights)
        return -loss.item()

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

    @staticmethod
    def _refuse_negative(y: np.ndarray) -> None:
        if (y < 0).any():
            i = int((y.reshape(len(y), -1) < 0).any(1).argmax())
            raise DataError(
                f'loss="poisson" needs targets of at least 0; y[{i}] is {y[i]}.'
            )


def _bounded_scale(plain: Location, robust: Location) -> Location:
    """The robust location, with the plain scale up to `MAX_SCALE_RATIO` robust ones."""
    scale = min(plain.scale, MAX_SCALE_RATIO * robust.scale)
    return Location(robust.mean, scale, robust.is_dominated)
