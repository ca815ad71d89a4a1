"""Quantiles: which are learnt, predictions that do not cross, and their score."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import d2_pinball_score

from lamina.numeric import real
from lamina.params import Rule


def distinct_levels(least: int = 0) -> Rule:
    """Quantiles, at least so many of them."""
    words = "tuple of distinct float in (0, 1)"
    return Rule(
        f"non-empty {words}" if least else words,
        lambda v: (
            isinstance(v, list | tuple)
            and len(v) >= least
            and all(0 < real(q) < 1 for q in v)
            and len(set(map(real, v))) == len(v)
        ),
    )


def levels_of(quantiles: float | Sequence[float]) -> tuple[float, ...]:
    """One quantile or several, as a tuple."""
    return tuple(quantiles) if isinstance(quantiles, Sequence) else (quantiles,)


def uncrossed(values: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Quantiles (..., Q) of rising levels, sorted and then in the order of `levels`.

    Sorting does not increase the pinball loss (Chernozhukov et al. 2010).
    """
    return np.sort(values, axis=-1)[..., ranks_of(levels)]


def ranks_of(levels: Sequence[float]) -> np.ndarray:
    """The position of each level among all, if they were sorted."""
    return np.argsort(np.argsort(levels))


def d2_pinball(
    y: np.ndarray,
    outputs: np.ndarray,
    levels: Sequence[float],
    weight: np.ndarray | None,
) -> float:
    """D^2 of y (n, ...) and quantiles (n, ..., Q), the mean over the levels."""
    columns = np.moveaxis(outputs, -1, 0)
    scores = [
        d2_pinball_score(y, column, alpha=level, sample_weight=weight)
        for column, level in zip(columns, levels, strict=True)
    ]
    return float(np.mean(scores))
