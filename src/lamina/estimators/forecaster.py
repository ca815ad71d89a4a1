"""Forecasting: series in, their next steps out."""

from typing import Annotated, Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from lamina.bodies.recurrent import CausalRecurrentParams, RNNBody
from lamina.encoders.answers import give_back
from lamina.encoders.base import Encoder
from lamina.encoders.futures import read_after
from lamina.encoders.histories import HistoryEncoder
from lamina.encoders.history_params import HistoryParams
from lamina.encoders.panels import Panel
from lamina.encoders.steps import is_native
from lamina.estimators.data import read_weight
from lamina.estimators.sequence import SequenceEstimator
from lamina.exceptions import DataError, ParameterError, data_errors
from lamina.params import Fitted, Use, at_least, check_params, fraction
from lamina.tasks.base import Task
from lamina.tasks.forecasting import Forecasting, ForecastingParams
from lamina.training.params import Rate
from lamina.training.precision import device_of, on_device


class FittedForecaster(Fitted):
    """What forecasters have after `fit`."""

    series_: Annotated[
        Panel,
        "sequence of ndarray of shape (n_steps, n_columns)",
        "The series that the last `fit` saw, in order of time and at regular steps.",
    ]
    season_: Annotated[
        int, "int", "Steps after which they resemble themselves, 1 if they do not."
    ]


class SeriesForecaster(
    SequenceEstimator, FittedForecaster, ForecastingParams, HistoryParams
):
    """Abstract forecaster; a public class names its body."""

    task = Forecasting
    learning_rate_init: Rate = 0.003
    encoders = {"series": HistoryEncoder}  # noqa: RUF012

    def predict(self, X: Any = None, future: Any = None) -> Any:
        """The next values of each series, their medians, as many as `fit` was to forecast.

        Parameters
        ----------
        X : series, or list or frame of n_series series, default=None
            Histories up to the moment from which on is forecast; None goes on from those
            that the last `fit` saw.
        future : array-like of shape (n_series, horizon, n_known) or frame, default=None
            The next values of `known_columns`, in this order. A frame has them by name,
            with the ids and the next stamps of X; its other columns are left aside.

        Returns
        -------
        y : ndarray of shape (n_series, horizon), series or frame
            Arrays and lists give an array, of shape (horizon,) if X is a single series.
            A series or a frame of pandas, polars or pyarrow gives the same: the ids, the
            stamps that follow, and the values.
        """
        panel = self._histories(X, future)
        return give_back(panel, self._outputs_of_plain(panel)[:, :, 0])

    def predict_quantiles(self, X: Any = None, future: Any = None) -> Any:
        """The `quantiles` of each of the next values.

        Parameters
        ----------
        X : series, or list or frame of n_series series, default=None
            Histories up to the moment from which on is forecast; None goes on from those
            that the last `fit` saw.
        future : array-like of shape (n_series, horizon, n_known) or frame, default=None
            The next values of `known_columns`, as for `predict`.

        Returns
        -------
        y : ndarray of shape (n_series, horizon, n_quantiles) or frame
            Rising where the quantiles rise. Of shape (horizon, n_quantiles) if X is a
            single series. A frame has a column for each quantile, called by it: "0.1".
        """
        panel = self._histories(X, future)
        levels = self._parts()[1].levels[1:]
        if not levels:
            raise ParameterError("quantiles=() in fit, so there are none to give.")
        found = self._outputs_of_plain(panel)[:, :, 1:]
        order = np.argsort(np.argsort(levels))
        found = np.sort(found, axis=2)[:, :, order]
        return give_back(panel, found, [str(level) for level in levels])

    def score(
        self, X: Any, y: Any = None, sample_weight: Any = None, future: Any = None
    ) -> float:
        """How good forecasts are: minus the mean absolute scaled error.

        Parameters
        ----------
        X : series, or list or frame of n_series series
            Histories. Without y, the last steps of each, as many as are forecast, are
            compared with a forecast from those before.
        y : array-like of shape (horizon,) or (n_series, horizon), or frame, default=None
            What follows the histories; NaN where it is not known. A frame is matched by
            ids and stamps.
        sample_weight : array-like of shape (n_series,), default=None
            Weight of each series.
        future : array-like or frame, default=None
            The values of `known_columns` beside y. A frame y may have them itself, and
            without y X has them.

        Returns
        -------
        score : float
            0 is perfect, and -1 is as good as the seasonal naive forecast within the
            history. Series that do not change at all have no scale and do not count.
        """
        panel = self._plain(X)
        if y is not None:
            with data_errors("y"):
                panel = self._joined(panel, y, future)
        elif future is not None:
            raise DataError("future goes with y; without y, X has the known columns.")
        weight = read_weight(sample_weight, len(panel))
        return self.task_.score(panel, self._held_back(panel), weight)

    def _held_back(self, panel: Panel) -> np.ndarray:
        """The forecasts of the last steps of each series."""
        check_params(self, only=Use.AT_ONCE)
        self.task_.configure(self)
        samples = self.encoder_.encode(panel).in_validation()
        with on_device(self.network_, device_of(self.device)):
            return self.outputs_of(
                self.network_, self.encoder_, samples, self.task_.predict
            )

    def _histories(self, X: Any, future: Any) -> Panel:
        check_is_fitted(self, "network_")
        panel = self.series_ if X is None else self._plain(X)
        return self._with_future(panel, future)

    def _with_future(self, panel: Panel, future: Any) -> Panel:
        """The panel with the future of the known columns."""
        encoder, task = self._parts()
        known = list(encoder.known_columns)
        if not known:
            if future is not None:
                raise DataError("future has no use: known_columns was empty in fit.")
            return panel
        if future is None:
            raise DataError(
                f"The columns {known!r} are known_columns; pass their next "
                f"{task.horizon} values as future."
            )
        panel = panel.with_values(panel.values)
        panel.future = read_after(future, panel, known, encoder, "future")
        return panel

    def _joined(self, panel: Panel, y: Any, future: Any) -> Panel:
        """Whole series: X, with y behind it and the known columns beside."""
        encoder, task = self._parts()
        horizon = task.horizon
        value = [panel.source.value]
        truth = read_after(y, panel, value, encoder, "y")
        if future is None and encoder.known and is_native(y):
            future = y
        after = self._with_future(panel, future).future
        joined = []
        for i, x in enumerate(panel):
            more = np.full((horizon, x.shape[1]), np.nan)
            more[:, :1] = truth[i]
            if after is not None:
                more[:, encoder.known] = after[i]
            joined.append(np.concatenate([x, more]))
        return panel.with_values(joined)

    def _parts(self) -> tuple[HistoryEncoder, Forecasting]:
        encoder, task = self.encoder_, self.task_
        assert isinstance(encoder, HistoryEncoder) and isinstance(task, Forecasting)
        return encoder, task

    def fitted_from(self, encoder: Encoder, task: Task, X: Any) -> dict[str, Any]:
        assert isinstance(encoder, HistoryEncoder)
        del task
        return {"season_": encoder.season, "series_": X}


class ForecastBodyParams(CausalRecurrentParams, use=Use.FROZEN):
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
    series or a frame of pandas, polars or pyarrow with a row for each step (`id_column`,
    `time_column`, `value_column`; what other columns it has helps, and `known_columns`
    with their future). Forecasts come back as what X was, with the ids and the stamps that
    follow. NaN is a missing step, and counts as the same step of the season before. Each
    window of a series is seen in its own level and scale, and what is learnt is the
    difference from what is usual in the season, in absolute errors.

    {parameters}

    {attributes}

    See Also
    --------
    RNNRegressor : A single number for each series.

    Notes
    -----
    Cross-validate a single series with `TimeSeriesSplit`; a test fold needs as many steps
    as the horizon and a season and one. `KFold` takes folds out of the middle and joins
    what is before and after: with stamps the gap is seen, filled with missing steps and
    warned of, and in an array it cannot be seen. `early_stopping` sets whole series aside.

    `season`, `horizon`, `window`, `quantiles` and the columns are those of `fit` until
    another `fit` starts anew; `warm_start` goes on with them.

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

    body = RNNBody
