"""Forecasts of series beside their histories and what came after."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lamina.encoders.forecasting.futures import read_future
from lamina.encoders.series.panel import Panel
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.forecaster import SeriesForecaster
from lamina.estimators.kinds import fitted
from lamina.exceptions import data_errors
from lamina.inputs import DataLike
from lamina.inspection.axes import grid, new_axes
from lamina.params import at_least, check_value, none
from lamina.tasks.quantiles import uncrossed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

HORIZONS_SHOWN, MIN_SHOWN = 4, 24
"""Steps of the history that are drawn: so many horizons, or at least these."""


@dataclass(frozen=True, eq=False)
class SeriesForecast:
    """The forecast of one series."""

    history: np.ndarray
    """(n_steps,) the values before the forecast."""
    median: np.ndarray
    """(horizon,)"""
    quantiles: np.ndarray
    """(horizon, n_quantiles), in the order of `levels`."""
    levels: tuple[float, ...] = ()
    truth: np.ndarray | None = None
    """(horizon,) the values that came after; None where they are not known."""
    times: np.ndarray | None = None
    """(n_steps + horizon,) the time of each step; None numbers them."""
    name: str = ""


class ForecastDisplay:
    """Forecasts with the fan of their quantiles, the history and what came after.

    It is recommended to use :meth:`from_estimator`.

    Parameters
    ----------
    forecasts : list of SeriesForecast
        A forecast for each series.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes of a single series, or those around the grid of several.
    axes_ : ndarray of shape (n_series,) of matplotlib Axes
        The axes of each series.
    figure_ : matplotlib Figure
        The figure of the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import Forecaster
    >>> from lamina.inspection import ForecastDisplay
    >>> series = np.sin(np.arange(120) * np.pi / 6)
    >>> network = Forecaster(horizon=6, quantiles=(0.1, 0.9), max_iter=2)
    >>> network = network.fit(series[:114])
    >>> display = ForecastDisplay.from_estimator(network, y=series[114:])
    >>> display.forecasts[0].quantiles.shape
    (6, 2)
    """

    ax_: "Axes"
    axes_: np.ndarray
    figure_: "Figure | SubFigure"

    def __init__(self, forecasts: Sequence[SeriesForecast]):
        self.forecasts = forecasts

    @classmethod
    def from_estimator(  # noqa: PLR0913
        cls,
        estimator: NeuralEstimator,
        X: DataLike | None = None,
        y: DataLike | None = None,
        *,
        future: DataLike | None = None,
        n_series: int = 6,
        ax: "Axes | None" = None,
    ) -> Self:
        """Forecast series, and plot the first of them.

        Parameters
        ----------
        estimator : fitted Forecaster
            The network; with `quantiles` the fan is drawn.
        X : series, or list or frame of series, default=None
            Histories; None continues those of the last `fit`.
        y : array-like of shape (horizon,) or (n_series, horizon), or frame, default=None
            The values that came after, as for `score`; NaN where they are missing.
        future : array-like or frame, default=None
            The next values of `known_columns`, as for `predict`.
        n_series : int >= 1, default=6
            The most series to plot.
        ax : matplotlib Axes, default=None
            Where to plot.

        Returns
        -------
        display : ForecastDisplay
            The display, with its `forecasts`.

        Raises
        ------
        ParameterError
            The estimator is no forecaster, or `n_series` is not positive.
        DataError
            X, y or future cannot be read.
        """
        takes = "ForecastDisplay takes a fitted Forecaster"
        network = fitted(estimator, SeriesForecaster, takes)
        encoder, task = network._parts()
        check_value("argument 'n_series'", n_series, at_least(1))
        panel = network._histories(X, future)
        truth = None
        if y is not None:
            with data_errors("y"):
                value = [panel.source.value]
                truth = read_future(y, panel, value, encoder, "y")
        outputs = network._outputs_of_plain(panel)
        levels = tuple(task.levels[1:])
        forecasts = [
            SeriesForecast(
                history=panel[i][:, 0],
                median=outputs[i, :, 0],
                quantiles=uncrossed(outputs[i, :, 1:], levels),
                levels=levels,
                truth=None if truth is None else truth[i][:, 0],
                times=times_of(panel, i, task.horizon),
                name=_name(panel, i),
            )
            for i in range(min(n_series, len(panel)))
        ]
        return cls(forecasts).plot(ax=ax)

    def plot(self, *, n_steps: int | None = None, ax: "Axes | None" = None) -> Self:
        """Plot the forecasts, a pair of axes for each series.

        Parameters
        ----------
        n_steps : int, default=None
            The last steps of each history to plot; None takes four horizons, and at
            least 24 steps.
        ax : matplotlib Axes, default=None
            Where to plot; None makes a new figure. Several series divide it into a grid.

        Returns
        -------
        display : ForecastDisplay
            The display, with `ax_`, `axes_` and `figure_`.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        ParameterError
            `n_steps` is not positive.
        """
        check_value("argument 'n_steps'", n_steps, at_least(1), none())
        if len(self.forecasts) == 1:
            self.ax_ = new_axes(ax, (7.2, 3.6))
            self.axes_ = np.array([self.ax_])
        else:
            self.ax_, self.axes_ = grid(ax, len(self.forecasts), 2, (4.8, 2.6))
        self.figure_ = self.ax_.figure
        for each, forecast in zip(self.axes_, self.forecasts, strict=True):
            _plot_series(each, forecast, n_steps)
        parts = self.axes_[0].get_legend_handles_labels()
        style = {"ncols": len(parts[1]), "frameon": False, "fontsize": "small"}
        if ax is None:
            self.figure_.legend(*parts, loc="outside upper center", **style)
        else:
            self.axes_[0].legend(fontsize="x-small")
        return self


def _plot_series(ax: "Axes", forecast: SeriesForecast, n_steps: int | None) -> None:
    """The history, the fan, the median and the truth of one series."""
    n, horizon = len(forecast.history), len(forecast.median)
    times = np.arange(n + horizon) if forecast.times is None else forecast.times
    n_shown = n_steps or max(HORIZONS_SHOWN * horizon, MIN_SHOWN)
    first = max(0, n - n_shown)
    ax.plot(times[first:n], forecast.history[first:], color="0.35", label="history")
    after = times[n:]
    _plot_fan(ax, forecast, after)
    mark = "o" if horizon == 1 else ""
    ax.plot(after, forecast.median, color="C0", marker=mark, label="median forecast")
    if forecast.truth is not None:
        style = {"color": "C3", "marker": ".", "linewidth": 1}
        ax.plot(after, forecast.truth, label="held-out truth", **style)
    ax.axvline(after[0], color="0.6", linewidth=0.8, linestyle=":")
    ax.margins(x=0.01)
    ax.set_title(forecast.name, fontsize="medium")
    if np.issubdtype(times.dtype, np.datetime64):
        _label_dates(ax)
    else:
        ax.set_xlabel("step")


def _plot_fan(ax: "Axes", forecast: SeriesForecast, after: np.ndarray) -> None:
    """Bands between pairs of quantiles, the outermost first.

    A band leaves out what the next one covers: transparent colours that lie on one another
    would differ from those of the legend.
    """
    ascending, n = np.argsort(forecast.levels), len(after)
    edges = forecast.quantiles[:, ascending].T
    levels = 100 * np.array(forecast.levels)[ascending]
    n_bands = len(edges) // 2
    for band, shade in enumerate(np.linspace(0.2, 0.45, n_bands)):
        low, high = edges[band], edges[-1 - band]
        is_last = band == n_bands - 1
        inner = (high, high) if is_last else (edges[band + 1], edges[-2 - band])
        ax.fill_between(
            np.concatenate([after, after[-1:], after]),
            np.concatenate([low, low[-1:], inner[1]]),
            np.concatenate([inner[0], low[-1:], high]),
            where=np.arange(2 * n + 1) != n,
            color="C0",
            alpha=shade,
            linewidth=3 if n == 1 else 0,  # a single step has no area
            label=f"{levels[band]:g} % to {levels[-1 - band]:g} %",
        )


def _label_dates(ax: "Axes") -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))


def _name(panel: Panel, i: int) -> str:
    if panel.ids is not None:
        return str(panel.ids[i])
    return f"series {i}" if len(panel) > 1 else ""


def times_of(panel: Panel, i: int, horizon: int) -> np.ndarray:
    """The times of the steps of a series and of the horizon after it, or their numbers."""
    stop, n = panel.stops()[i], len(panel[i])
    steps = np.arange(stop - n, stop + horizon)
    if panel.first_stamps is None or panel.frequency is None:
        return steps
    assert panel.source.kind is not None
    stamps: Any = panel.frequency.after(panel.first_stamps[i], steps)
    is_calendar = panel.source.kind.is_calendar
    return stamps.astype("datetime64[us]") if is_calendar else stamps
