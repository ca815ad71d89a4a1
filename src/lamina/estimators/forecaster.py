"""Forecasting of series."""

from copy import copy
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from lamina.bodies.recurrent import CausalRecurrentParams, RNNBody
from lamina.docstrings import Fitted
from lamina.encoders.base import Encoder
from lamina.encoders.forecasting.encoder import HistoryEncoder
from lamina.encoders.forecasting.futures import read_future
from lamina.encoders.forecasting.outputs import to_container
from lamina.encoders.forecasting.params import HistoryParams
from lamina.encoders.series.panel import Panel
from lamina.encoders.series.steps import is_native
from lamina.estimators.data import read_weight
from lamina.estimators.sequence import SequenceEstimator
from lamina.exceptions import DataError, ParameterError, data_errors
from lamina.inputs import DataLike, Indexable
from lamina.params import Use, at_least, check_params, fraction, layers
from lamina.tasks.base import Task
from lamina.tasks.forecasting import Forecasting, ForecastingParams
from lamina.tasks.quantiles import uncrossed
from lamina.training.params import Rate
from lamina.training.precision import device_of, on_device


class FittedForecaster(Fitted):
    """Fitted attributes of forecasters."""

    series_: Annotated[
        Panel,
        "sequence of ndarray of shape (n_steps, n_columns)",
        """The ends of the series of the last `fit`, sorted by time and at regular steps: as
        many steps as the next forecast reads.""",
    ]
    season_: Annotated[
        int, "int", "Steps of a season of the series; 1 if they have none."
    ]


class SeriesForecaster(
    HistoryParams, SequenceEstimator, FittedForecaster, ForecastingParams
):
    """Abstract forecaster; a public class names its body."""

    task = Forecasting
    learning_rate_init: Rate = 0.003
    encoders = {"series": HistoryEncoder}  # noqa: RUF012

    def predict(self, X: DataLike | None = None, future: DataLike | None = None) -> Any:
        """The medians of the next `horizon` values of each series.

        Parameters
        ----------
        X : series, or list or frame of n_series series, default=None
            Histories, up to the step before the first forecast; None continues those of the
            last `fit`.
        future : array-like of shape (n_series, horizon, n_known) or frame, default=None
            The next values of `known_columns`, in this order. A frame has them by name,
            with the ids and the next stamps of X; its other columns are not used.

        Returns
        -------
        y : ndarray of shape (n_series, horizon), series or frame
            An array for arrays and lists, of shape (horizon,) if X is a single series. For
            a series or a frame of pandas, polars or pyarrow one of the same library, with
            the ids, the next stamps, and the values.
        """
        panel = self._histories(X, future)
        return to_container(panel, self._outputs_of_plain(panel)[:, :, 0])

    def predict_quantiles(
        self, X: DataLike | None = None, future: DataLike | None = None
    ) -> Any:
        """The `quantiles` of each of the next values.

        Parameters
        ----------
        X : series, or list or frame of n_series series, default=None
            Histories, up to the step before the first forecast; None continues those of the
            last `fit`.
        future : array-like of shape (n_series, horizon, n_known) or frame, default=None
            The next values of `known_columns`, as for `predict`.

        Returns
        -------
        y : ndarray of shape (n_series, horizon, n_quantiles) or frame
            In the order of `quantiles`, and never crossing. Of shape (horizon, n_quantiles)
            if X is a single series. A frame has a column for each quantile, such as "0.1".
        """
        panel = self._histories(X, future)
        levels = self._parts()[1].levels[1:]
        if not levels:
            raise ParameterError("quantiles was () in fit; set it and call fit again.")
        values = uncrossed(self._outputs_of_plain(panel)[:, :, 1:], levels)
        return to_container(panel, values, [str(level) for level in levels])

    def score(
        self,
        X: DataLike,
        y: DataLike | None = None,
        sample_weight: ArrayLike | None = None,
        future: DataLike | None = None,
    ) -> float:
        """Minus the mean absolute scaled error of forecasts.

        Parameters
        ----------
        X : series, or list or frame of n_series series
            Histories. Without y, the last `horizon` steps of each are compared with a
            forecast from the steps before.
        y : array-like of shape (horizon,) or (n_series, horizon), or frame, default=None
            The values after the histories; NaN where they are missing. A frame is matched
            by ids and stamps.
        sample_weight : array-like of shape (n_series,), default=None
            Weight of each series.
        future : array-like or frame, default=None
            The values of `known_columns` at the steps of y. They may be columns of a frame
            y; without y they are those of X.

        Returns
        -------
        score : float
            At most 0. It is -1 for errors as large as those of the seasonal naive forecast
            within the history. Constant series have no scale and are left out.
        """
        panel = self._plain(X)
        if y is not None:
            with data_errors("y"):
                panel = self._joined(panel, y, future)
        elif future is not None:
            raise DataError("future needs y; without y, X has the known columns.")
        weight = read_weight(sample_weight, len(panel))
        return self.task_.score(panel, self._held_back(panel), weight)

    def _held_back(self, panel: Panel) -> np.ndarray:
        """The forecasts of the last steps of each series."""
        params = check_params(self, only=Use.AT_ONCE)
        self.task_.configure_prediction(params)
        samples = self.encoder_.encode(panel).in_validation()
        with on_device(self.network_, device_of(self.device)):
            return params.outputs_of(self.network_, samples, self.task_.predict)

    def _histories(self, X: DataLike | None, future: DataLike | None) -> Panel:
        check_is_fitted(self, "network_")
        panel = self.series_ if X is None else self._plain(X)
        return self._with_future(panel, future)

    def _with_future(self, panel: Panel, future: DataLike | None) -> Panel:
        """The panel with the future of the known columns."""
        encoder, task = self._parts()
        known = list(encoder.known_columns)
        if not known:
            if future is not None:
                raise DataError("future has no effect: known_columns was empty in fit.")
            return panel
        if future is None:
            raise DataError(
                f"The columns {known!r} are known_columns; pass their next "
                f"{task.horizon} values as future."
            )
        panel = copy(panel)
        panel.future = read_future(future, panel, known, encoder, "future")
        return panel

    def _joined(self, panel: Panel, y: DataLike, future: DataLike | None) -> Panel:
        """The series X followed by y, with the known columns of both."""
        encoder, task = self._parts()
        horizon = task.horizon
        value = [panel.source.value]
        truth = read_future(y, panel, value, encoder, "y")
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

    def fitted_from(self, encoder: Encoder, task: Task, X: Indexable) -> dict[str, Any]:
        assert isinstance(encoder, HistoryEncoder)
        del task
        assert isinstance(X, Panel)
        return {"season_": encoder.season, "series_": encoder.endings(X)}


class ForecastBodyParams(CausalRecurrentParams, use=Use.FROZEN):
    """The recurrent network of a forecaster."""

    hidden_size: Annotated[int, at_least(1), "Hidden units of each layer."] = 64
    n_layers: Annotated[int, layers(), "Number of recurrent layers."] = 1
    dropout: Annotated[
        float, fraction(), "Fraction of features dropped after each layer in training."
    ] = 0.1


class Forecaster(SeriesForecaster, ForecastBodyParams):
    """Recurrent network that forecasts series, one network for all series of X.

    X is a single series, an array (steps,) or a list of numbers; several series, an array
    (series, steps) or a list of arrays (steps,) of any length; series with covariates, a
    list of arrays (steps, columns) the first column of which is forecast; or a series or a
    frame of pandas, polars or pyarrow with a row for each step (`id_column`, `time_column`,
    `value_column`; other columns are covariates, `known_columns` those with a known
    future). Forecasts have the container of X, with the ids and the next stamps. NaN is a
    missing step, and is replaced by the same step of the season before. Each window of a
    series is scaled by its own level and scale, and the network learns the difference from
    the seasonal median, by absolute errors.

    {parameters}

    {attributes}

    See Also
    --------
    RNNRegressor : Predicts a single number for each series.

    Notes
    -----
    Cross-validate a single series with `TimeSeriesSplit`; a test fold needs at least
    horizon + season + 1 steps. `KFold` takes folds out of the middle and joins the parts
    before and after: with stamps the gap is detected, filled with missing steps and warned
    of, in an array it is not. `early_stopping` sets whole series aside.

    `season`, `horizon`, `window`, `quantiles` and the columns are those of `fit` until
    another `fit` starts anew; `warm_start` continues with them.

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
