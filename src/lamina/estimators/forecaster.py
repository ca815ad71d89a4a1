"""Forecasting: series in, their next steps out."""

from typing import Annotated, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.bodies.recurrent import CausalRecurrentParams, Recurrent
from lamina.encoders.base import Encoder
from lamina.encoders.histories import HistoryEncoder, HistoryParams
from lamina.encoders.panels import Panel, read_panel
from lamina.estimators.data import read_weight
from lamina.estimators.sequence import SequenceEstimator
from lamina.exceptions import DataError
from lamina.params import at_least, fraction
from lamina.tasks.base import Task
from lamina.tasks.forecasting import Forecasting, ForecastingParams
from lamina.training.params import Rate


class SeriesForecaster(SequenceEstimator, ForecastingParams, HistoryParams):
    """Abstract forecaster; a public class names its body."""

    task = Forecasting
    learning_rate_init: Rate = 0.003
    encoders = {"series": HistoryEncoder}  # noqa: RUF012

    def predict(self, X: Any = None) -> np.ndarray:
        """The next `horizon` values of each series, their medians.

        Parameters
        ----------
        X : series, or list or frame of n_series series, default=None
            Histories up to the moment from which on is forecast; None goes on from those
            that `fit` saw.

        Returns
        -------
        y : ndarray of shape (n_series, horizon)
            In the order of X, of a frame in that in which series first occur. Of shape
            (horizon,) if X is a single series, an array or a list of numbers.
        """
        series = self._histories(X)
        found = self._outputs(series)[:, :, 0]
        return found[0] if series.single else found

    def predict_quantiles(self, X: Any = None) -> np.ndarray:
        """The `quantiles` of each of the next values.

        Parameters
        ----------
        X : series, or list or frame of n_series series, default=None
            Histories up to the moment from which on is forecast; None goes on from those
            that `fit` saw.

        Returns
        -------
        y : ndarray of shape (n_series, horizon, n_quantiles)
            Rising where the quantiles rise. Of shape (horizon, n_quantiles) if X is a
            single series.
        """
        series = self._histories(X)
        found = self._outputs(series)[:, :, 1:]
        order = np.argsort(np.argsort(self.task_.levels[1:]))
        found = np.sort(found, axis=2)[:, :, order]
        return found[0] if series.single else found

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """How good forecasts are: minus the mean absolute scaled error.

        Parameters
        ----------
        X : series, or list or frame of n_series series
            Histories. Without y, the last `horizon` steps of each are what is forecast
            from those before.
        y : array-like of shape (horizon,) or (n_series, horizon), default=None
            What follows the histories; NaN where it is not known.
        sample_weight : array-like of shape (n_series,), default=None
            Weight of each series.

        Returns
        -------
        score : float
            0 is perfect, and -1 is as good as the seasonal naive forecast within the
            history. Series that do not change at all have no scale and no share.
        """
        check_is_fitted(self, "network_")
        series = self._joined(X, y)
        for i, x in enumerate(series):
            if len(x) < self.horizon + self.task_.season + 1:
                raise DataError(
                    f"Series {i} has {len(x)} steps; to be scored it needs "
                    f"{self.horizon + self.task_.season + 1}, the horizon and a season "
                    f"and one."
                )
        outputs = self._outputs(Panel(x[: -self.horizon] for x in series))
        weight = read_weight(sample_weight, len(series))
        return self.task_.score(series, outputs, weight)

    def _histories(self, X: Any) -> Panel:
        check_is_fitted(self, "network_")
        return self.series_ if X is None else read_panel(X, self)

    def _joined(self, X: Any, y: Any) -> list[np.ndarray]:
        """Whole series: X, with y behind it if it is given."""
        series = read_panel(X, self)
        if y is None:
            return series
        values = np.asarray(y, dtype=np.float64)
        values = values[None] if values.ndim == 1 else values
        if values.shape != (len(series), self.horizon):
            raise DataError(
                f"y has shape {np.shape(y)}; for {len(series)} series and a horizon of "
                f"{self.horizon} it has ({len(series)}, {self.horizon})."
            )
        joined = []
        for x, future in zip(series, values, strict=True):
            more = np.full((self.horizon, x.shape[1]), np.nan)
            more[:, 0] = future
            joined.append(np.concatenate([x, more]))
        return joined

    def fitted_from(self, encoder: Encoder, task: Task) -> dict[str, Any]:
        assert isinstance(encoder, HistoryEncoder) and isinstance(task, Forecasting)
        # Errors are scaled by the season that the network goes by.
        task.season = encoder.season
        return {"season_": encoder.season, "series_": encoder.series}


class ForecastBodyParams(CausalRecurrentParams):
    """A recurrent network that looks back."""

    hidden_size: Annotated[int, at_least(1), "Units of each layer."] = 64
    n_layers: Annotated[int, at_least(1), "Recurrent layers on top of each other."] = 1
    dropout: Annotated[
        float, fraction(), "Share of features dropped after each layer in training."
    ] = 0.1


class Forecaster(SeriesForecaster, ForecastBodyParams):
    """Recurrent network that forecasts series, one for all that it is given.

    X is a single series, an array (steps,) or a list of numbers; several, an array
    (series, steps), or a list of arrays (steps,) of any length; series with others beside
    them that help, a list of arrays (steps, columns) the first of which is forecast; or a
    frame of pandas or polars with a row for each step (`id_column`, `time_column`,
    `value_column`; what other columns it has helps). The future of what helps is not used.
    NaN is a missing step. Each window of a series is seen in its own level and scale, and
    what is learnt is the difference from what is usual in the season, in absolute errors.

    {parameters}

    {attributes}

    See Also
    --------
    RNNRegressor : A single number for each series.

    Notes
    -----
    In `cross_val_score` with `TimeSeriesSplit` a single series is given as an array; a test
    fold needs as many steps as the horizon and a season and one. `early_stopping` sets
    whole series aside.

    Examples
    --------
    >>> import numpy as np
    >>> from lamina import Forecaster
    >>> noise = np.random.default_rng(0).normal(scale=0.2, size=240)
    >>> series = 10 + np.sin(np.arange(240) * 2 * np.pi / 12) + noise
    >>> network = Forecaster(horizon=6, random_state=0).fit(series[:220])
    >>> network.predict().shape
    (6,)
    >>> score = network.score(series[:220], series[220:226])
    >>> bool(score > -1)  # better than the season before
    True
    """

    body = Recurrent
