"""The season of series, inferred by an F test; and filling of missing values.

For each lag, a moving average over the lag is subtracted from each series, so that neither
a trend nor a drifting level looks like a season. The remainder is cut into segments of the
lag, and an F test compares the variance of their mean with the variance around it. As
consecutive steps are not independent, degrees of freedom follow Box (1954), from the
autocovariance of the residuals. Both the series and their differences are tested: the
latter detect a season beside a random walk. Variances are summed over all series.
"""

import numpy as np
from scipy.stats import norm

from lamina.encoders.forecasting.gaps import forward_fill

LEVEL = 0.003
"""Level of significance, over all lags that are tried."""
MIN_EXPLAINED = 0.05
"""The least fraction of the variance around the moving average that a season explains."""
MAX_SEASON, MIN_SEASONS = 200, 4
"""The longest lag of "auto", and how many seasons a series must contain."""
MAX_SERIES, MAX_STEPS = 100, 3_000
"""Series that are tested, evenly spaced, and the last steps of each that are used."""
MAX_TOTAL_STEPS = 20_000
"""Steps in all above which fewer series are tested."""


def season_of(series: list[np.ndarray], candidates: list[int] | None = None) -> int:
    """The strongest significant season; 1 if there is none.

    The candidates, such as 24 and 168 for hours, are tested first; only if none of them is
    significant, all lags up to `MAX_SEASON`.
    """
    typical = int(np.median([min(len(values), MAX_STEPS) for values in series]))
    n_series = min(MAX_SERIES, MAX_TOTAL_STEPS // typical + 1)
    selected = np.unique(np.linspace(0, len(series) - 1, n_series).astype(int))
    series = [_filled_and_scaled(series[i][-MAX_STEPS:]) for i in selected]
    longest = _longest_lag(series)
    likely = [lag for lag in candidates or [] if 2 <= lag <= longest]
    for lags in (likely, list(range(2, min(MAX_SEASON, longest) + 1))):
        season = _strongest(series, lags)
        if season > 1:
            return season
    return 1


def _filled_and_scaled(values: np.ndarray) -> np.ndarray:
    """The series without missing values, divided by its maximum so as not to overflow."""
    if np.isnan(values).all():
        return np.zeros(len(values))
    values = forward_fill(values)
    return values / (np.abs(values).max() or 1.0)


def _longest_lag(series: list[np.ndarray]) -> int:
    """The longest lag of which half of the series contain `MIN_SEASONS`."""
    lengths = sorted(len(values) for values in series)
    return lengths[len(lengths) // 2] // MIN_SEASONS


def _strongest(series: list[np.ndarray], lags: list[int]) -> int:
    if not lags:
        return 1
    threshold = norm.isf(LEVEL / (2 * len(lags)))
    differences = [np.diff(values) for values in series]
    tests = np.array([[_f_test(x, lag) for lag in lags] for x in (series, differences)])
    z, unexplained = tests[:, :, 0], tests[:, :, 1]
    z = np.where(unexplained < 1 - MIN_EXPLAINED, z, -np.inf)
    row, best = np.unravel_index(z.argmax(), z.shape)
    if z[row, best] <= threshold:
        return 1
    # Multiples of a season are significant too: prefer a divisor that explains as much.
    max_unexplained = 1.25 * unexplained[row, best] + 0.02
    return next(
        lag
        for i, lag in enumerate(lags)
        if lags[best] % lag == 0
        and z[row, i] > threshold
        and unexplained[row, i] <= max_unexplained
    )


def _f_test(series: list[np.ndarray], lag: int) -> tuple[float, float]:
    """The F ratio of a lag as a standard normal z, and the unexplained fraction."""
    variances = [
        _variances(values, lag)
        for values in series
        if len(values) >= MIN_SEASONS * lag - 1
    ]
    variances = [v for v in variances if v is not None]
    if not variances:
        return -np.inf, 1.0
    between, within, freedom, n_segments = np.array(variances).T
    if within.sum() <= 0:
        return np.inf, 0.0
    # Satterthwaite (1946): degrees of freedom of a sum of variances.
    first = within.sum() ** 2 / (within**2 / freedom).sum()
    second = within.sum() ** 2 / (within**2 / (freedom * (n_segments - 1))).sum()
    ratio = between.sum() / within.sum()
    a, b = 2 / (9 * first), 2 / (9 * second)
    z = ((1 - b) * np.cbrt(ratio) - (1 - a)) / np.sqrt(b * np.cbrt(ratio) ** 2 + a)
    explained = (between - within) / n_segments
    return float(z), float(1 - explained.sum() / (explained + within).sum())


def _variances(values: np.ndarray, lag: int) -> tuple[float, float, float, int] | None:
    """Variance between and within the steps of a season, freedom, number of segments."""
    level = _moving_average(values, lag)
    detrended = values[(len(values) - len(level)) // 2 :][: len(level)] - level
    n = len(detrended) // lag
    if n < 3 or np.abs(detrended).max() <= 1e-9 * float(np.abs(values).max()):
        return None
    segments = detrended[len(detrended) - n * lag :].reshape(n, lag)
    segments = segments / segments.std()
    mean = segments.mean(0)
    residuals = segments - mean
    within = float((residuals**2).sum()) / (n - 1)
    freedom = min(_freedom(residuals.ravel(), lag), lag - 1.0)
    return n * float((mean**2).sum()), within, freedom, n


def _freedom(values: np.ndarray, lag: int) -> float:
    """Degrees of freedom of segments of `lag` steps of a stationary series."""
    spectrum = np.abs(np.fft.rfft(values, 2 * len(values))) ** 2
    covariance = np.fft.irfft(spectrum)[:lag]
    if covariance[0] <= 0:
        return float(lag)
    squares = (covariance / covariance[0]) ** 2
    return lag**2 / (2 * (np.arange(lag, 0, -1) @ squares) - lag)


def _moving_average(values: np.ndarray, lag: int) -> np.ndarray:
    """Centred means of `lag` steps; for an even lag the outermost two count half."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means = (sums[lag:] - sums[:-lag]) / lag
    return means if lag % 2 else (means[1:] + means[:-1]) / 2
