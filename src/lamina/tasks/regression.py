"""Regression: real numbers out of a sample, one or several."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from sklearn.metrics import r2_score
from torch import Tensor

from lamina.batch import Batch
from lamina.exceptions import DataError
from lamina.nn.losses import by_autograd, squared_error
from lamina.nn.model import Model
from lamina.params import Params, Use, fraction, only_with
from lamina.scaling import Location, location_and_scale
from lamina.tasks.base import PooledTask
from lamina.tasks.targets import as_targets

DOMINATED = 3.0
"""A robust loss takes the median and the quartiles of targets where the standard deviation
is so many times larger than that of normal numbers with the same quartiles."""
LARGEST_SCALE = 50.0
"""The scale of those targets is their standard deviation, but at most so many times that of
their quartiles: a tail is within reach then, and the rest not too small to be learnt."""
FARTHEST = 1e6
"""Scales; a robust loss of a target farther away has the same gradient."""
ENORMOUS = 1e15
"""Scales; the square of a larger number may not fit into float32."""
LossAndGradient = tuple[Tensor, Tensor]
"""A loss, and its gradient at the outputs (B, K)."""


class Details(NamedTuple):
    """What single losses depend on."""

    quantile: float
    deltas: tuple[float, ...]
    """The error from which on a Huber loss is linear, for each output, in scaled units."""


@dataclass(frozen=True)
class Loss:
    """A loss, `criterion(output, target, weight, details)`.

    With `positive` the output is the logarithm of what is predicted. `robust` says that
    the gradient at an output is bounded however far the target is.
    """

    criterion: Callable[[Tensor, Tensor, Tensor | None, Details], LossAndGradient]
    positive: bool = False
    robust: bool = False


def _elementwise(
    loss: Callable[[Tensor, Tensor, Details], Tensor],
) -> Callable[[Tensor, Tensor, Tensor | None, Details], LossAndGradient]:
    """The criterion of a loss of single numbers."""

    def criterion(
        output: Tensor, target: Tensor, weight: Tensor | None, details: Details
    ) -> LossAndGradient:
        return by_autograd(
            lambda o, t: loss(o, t, details).mean(1), output, target, weight
        )

    return criterion


def _pinball(output: Tensor, target: Tensor, details: Details) -> Tensor:
    over, quantile = target - output, details.quantile
    return torch.maximum(quantile * over, (quantile - 1) * over)


def _huber(output: Tensor, target: Tensor, details: Details) -> Tensor:
    # A tensor of deltas would have to be copied to a GPU in each step.
    if len(set(details.deltas)) == 1:
        delta = details.deltas[0]
        return F.huber_loss(output, target, reduction="none", delta=delta)
    columns = zip(output.T, target.T, details.deltas, strict=True)
    losses = [F.huber_loss(o, t, reduction="none", delta=d) for o, t, d in columns]
    return torch.stack(losses, dim=1)


def _poisson(output: Tensor, target: Tensor, _: Details) -> Tensor:
    return F.poisson_nll_loss(output, target, reduction="none")


LARGEST = 1e100
TINY = 1e-12
"""What a count is predicted to be at least, before its logarithm is taken."""


LOSSES = {
    "squared_error": Loss(lambda o, t, w, _: squared_error(o, t, w)),
    "absolute_error": Loss(_elementwise(lambda o, t, _: (o - t).abs()), robust=True),
    "huber": Loss(_elementwise(_huber), robust=True),
    "quantile": Loss(_elementwise(_pinball), robust=True),
    "poisson": Loss(_elementwise(_poisson), positive=True),
}


class RegressionParams(Params):
    """What a regressor minimises."""

    loss: Annotated[
        Literal["squared_error", "absolute_error", "huber", "quantile", "poisson"],
        Use.FROZEN,
        """What is minimised, on standardised targets: the mean is learnt by
        "squared_error", the median by "absolute_error", something between by "huber", a
        `quantile` by "quantile"; "poisson" is for counts and predicts above 0. Outliers
        among the targets do little to "absolute_error", "huber" and "quantile"; the mean
        that "squared_error" and "poisson" learn includes them.""",
    ] = "squared_error"
    quantile: Annotated[
        float,
        fraction(zero=False),
        only_with(loss="quantile"),
        "The quantile to learn.",
    ] = 0.5


class Regression(PooledTask):
    """y (n,) or (n, K), standardised while training; output (n, K) in y's units.

    Outliers among the targets do not dominate their location and scale where the loss is
    robust. A squared error, and "poisson", are to learn the mean, outliers included.
    """

    def configure(self, params: Any) -> None:
        self.loss_name = params.loss
        self.quantile = float(params.quantile)

    def read(self, y: Any, X: Any) -> np.ndarray:
        del X
        y = as_targets(y)
        if sparse.issparse(y):
            raise DataError("Sparse data was passed for y; pass y.toarray().")
        if y.dtype.kind in "mM":
            raise DataError(f"y holds {y.dtype}; pass numbers, such as seconds.")
        try:
            y = y.astype(np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise DataError(f"y does not hold numbers: {error}.") from None
        if np.isinf(y).any():
            row = int(np.isinf(y).reshape(len(y), -1).any(1).argmax())
            raise DataError(f"Input y contains infinity: y[{row}] is {y[row]}.")
        return y

    def fit(self, y: Any, weight: np.ndarray | None, classes: Any = None) -> Self:
        del classes
        self.shape = y.shape[1:]
        self.n_outputs = int(np.prod(self.shape))
        loss = LOSSES[self.loss_name]
        columns = y.reshape(len(y), self.n_outputs).T
        plain = [location_and_scale(column, weight, None) for column in columns]
        found, robust = plain, plain
        if loss.robust:
            robust = [location_and_scale(c, weight, DOMINATED) for c in columns]
            found = [_within_reach(p, r) for p, r in zip(plain, robust, strict=True)]
        self.mean = np.reshape([location.mean for location in found], self.shape)
        self.scale = np.reshape([location.scale for location in found], self.shape)
        pairs = zip(robust, found, strict=True)
        self.deltas = tuple(r.scale / f.scale for r, f in pairs)
        if loss.positive:
            self._refuse_negative(y)
            self.scale = np.where(self.mean > 0, self.mean, 1.0)
            self.mean = np.zeros(self.shape)
        return self

    def encode(self, y: Any) -> Tensor:
        if y.shape[1:] != self.shape:
            raise DataError(
                f"y has shape {y.shape}; this network was fitted on targets of shape "
                f"(n, {', '.join(map(str, self.shape))})."
            )
        if LOSSES[self.loss_name].positive:
            self._refuse_negative(y)
        with np.errstate(over="ignore"):
            z = (y - self.mean) / self.scale
        if LOSSES[self.loss_name].robust:
            z = np.clip(z, -FARTHEST, FARTHEST)
        else:
            self._refuse_enormous(y, z)
        return torch.from_numpy(z.reshape(len(z), -1).astype(np.float32))

    def criterion(
        self, output: Tensor, target: Tensor, weight: Tensor | None
    ) -> LossAndGradient:
        loss = LOSSES[self.loss_name]
        details = Details(self.quantile, self.deltas)
        return loss.criterion(output, target, weight, details)

    def predict(self, model: Model, batch: Batch) -> np.ndarray:
        output = model(batch).cpu().numpy().astype(np.float64)
        if LOSSES[self.loss_name].positive:
            output = np.exp(output)
        return output.reshape(-1, *self.shape) * self.scale + self.mean

    def score(self, y: Any, outputs: np.ndarray, weight: np.ndarray | None) -> float:
        # R^2 is of no unit, and squares of numbers beyond this would overflow.
        unit = max(np.abs(y).max() / LARGEST, 1.0)
        return float(r2_score(y / unit, outputs / unit, sample_weight=weight))

    def stopping_score(self, y: Any, outputs: Any, weight: np.ndarray | None) -> float:
        """R^2, or minus the loss where that is not the squared error."""
        if self.loss_name == "squared_error":
            # Of a single sample R^2 is not defined.
            return self.score(y, outputs, weight) if len(y) > 1 else float("nan")
        target = self.encode(y)
        z = (outputs.reshape(len(outputs), -1) - self.mean) / self.scale
        if LOSSES[self.loss_name].positive:
            z = np.log(np.maximum(z, TINY))
        weights = None if weight is None else torch.from_numpy(weight / weight.mean())
        loss, _ = self.criterion(torch.from_numpy(z).float(), target, weights)
        return -loss.item()

    def _refuse_enormous(self, y: np.ndarray, z: np.ndarray) -> None:
        bad = (np.abs(z) > ENORMOUS).reshape(len(z), -1).any(1)
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
                f'loss="poisson" needs targets from 0 on; y[{i}] is {y[i]}.'
            )


def _within_reach(plain: Location, robust: Location) -> Location:
    """The robust centre, with a scale that brings a tail within reach."""
    scale = min(plain.scale, LARGEST_SCALE * robust.scale)
    return Location(robust.mean, scale, robust.is_dominated)
