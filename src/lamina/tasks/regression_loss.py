"""The losses of regression, and the parameters that choose one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from torch import Tensor

from lamina.nn.losses import (
    LossAndGradient,
    absolute_error,
    gamma,
    huber,
    pinball,
    poisson,
    squared_error,
)
from lamina.params import Params, Use, fraction, only_with
from lamina.tasks.quantiles import distinct_levels


class LossParams(NamedTuple):
    """Parameters of the losses."""

    levels: tuple[float, ...]
    """The quantiles, rising."""
    deltas: tuple[float, ...]
    """The scaled error of each output from which on the Huber loss is linear."""


@dataclass(frozen=True)
class Loss:
    """A loss, `criterion(output, target, weight, loss_params)`."""

    criterion: Callable[[Tensor, Tensor, Tensor | None, LossParams], LossAndGradient]
    positive: bool = False
    """Whether outputs are logarithms of predictions."""
    takes_zero: bool = True
    """Whether a target may be 0, if outputs are logarithms."""
    robust: bool = False
    """Whether the gradient is bounded, however large the error."""


LOSSES = {
    "squared_error": Loss(lambda o, t, w, _: squared_error(o, t, w)),
    "absolute_error": Loss(lambda o, t, w, _: absolute_error(o, t, w), robust=True),
    "huber": Loss(lambda o, t, w, p: huber(o, t, w, p.deltas), robust=True),
    "quantile": Loss(lambda o, t, w, p: pinball(o, t, w, p.levels), robust=True),
    "poisson": Loss(lambda o, t, w, _: poisson(o, t, w), positive=True),
    "gamma": Loss(lambda o, t, w, _: gamma(o, t, w), positive=True, takes_zero=False),
}


class RegressionParams(Params):
    """The loss of a regressor."""

    loss: Annotated[
        Literal[
            "squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma"
        ],
        Use.FROZEN,
        """What is minimised, on standardised targets: "squared_error" learns the mean,
        "absolute_error" the median, "huber" something between them, "quantile" the
        `quantiles`; "poisson" learns the mean of targets of at least 0, such as counts,
        and "gamma" that of targets above 0 whose deviation is proportional to their mean.
        Outliers among the targets have little effect on "absolute_error", "huber" and
        "quantile".

        Predictions are clipped, so that a strange value in X does not give an absurd one:
        to the range of the targets of `fit`, extended on both sides by half of its length;
        those of "poisson" and "gamma" lie above 0, up to twice the largest target.""",
    ] = "squared_error"
    quantiles: Annotated[
        float | Sequence[float],
        fraction(zero=False),
        distinct_levels(least=1),
        only_with(loss="quantile"),
        Use.FROZEN,
        """The quantile to learn, or several at once, whose predictions do not cross. A
        sequence adds an axis to what `predict` returns, also if it has one element.""",
    ] = 0.5
