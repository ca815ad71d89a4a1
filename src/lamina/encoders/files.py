"""Samples that lie in files: naming a bad one, and statistics of more than memory holds.

means (n, C) and variances (n, C) of single samples -> mean (C,) and scale (C,) of all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lamina.exceptions import DataError


def is_path(sample: Any) -> bool:
    """Whether a sample is the name of a file."""
    return isinstance(sample, str | Path)


def name_of(sample: Any, i: int) -> str:
    """What a message calls sample number `i`."""
    return f"Sample {i} ({str(sample)!r})" if is_path(sample) else f"Sample {i}"


@contextmanager
def reading(sample: Any, i: int) -> Iterator[None]:
    """Whatever goes wrong inside becomes a `DataError` that names the sample."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # it depends on the format and on the damage
        raise DataError(
            f"{name_of(sample, i)} cannot be read: {error or type(error).__name__}. "
            f"Repair it or leave it out."
        ) from error


def evenly_spaced(n: int, at_most: int) -> np.ndarray:
    """At most so many of the row numbers below `n`, from the first to the last."""
    return np.linspace(0, n - 1, min(n, at_most)).round().astype(np.intp)


def pooled_moments(
    means: np.ndarray, variances: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (1 where it is 0) of samples of these moments.

    A sample's `weight` (n,) counts its steps or pixels too, if samples differ in them.
    """
    mean = np.average(means, axis=0, weights=weight)
    variance = np.average(variances + (means - mean) ** 2, axis=0, weights=weight)
    scale = np.sqrt(variance)
    # A constant channel leaves rounding noise behind, which must not be blown up.
    constant = scale <= 10 * np.finfo(np.float64).eps * np.abs(mean)
    return mean, np.where(constant, 1.0, scale)
