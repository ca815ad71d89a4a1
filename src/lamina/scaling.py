"""The scale of numbers that are to have deviation 1."""

import numpy as np


def scale_of(variance: np.ndarray, mean: np.ndarray, n: int) -> np.ndarray:
    """The standard deviation, or 1 where n values are constant.

    A constant column leaves rounding noise behind, which must not be blown up: below
    this bound a variance says nothing (Chan, Golub & LeVeque 1983).
    """
    eps = np.finfo(np.float64).eps
    noise = n * eps * variance + (n * mean * eps) ** 2
    return np.where(variance <= noise, 1.0, np.sqrt(variance))
