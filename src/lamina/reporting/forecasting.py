"""Reports of forecasters: the last steps of each series against forecasts of them."""

from functools import cached_property
from typing import Any

import numpy as np

from lamina.encoders.series.panel import Panel
from lamina.exceptions import DataError, data_errors
from lamina.inputs import DataLike
from lamina.inspection.forecast import ForecastDisplay, SeriesForecast, times_of
from lamina.reporting.blocks import (
    Block,
    Cell,
    Facts,
    Figure,
    Paragraph,
    Section,
    Table,
)
from lamina.reporting.figures import SMALL_WIDTH, figure_of
from lamina.reporting.intervals import LOWER, Score
from lamina.reporting.results import Results
from lamina.tasks.forecasting import scaled_error
from lamina.tasks.quantiles import uncrossed


class ForecastResults(Results):
    """Forecasts (n, horizon, 1 + Q) of the steps that follow each history."""

    unit = "series"

    def read(
        self, X: DataLike, y: DataLike | None, future: DataLike | None
    ) -> tuple[Panel, Panel]:
        """The histories with the values that follow them; X has these without y."""
        estimator: Any = self.estimator
        panel = estimator._plain(X)
        if y is not None:
            with data_errors("y_test"):
                panel = estimator._joined(panel, y, future)
        elif future is not None:
            raise DataError("future needs y_test; without it, X_test has the columns.")
        return panel, self.task.read(None, panel)

    def outputs_of(self, plain: Panel) -> np.ndarray:
        return self.estimator._held_back(plain)

    @cached_property
    def truth(self) -> np.ndarray:
        """(n, horizon), NaN where a value is missing."""
        return np.stack([series[-self.task.horizon :, 0] for series in self.plain])

    @cached_property
    def errors(self) -> np.ndarray:
        """(n, horizon) absolute errors of the medians."""
        return np.abs(self.truth - self.outputs[:, :, 0])

    @cached_property
    def seasonal_errors(self) -> np.ndarray:
        """(n, horizon) absolute errors of the values a season before."""
        horizon, season = self.task.horizon, self.task.season
        steps = np.arange(horizon) % season - season
        naive = np.stack([series[:-horizon, 0][steps] for series in self.plain])
        return np.abs(self.truth - naive)

    @cached_property
    def scaled_errors(self) -> np.ndarray:
        """(n,) the mean absolute scaled error of each series; NaN where not defined."""
        horizon, season = self.task.horizon, self.task.season
        pairs = zip(self.plain, self.outputs[:, :, 0], strict=True)
        return np.array(
            [scaled_error(x[:, 0], forecast, horizon, season) for x, forecast in pairs]
        )

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """The quantiles, ascending."""
        return tuple(sorted(self.task.levels[1:]))

    @cached_property
    def quantiles(self) -> np.ndarray:
        """(n, horizon, Q) of ascending levels."""
        return np.sort(uncrossed(self.outputs[:, :, 1:], self.task.levels[1:]), -1)

    def targets(self) -> list[Block]:
        task = self.task
        return [Facts([("Horizon", task.horizon), ("Season in steps", task.season)])]

    def scores(self) -> list[Score]:
        of_rows, present = self.intervals.of_rows, ~np.isnan(self.truth)
        scores = [
            of_rows("Minus mean absolute scaled error", self._score_of_rows),
            of_rows(
                "Mean absolute error", lambda rows: _mean(self.errors[rows]), LOWER
            ),
            of_rows(
                "Mean absolute error of the season before",
                lambda rows: _mean(self.seasonal_errors[rows]),
                LOWER,
            ),
        ]
        for k, level in enumerate(self.levels):
            below = (self.truth <= self.quantiles[..., k]).astype(float)
            below[~present] = np.nan
            scores.append(
                of_rows(
                    f"Values below the quantile {level:g}",
                    lambda rows, below=below: _mean(below[rows]),
                    f"{level:g} is right",
                )
            )
        return scores

    def _score_of_rows(self, rows: np.ndarray) -> float:
        return -_mean(self.scaled_errors[rows])

    def details(self) -> list[Section]:
        return [self._by_step(), self._examples()]

    def _by_step(self) -> Section:
        curves = {
            "network": _mean_of_steps(self.errors),
            "season before": _mean_of_steps(self.seasonal_errors),
        }
        rows: list[list[Cell]] = [
            [step, *values]
            for step, values in enumerate(zip(*curves.values(), strict=True), 1)
        ]
        table = Table("Mean absolute error by step", ["Step", *curves], rows)
        return Section("Errors by horizon", [_lines_by_step(curves), table])

    def _examples(self) -> Section:
        rows = self.random_rows(self.options.n_examples).tolist()
        note = Paragraph(
            "The end of the history of each series, the values that followed, and the "
            "forecast, which was made without them."
        )
        return Section("Forecasts", [note, self.gallery(rows)])

    def name(self, row: int) -> str:
        return self.plain.name(row)

    def losses(self) -> np.ndarray:
        """The mean absolute scaled error; 0 where it is not defined."""
        return np.nan_to_num(self.scaled_errors)

    def blocks_of(self, row: int) -> list[Block]:
        forecast = SeriesForecast(
            history=self.plain[row][: -self.task.horizon, 0],
            median=self.outputs[row, :, 0],
            quantiles=self.quantiles[row],
            levels=self.levels,
            truth=self.truth[row],
            times=times_of(self.plain, row, horizon=0),
        )

        def draw(ax: Any) -> None:
            ForecastDisplay([forecast]).plot(ax=ax)
            ax.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1))

        caption = (
            f"{self.name(row)}: the history, the values that followed, and the forecast"
        )
        return [
            figure_of(draw, caption, width=SMALL_WIDTH, height=2.4, is_captioned=False)
        ]

    def pairs_of(self, row: int) -> list[tuple[str, Cell]]:
        return [("scaled error", float(self.scaled_errors[row]))]


def _lines_by_step(curves: dict[str, list[float]]) -> Figure:
    def draw(ax: Any) -> None:
        for name, values in curves.items():
            ax.plot(range(1, len(values) + 1), values, "o-", markersize=3, label=name)
        ax.set(xlabel="step of the forecast", ylabel="mean absolute error")
        ax.set_ylim(bottom=0)
        ax.locator_params(axis="x", integer=True)
        ax.legend()

    return figure_of(draw, "Mean absolute error of each step of the forecast.")


def _mean(values: np.ndarray) -> float:
    """The mean of the values that are not missing; NaN if all are."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def _mean_of_steps(errors: np.ndarray) -> list[float]:
    return [_mean(column) for column in errors.T]
