"""After how many steps series resemble themselves."""

import numpy as np

LIKE, DEVIATIONS = 0.1, 4.0
"""A lag counts as a season from this mean correlation on, if that is so many standard
deviations of what noise would show."""
NEARLY = 0.8
"""Share of the best correlation with which a part of that lag is taken instead."""
LONGEST_SEASON = 60


def season_of(series: list[np.ndarray]) -> int:
    """The lag at which the changes of the series are most alike; 1 if at none they are."""
    alike = np.zeros(LONGEST_SEASON + 1)
    weights, n_changes = np.zeros_like(alike), np.zeros_like(alike)
    for values in series:
        change = np.diff(filled(values))
        change = change - change.mean()
        power = change @ change
        for lag in range(2, min(LONGEST_SEASON, len(change) // 3) + 1):
            if power > 0:
                alike[lag] += change[lag:] @ change[:-lag] / power
            weights[lag] += 1
            n_changes[lag] += len(change)
    # A lag that few of the series are long enough for says little of the others.
    common = weights >= 0.5 * max(weights.max(), 1)
    alike = np.where(common, alike / np.maximum(weights, 1), -1.0)
    best = int(alike.argmax())
    if alike[best] < max(LIKE, DEVIATIONS / np.sqrt(max(n_changes[best], 1))):
        return 1
    # Two seasons are as alike as one.
    parts = [d for d in range(2, best + 1) if best % d == 0]
    return next(d for d in parts if alike[d] >= NEARLY * alike[best])


def filled(values: np.ndarray) -> np.ndarray:
    """Each missing value is the one before it, and those at the beginning the first."""
    seen = ~np.isnan(values)
    before = np.maximum.accumulate(np.where(seen, np.arange(len(values)), -1))
    return values[np.where(before < 0, int(seen.argmax()), before)]
