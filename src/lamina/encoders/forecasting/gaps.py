"""Missing steps of a series, filled from the steps before."""

import numpy as np


def forward_fill(values: np.ndarray, season: int = 1) -> np.ndarray:
    """Replace a missing value by that of the season before, else by the previous one.

    Only missing values at the beginning use a later value, the first observed one.
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
