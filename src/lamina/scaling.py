"""Numbers -> location and scale, which a few outliers do not dominate; and their use.

`location_and_scale` gives the mean and the standard deviation of numbers, unless outliers
make the deviation `factor` times larger than that of normal numbers with the same
quartiles; then the median and the interquartile range take their place. Where most
numbers are one and the same, the quartiles are too; then what is much farther from it than
three quarters of the others are is left out of the mean and the deviation.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

HALF_A_DIGIT = 2.0**-24
"""What float32 rounds 1 by, at most."""
ROUNDING = 16 * np.finfo(np.float64).eps
"""Numbers that differ by no more, relative to their magnitude, are constant."""
SMALLEST_SCALE = 2.0**-1020
"""A smaller one has no finite inverse."""
NORMAL_RANGE = 1.349
"""The interquartile range of normal numbers, in standard deviations."""
FAR = 10.0
"""How much farther than three quarters of the others an outlier is from the mode."""


class Location(NamedTuple):
    """A centre of numbers, and how far they typically are from it."""

    mean: float
    scale: float
    is_dominated: bool = False
    """Whether outliers dominated the plain ones, and these are others."""


def location_and_scale(
    values: np.ndarray, weight: np.ndarray | None, factor: float | None
) -> Location:
    """Of finite values (n,), not dominated by outliers; the scale of constants is 1.

    `factor` is how much larger than that of the quartiles the standard deviation has to
    be for the quartiles to be used; None: mean and standard deviation in any case.
    """
    if not len(values):
        return Location(0.0, 1.0)
    plain = moments(values, weight)
    if plain.scale == 0:
        return Location(plain.mean, 1.0)
    if factor is None:
        return Location(plain.mean, max(plain.scale, SMALLEST_SCALE))
    low, median, high = quartiles(values, weight)
    spread = high / NORMAL_RANGE - low / NORMAL_RANGE
    if spread <= ROUNDING * max(abs(low), abs(high)):
        robust = _without_far(values, weight, median)
    else:
        robust = Location(median, spread)
    dominated = 0 < factor * robust.scale <= plain.scale
    found = robust if dominated else plain
    return Location(found.mean, max(found.scale, SMALLEST_SCALE), dominated)


def moments(values: np.ndarray, weight: np.ndarray | None) -> Location:
    """Mean and standard deviation of finite values (n,), n > 0; 0 if they are constant.

    No square over- or underflows, and a large mean costs no digits: the values are
    brought between -1 and 1 by a power of two, and the first is subtracted.
    """
    least, most = values.min(), values.max()
    largest = max(abs(least), abs(most))
    if most / 2 - least / 2 <= ROUNDING * (largest / 2):
        return Location(float(least), 0.0)
    exponent = int(np.frexp(largest)[1])
    z = np.ldexp(values, -exponent)
    origin = z[0]
    z -= origin
    mean = np.average(z, weights=weight)
    z -= mean
    z *= z
    scale = np.sqrt(np.average(z, weights=weight))
    mean = float(np.ldexp(float(origin + mean), exponent))
    return Location(mean, float(np.ldexp(float(scale), exponent)))


def quartiles(
    values: np.ndarray, weight: np.ndarray | None
) -> tuple[float, float, float]:
    """The least of the values (n,) up to which a quarter, a half, ... of the weight lies."""
    fractions = np.array([0.25, 0.5, 0.75])
    if weight is None:
        ranks = np.ceil(fractions * len(values)).astype(np.intp) - 1
        found = np.partition(values, ranks)[ranks]
    else:
        order = np.argsort(values, kind="stable")
        total = np.cumsum(weight[order])
        # Rounding in the sum must not decide between two values.
        ranks = np.searchsorted(total, fractions * total[-1] * (1 - 1e-12))
        found = values[order[ranks]]
    low, median, high = map(float, found)
    return low, median, high


def _without_far(
    values: np.ndarray, weight: np.ndarray | None, mode: float
) -> Location:
    """Moments of values that are mostly `mode`, without what is far from it."""
    with np.errstate(over="ignore"):
        distance = np.abs(values - mode)
    differs = distance > ROUNDING * abs(mode)
    if not differs.any():
        return Location(mode, 0.0)
    others = None if weight is None else weight[differs]
    bound = FAR * quartiles(distance[differs], others)[2]
    near = distance <= bound
    return moments(values[near], None if weight is None else weight[near])


def noise_of(variance: np.ndarray, mean: np.ndarray, n: int) -> np.ndarray:
    """The variance that rounding leaves of n constant values, at most.

    Below this bound a variance says nothing (Chan, Golub & LeVeque 1983).
    """
    eps = np.finfo(np.float64).eps
    return n * eps * variance + (n * mean * eps) ** 2


def scale_of(variance: np.ndarray, mean: np.ndarray, n: int) -> np.ndarray:
    """The standard deviation, or 1 where n values are constant but for rounding."""
    return np.where(variance <= noise_of(variance, mean, n), 1.0, np.sqrt(variance))


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
