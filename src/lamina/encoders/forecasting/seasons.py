"""After how many steps series resemble themselves.

Of each series the slow part, a moving average over the lag, is taken away, so that neither a
trend nor a wandering level looks like a season. What is left is cut into stretches of the
lag, and an F test compares the variance of their mean with the variance around it. Steps
that follow one another are not independent, so degrees of freedom are counted as Box (1954)
does, from the covariance of what is around the mean. The series are tested as they
are and by their changes, which shows a season beside a random walk; the ratios of all series
are added up.
"""

import numpy as np
from scipy.stats import norm

LEVEL = 0.003
"""How often noise may be taken for seasonal, over all lags that are tried."""
EXPLAINED = 0.05
"""The least fraction of the variance around the slow part that a season explains."""
LONGEST_SEASON, FEWEST_SEASONS = 200, 4
MOST_SERIES, MOST_STEPS = 100, 3_000
"""Series that are looked at, evenly chosen, and steps of each, the last ones."""
ENOUGH_STEPS = 20_000
"""Steps in all from which on fewer series are looked at."""


def season_of(series: list[np.ndarray], candidates: list[int] | None = None) -> int:
    """The strongest season, or 1 if there is none.

    Candidates, such as 24 and 168 for hours, are tried first and by themselves, and any
    lag up to `LONGEST_SEASON` if none of them is a season.
    """
    usual = int(np.median([min(len(values), MOST_STEPS) for values in series]))
    n_series = min(MOST_SERIES, ENOUGH_STEPS // usual + 1)
    chosen = np.unique(np.linspace(0, len(series) - 1, n_series).astype(int))
    series = [_filled_and_scaled(series[i][-MOST_STEPS:]) for i in chosen]
    longest = min(LONGEST_SEASON, _longest(series))
    likely = [
        lag for lag in candidates or [] if 2 <= lag <= max(longest, _longest(series))
    ]
    for lags in (likely, list(range(2, longest + 1))):
        season = _strongest(series, lags)
        if season > 1:
            return season
    return 1


def filled(values: np.ndarray, season: int = 1) -> np.ndarray:
    """A missing value is the one a season before, and failing that the one before.

    Those at the beginning are the first that is observed; otherwise nothing later is used.
    """
    missing = np.flatnonzero(np.isnan(values))
    if not len(missing):
        return values
    values = values.copy()
    first = int(np.flatnonzero(~np.isnan(values))[0])
    for step in missing.tolist():
        before = step - (season if step - season >= first else 1)
        values[step] = values[first] if step < first else values[before]
    return values


def _filled_and_scaled(values: np.ndarray) -> np.ndarray:
    """The series with nothing missing, at most 1, so that no square overflows."""
    if np.isnan(values).all():
        return np.zeros(len(values))
    values = filled(values)
    return values / (np.abs(values).max() or 1.0)


def _longest(series: list[np.ndarray]) -> int:
    """The longest lag that half of the series are long enough for."""
    lengths = sorted(len(values) for values in series)
    return lengths[len(lengths) // 2] // FEWEST_SEASONS


def _strongest(series: list[np.ndarray], lags: list[int]) -> int:
    if not lags:
        return 1
    needed = norm.isf(LEVEL / (2 * len(lags)))
    changes = [np.diff(values) for values in series]
    tests = np.array([[_test(part, lag) for lag in lags] for part in (series, changes)])
    evidence, unexplained = tests[:, :, 0], tests[:, :, 1]
    evidence = np.where(unexplained < 1 - EXPLAINED, evidence, -np.inf)
    part, best = np.unravel_index(evidence.argmax(), evidence.shape)
    if evidence[part, best] <= needed:
        return 1
    # What returns after a season returns after two.
    enough = 1.25 * unexplained[part, best] + 0.02
    return next(
        lag
        for i, lag in enumerate(lags)
        if lags[best] % lag == 0
        and evidence[part, i] > needed
        and unexplained[part, i] <= enough
    )


def _test(series: list[np.ndarray], lag: int) -> tuple[float, float]:
    """The F ratio of a lag as a standard normal number, and the unexplained fraction."""
    parts = [
        _moments(values, lag)
        for values in series
        if len(values) >= FEWEST_SEASONS * lag - 1
    ]
    parts = [part for part in parts if part is not None]
    if not parts:
        return -np.inf, 1.0
    between, within, freedom, n_stretches = np.array(parts).T
    if within.sum() <= 0:
        return np.inf, 0.0
    # Satterthwaite (1946): degrees of freedom of a sum of variances.
    first = within.sum() ** 2 / (within**2 / freedom).sum()
    second = within.sum() ** 2 / (within**2 / (freedom * (n_stretches - 1))).sum()
    ratio = between.sum() / within.sum()
    a, b = 2 / (9 * first), 2 / (9 * second)
    z = ((1 - b) * np.cbrt(ratio) - (1 - a)) / np.sqrt(b * np.cbrt(ratio) ** 2 + a)
    explained = (between - within) / n_stretches
    return float(z), float(1 - explained.sum() / (explained + within).sum())


def _moments(values: np.ndarray, lag: int) -> tuple[float, float, float, int] | None:
    """Variance of the mean stretch, that around it, its freedom, number of stretches."""
    level = _moving_average(values, lag)
    rest = values[(len(values) - len(level)) // 2 :][: len(level)] - level
    n = len(rest) // lag
    size = float(np.abs(values).max())
    if n < 3 or np.abs(rest).max() <= 1e-9 * size:
        return None
    stretches = rest[len(rest) - n * lag :].reshape(n, lag)
    stretches = stretches / stretches.std()
    mean = stretches.mean(0)
    around = stretches - mean
    total = float((around**2).sum()) / (n - 1)
    freedom = min(_freedom(around.ravel(), lag), lag - 1.0)
    return n * float((mean**2).sum()), total, freedom, n


def _freedom(values: np.ndarray, lag: int) -> float:
    """Independent numbers that stretches of `lag` steps of a stationary series have."""
    spectrum = np.abs(np.fft.rfft(values, 2 * len(values))) ** 2
    covariance = np.fft.irfft(spectrum)[:lag]
    if covariance[0] <= 0:
        return float(lag)
    squares = (covariance / covariance[0]) ** 2
    return lag**2 / (2 * (np.arange(lag, 0, -1) @ squares) - lag)


def _moving_average(values: np.ndarray, lag: int) -> np.ndarray:
    """Means of `lag` steps around each; for an even lag the outer two count half."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    means = (sums[lag:] - sums[:-lag]) / lag
    return means if lag % 2 else (means[1:] + means[:-1]) / 2
