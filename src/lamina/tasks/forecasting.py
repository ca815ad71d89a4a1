"""Forecasting: the next steps of a series, all at once."""

from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, HistoryChannel
from lamina.exceptions import DataError, ParameterError
from lamina.nn.heads import LastStepsHead, last_steps
from lamina.nn.losses import weighted_mean
from lamina.nn.model import Model
from lamina.params import Params, Rule, Use, none
from lamina.tasks.base import Task

MEDIAN = 0.5
LARGEST = 1e100
"""No bound of a forecast is greater."""


def levels() -> Rule:
    """Quantiles."""
    return Rule(
        "tuple of distinct float in (0, 1)",
        lambda v: (
            isinstance(v, list | tuple)
            and all(isinstance(q, float | np.floating) and 0 < q < 1 for q in v)
            and len(set(v)) == len(v)
        ),
    )


def number() -> Rule:
    """A finite number whose square is one."""
    return Rule(
        f"float of at most {LARGEST:g}",
        lambda v: (
            isinstance(v, int | float | np.number)
            and not isinstance(v, bool)
            and bool(abs(v) <= LARGEST)
        ),
    )


class ForecastingParams(Params):
    """What is forecast."""

    quantiles: Annotated[
        tuple[float, ...],
        levels(),
        Use.FROZEN,
        "Quantiles that `predict_quantiles` gives, beside the median of `predict`.",
    ] = ()
    lower: Annotated[
        float | None,
        number(),
        none(),
        Use.AT_ONCE,
        """The least value that is possible, such as 0 for counts. Forecasts below it are
        raised to it, which keeps medians and quantiles what they are; series that `fit`
        sees must not be below it.""",
    ] = None
    upper: Annotated[
        float | None,
        number(),
        none(),
        Use.AT_ONCE,
        "The greatest value that is possible, as `lower`.",
    ] = None


class Forecasting(Task):
    """Series are their own targets; output (B, horizon, 1 + quantiles)."""

    requires_y: ClassVar = False
    causal: ClassVar = True
    long_range: ClassVar = False
    default_steps: ClassVar = 600
    largest_batch: ClassVar = 128

    season: int = 1
    """By the changes over so many steps errors are scaled; of the samples of `fit`."""

    def __init__(self, params: Any):
        super().__init__(params)
        self.horizon = params.horizon
        self.levels = (MEDIAN, *map(float, params.quantiles))

    def configure_prediction(self, params: Any) -> None:
        self.lower, self.upper = params.lower, params.upper
        if None not in (self.lower, self.upper) and self.lower >= self.upper:
            raise ParameterError(
                f"lower={self.lower!r} is not below upper={self.upper!r}."
            )

    def read(self, y: Any, X: Any) -> Any:
        """The series X, which are their own targets."""
        del y
        for i, series in enumerate(X):
            self._refuse_beyond(series[:, 0], X.name(i))
        return X

    def _refuse_beyond(self, values: np.ndarray, name: str) -> None:
        for bound, is_beyond in (
            (f"lower={self.lower!r}", self.lower is not None and values < self.lower),
            (f"upper={self.upper!r}", self.upper is not None and values > self.upper),
        ):
            if np.any(is_beyond):
                step = int(np.argmax(is_beyond))
                raise DataError(
                    f"{name} is {values[step]:g} in step {step}, beyond {bound}."
                )

    def check_fit(self, target: Any, samples: Any, body: Any) -> None:
        """Errors are scaled by the season that the samples go by."""
        del target, body
        self.season = samples.season

    def head(self, body: Any) -> LastStepsHead:
        return LastStepsHead(body.width, self.horizon, len(self.levels))

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """The pinball loss in the units of each window, over the steps that are known.

        Of the median alone that is half of the absolute error.
        """
        target, output = batch.target[..., None], self.output(model, batch)
        seen = ~target.isnan()
        over = torch.where(seen, target - output, 0.0)
        levels = output.new_tensor(self.levels)
        losses = torch.maximum(levels * over, (levels - 1) * over).mean(2)
        known = seen[..., 0].sum(1)
        return weighted_mean(losses.sum(1) / known.clamp(min=1), batch.weight)

    def predict(self, model: Model, batch: Batch) -> np.ndarray:
        """(B, horizon, 1 + quantiles) in the user's units, quantiles in order."""
        output = self.output(model, batch).double()
        level, scale = _units(batch)[:, 0], _units(batch)[:, 1]
        output = level[:, None, None] + scale[:, None, None] * output
        values = output.cpu().numpy()
        if self.lower is None and self.upper is None:
            return values
        return np.clip(values, self.lower, self.upper)

    def score(
        self, y: list[np.ndarray], outputs: np.ndarray, weight: np.ndarray | None
    ) -> float:
        """Minus the mean absolute scaled error of the last steps of the series y."""
        errors = [
            scaled_error(series[:, 0], forecast[:, 0], self.horizon, self.season)
            for series, forecast in zip(y, outputs, strict=True)
        ]
        weight = np.ones(len(y)) if weight is None else np.asarray(weight, float)
        known = np.isfinite(errors)
        if not known.any():
            raise DataError(
                "No series has a scale and a known value among its last steps."
            )
        return -float(np.average(np.array(errors)[known], weights=weight[known]))

    def output(self, model: Model, batch: Batch) -> Tensor:
        """What follows, in the units of each window: the level and the season, at first."""
        baseline = batch.x[..., HistoryChannel.SEASONAL_BASELINE, None]
        return last_steps(baseline, batch.lengths, self.horizon) + model(batch).float()


def _units(batch: Batch) -> Tensor:
    """(B, 2): the level and the scale of each window."""
    assert batch.units is not None
    return batch.units


def scaled_error(
    series: np.ndarray, forecast: np.ndarray, horizon: int, season: int
) -> float:
    """MASE (Hyndman & Koehler 2006); NaN where nothing is known, or all was the same."""
    history, truth = series[:-horizon], series[-horizon:]
    errors = np.abs(truth - forecast)
    changes = np.abs(history[season:] - history[:-season])
    if np.isnan(errors).all() or np.isnan(changes).all() or not np.nansum(changes):
        return np.nan
    return float(np.nanmean(errors) / np.nanmean(changes))
