"""Reports of regressors: numbers, or quantiles of them."""

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from lamina.reporting.blocks import Block, Cell, Section, Table
from lamina.reporting.figures import LINE, QUIET, figure_of
from lamina.reporting.intervals import LOWER, Score
from lamina.reporting.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_OUTPUTS, MAX_POINTS = 4, 1_500
"""Outputs that are plotted, and points of a plot: more would make the page slow."""


class RegressionResults(Results):
    """Values (n, K), and where the estimator has them quantiles (n, K, Q)."""

    @cached_property
    def true(self) -> np.ndarray:
        """(n, K), the targets."""
        return np.asarray(self.y, float).reshape(len(self), -1)

    @cached_property
    def quantiles(self) -> np.ndarray:
        """(n, K, Q) in the order of `levels`; Q is 1 without quantiles."""
        n_levels = max(len(self.task.levels), 1)
        return np.asarray(self.outputs, float).reshape(*self.true.shape, n_levels)

    @cached_property
    def predicted(self) -> np.ndarray:
        """(n, K), of quantiles the one nearest to the median."""
        levels = np.array(self.task.levels or (0.5,))
        return self.quantiles[..., int(np.abs(levels - 0.5).argmin())]

    def targets(self) -> list[Block]:
        rows: list[list[Cell]] = [
            [
                self._name(i),
                *np.quantile(column, [0, 0.25, 0.5, 0.75, 1]).tolist(),
                float(column.mean()),
            ]
            for i, column in enumerate(self.true.T)
        ]
        header = ["Target", "Least", "25%", "Median", "75%", "Largest", "Mean"]
        return [Table("Targets of the test samples", header, rows)]

    def scores(self) -> list[Score]:
        intervals, true, predicted = self.intervals, self.true, self.predicted
        is_quantile = bool(self.task.levels)
        name = "D² of the pinball loss" if is_quantile else "R²"
        scores = [intervals.of_rows(name, self._score_of_rows)]
        if not is_quantile:
            scores += [
                intervals.of_rows(
                    "Mean absolute error",
                    lambda rows: mean_absolute_error(true[rows], predicted[rows]),
                    LOWER,
                ),
                intervals.of_rows(
                    "Root mean squared error",
                    lambda rows: root_mean_squared_error(true[rows], predicted[rows]),
                    LOWER,
                ),
            ]
        for k, level in enumerate(self.task.levels):
            below = true <= self.quantiles[..., k]
            name = f"Targets below the quantile {level:g}"
            score = intervals.of_fraction(name, int(below.sum()), below.size)
            scores.append(replace(score, reading=f"{level:g} is right"))
        return scores

    def _score_of_rows(self, rows: np.ndarray) -> float:
        if len(rows) < 2 or (self.y[rows] == self.y[rows[0]]).all():
            return np.nan  # constant targets have no variance to explain
        return self.task.score(self.y[rows], self.outputs[rows], None)

    def details(self) -> list[Section]:
        blocks: list[Block] = []
        if self.true.shape[1] > 1 and not self.task.levels:
            blocks.append(self._by_output())
        rows = self.random_rows(MAX_POINTS)
        drawn = "" if len(rows) == len(self) else f", for {len(rows):,} of the samples"
        for i in range(min(self.true.shape[1], MAX_OUTPUTS)):
            true, predicted = self.true[rows, i], self.predicted[rows, i]
            blocks.append(_scatter(true, predicted, self._name(i), drawn))
            residuals = self.true[:, i] - self.predicted[:, i]
            blocks.append(_histogram(residuals, self._name(i)))
        return [Section("Residuals", blocks)]

    def _by_output(self) -> Table:
        columns = zip(self.true.T, self.predicted.T, strict=True)
        rows: list[list[Cell]] = [
            [
                self._name(i),
                float(r2_score(true, predicted)) if len(true) > 1 else None,
                float(mean_absolute_error(true, predicted)),
                float(root_mean_squared_error(true, predicted)),
            ]
            for i, (true, predicted) in enumerate(columns)
        ]
        header = ["Target", "R²", "Mean absolute error", "Root mean squared error"]
        return Table("Scores of each target", header, rows)

    def _name(self, i: int) -> str:
        return "target" if self.true.shape[1] == 1 else f"target {i}"

    def losses(self) -> np.ndarray:
        """Absolute errors, in standard deviations of the target where there are several."""
        errors = np.abs(self.true - self.predicted)
        scale = self.true.std(0) if self.true.shape[1] > 1 else np.ones(1)
        return (errors / np.where(scale > 0, scale, 1)).mean(1)

    def pairs_of(self, row: int) -> list[tuple[str, Cell]]:
        pairs: list[tuple[str, Cell]] = []
        for i in range(min(self.true.shape[1], MAX_OUTPUTS)):
            name = "" if self.true.shape[1] == 1 else f"{self._name(i)}, "
            pairs += [
                (f"{name}true", float(self.true[row, i])),
                (f"{name}predicted", float(self.predicted[row, i])),
            ]
        return pairs


def _scatter(true: np.ndarray, predicted: np.ndarray, name: str, drawn: str) -> Block:
    def draw(ax: "Axes") -> None:
        bounds = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
        ax.plot(bounds, bounds, color=LINE, linewidth=1)
        ax.plot(true, predicted, "o", markersize=3, alpha=0.5, markeredgewidth=0)
        ax.set(xlabel="true value", ylabel="predicted value")
        ax.locator_params(nbins=5)

    caption = f"Predicted against true {name}{drawn}; points on the line are exact."
    return figure_of(draw, caption, width=3.8, height=3.4)


def _histogram(residuals: np.ndarray, name: str) -> Block:
    def draw(ax: "Axes") -> None:
        ax.hist(residuals, bins=min(40, max(5, len(residuals) // 10)), alpha=0.8)
        ax.axvline(0, color=QUIET, linewidth=0.8)
        ax.set(xlabel="true - predicted", ylabel="samples")

    return figure_of(draw, f"Residuals of the {name}.", height=2.2)
