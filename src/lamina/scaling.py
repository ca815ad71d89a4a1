"""Numbers that are to have mean 0 and deviation 1."""

import numpy as np
import torch
from torch import Tensor

HALF_A_DIGIT = 2.0**-24
"""What float32 rounds 1 by, at most."""


def scale_of(variance: np.ndarray, mean: np.ndarray, n: int) -> np.ndarray:
    """The standard deviation, or 1 where n values are constant.

    A constant column leaves rounding noise behind, which must not be blown up: below
    this bound a variance says nothing (Chan, Golub & LeVeque 1983).
    """
    eps = np.finfo(np.float64).eps
    noise = n * eps * variance + (n * mean * eps) ** 2
    return np.where(variance <= noise, 1.0, np.sqrt(variance))


class Standard:
    """Numbers (n, C) -> how many deviations they are from their column's mean."""

    def __init__(self, mean: np.ndarray, scale: np.ndarray):
        self.mean, self.factor = mean, 1.0 / scale
        # Whether float32 holds all of these with room to spare. What the mean is rounded
        # by is then taken off apart, where a deviation would show it in its last digit.
        self.is_single = bool((np.abs(mean) < 1e30).all() and (scale > 1e-30).all())
        if self.is_single:
            self.near = mean.astype(np.float32)
            self.rest = (mean - self.near).astype(np.float32)
            self.single_factor = self.factor.astype(np.float32)
            self.is_near = bool((np.abs(self.rest) * self.factor < HALF_A_DIGIT).all())

    def write(self, numbers: np.ndarray, z: np.ndarray) -> None:
        """Fill z (n, C) in float32, exactly to its last digits."""
        if numbers.dtype == np.float32 and self.is_single:
            np.subtract(numbers, self.near, out=z)
            if not self.is_near:
                z -= self.rest
            z *= self.single_factor
            return
        # What is too large for a float then counts as far away, as it is.
        with np.errstate(over="ignore"):
            deviations = numbers - self.mean
            deviations *= self.factor
            z[...] = deviations

    def apply_(self, numbers: Tensor) -> None:
        """The same in place and to the last bit, on torch's cores.

        Numbers (n, C) must be in float32, which must hold the scales (`is_single`).
        """
        numbers.sub_(torch.from_numpy(self.near))
        if not self.is_near:
            numbers.sub_(torch.from_numpy(self.rest))
        numbers.mul_(torch.from_numpy(self.single_factor))
