"""Forecasting: the next steps of a series, all of them together."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, HistoryChannel
from lamina.exceptions import DataError, ParameterError
from lamina.nn.body import Body, CausalBody
from lamina.nn.heads import LastStepsHead, last_steps
from lamina.nn.losses import weighted_mean
from lamina.nn.model import Model
from lamina.params import Params, Use, from_to
from lamina.tasks.base import Task
from lamina.tasks.quantiles import distinct_levels

MEDIAN = 0.5
LARGEST = 1e100
"""The greatest absolute value of `lower` and `upper`."""


class ForecastingParams(Params):
    """Which values are forecast, and their bounds."""

    quantiles: Annotated[
        Sequence[float],
        distinct_levels(),
        Use.FROZEN,
        "Quantiles for `predict_quantiles`; `predict` gives the median.",
    ] = ()
    lower: Annotated[
        float | None,
        from_to(-LARGEST, LARGEST),
        Use.AT_ONCE,
        """The least possible value, such as 0 for counts. Forecasts below it are set to
        it, which is right for medians and quantiles. Series with values below it are
        refused.""",
    ] = None
    upper: Annotated[
        float | None,
        from_to(-LARGEST, LARGEST),
        Use.AT_ONCE,
        "The greatest possible value; see `lower`.",
    ] = None


class Forecasting(Task):
    """Series are their own targets; outputs (B, horizon, 1 + quantiles)."""

    requires_y: ClassVar = False
    causal: ClassVar = True
    body_type: ClassVar = CausalBody
    long_range: ClassVar = False
    default_steps: ClassVar = 600
    largest_batch: ClassVar = 128

    season: int = 1
    """Steps of a season, over which the changes that scale errors are taken."""

    def __init__(self, params: Any):
        super().__init__(params)
        self.horizon = params.horizon
        self.levels = (MEDIAN, *params.quantiles)

    def configure_prediction(self, params: ForecastingParams) -> None:
        lower, upper = self.lower, self.upper = params.lower, params.upper
        if lower is not None and upper is not None and lower >= upper:
            raise ParameterError(f"lower={lower!r} is not below upper={upper!r}.")

    def read(self, y: object, X: Any) -> Any:
        """The series X, as their own targets."""
        del y
        for i, series in enumerate(X):
            self._refuse_out_of_bounds(series[:, 0], X.name(i))
        return X

    def _refuse_out_of_bounds(self, values: np.ndarray, name: str) -> None:
        for bound, is_beyond in (
            (f"lower={self.lower!r}", self.lower is not None and values < self.lower),
            (f"upper={self.upper!r}", self.upper is not None and values > self.upper),
        ):
            if np.any(is_beyond):
                step = int(np.argmax(is_beyond))
                raise DataError(
                    f"{name} is {values[step]:g} in step {step}, beyond {bound}."
                )

    def check_fit(self, target: Any, samples: Any, body: Body) -> None:
        """Take over the season of the samples, which scales errors."""
        del target, body
        self.season = samples.season

    def head(self, body: Body) -> LastStepsHead:
        return LastStepsHead(body.width, self.horizon, len(self.levels))

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """The pinball loss in the scale of each window, over the observed steps.

            mean over quantiles q of max(q e, (q - 1) e), with e = target - output

        For the median alone it is half of the absolute error.
        """
        target, output = batch.target[..., None], self.output(model, batch)
        is_observed = ~target.isnan()
        error = torch.where(is_observed, target - output, 0.0)
        levels = output.new_tensor(self.levels)
        losses = torch.maximum(levels * error, (levels - 1) * error).mean(2)
        n_observed = is_observed[..., 0].sum(1)
        return weighted_mean(losses.sum(1) / n_observed.clamp(min=1), batch.weight)

    def predict(self, model: Model, batch: Batch) -> np.ndarray:
        """(B, horizon, 1 + quantiles) in the scale of the series."""
        assert batch.level_and_scale is not None
        level, scale = batch.level_and_scale[:, :, None, None].unbind(1)
        output = level + scale * self.output(model, batch).double()
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
        is_defined = np.isfinite(errors)
        if not is_defined.any():
            raise DataError(
                "No series has both changes, which scale its errors, and an observed value "
                "among its last steps."
            )
        errors = np.array(errors)[is_defined]
        return -float(np.average(errors, weights=weight[is_defined]))

    def output(self, model: Model, batch: Batch) -> Tensor:
        """The next values, in the scale of each window.

        Before training, when the head gives 0, they are the seasonal baseline.
        """
        baseline = batch.x[..., HistoryChannel.SEASONAL_BASELINE, None]
        return last_steps(baseline, batch.lengths, self.horizon) + model(batch).float()


def scaled_error(
    series: np.ndarray, forecast: np.ndarray, horizon: int, season: int
) -> float:
    """MASE (Hyndman & Koehler 2006): the mean absolute error of the last `horizon` steps.

    Divided by the mean absolute change over a season in the steps before. NaN if no error
    or no change is observed, or if all changes are 0.
    """
    history, truth = series[:-horizon], series[-horizon:]
    errors = np.abs(truth - forecast)
    changes = np.abs(history[season:] - history[:-season])
    if np.isnan(errors).all() or np.isnan(changes).all() or not np.nansum(changes):
        return np.nan
    return float(np.nanmean(errors) / np.nanmean(changes))
