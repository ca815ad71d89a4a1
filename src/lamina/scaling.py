"""Location and scale of values, robust to outliers; and standardisation with them.

`location_and_scale` returns mean and standard deviation, unless outliers make the
deviation `factor` times larger than that of a normal distribution with the same quartiles;
then it returns the median and the scaled interquartile range. Where most values are equal,
so are the quartiles; then values much farther from this mode than three quarters of the
other values are excluded from mean and standard deviation.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

from lamina.state import Stored

FLOAT32_ROUNDING = 2.0**-24
"""The largest relative error of rounding to float32."""
ROUNDING = 16 * np.finfo(np.float64).eps
"""Values that differ by no more, relative to their magnitude, count as constant."""
SMALLEST_SCALE = 2.0**-1020
"""A smaller scale has no finite inverse."""
NORMAL_RANGE = 1.349
"""The interquartile range of a normal distribution, in standard deviations."""
FAR = 10.0
"""An outlier's distance from the mode, in third quartiles of the other distances."""


class Location(NamedTuple):
    """Location and scale of values."""

    mean: float
    scale: float
    is_dominated: bool = False
    """Whether outliers dominated mean and standard deviation, so that others are used."""


def location_and_scale(
    values: np.ndarray, weight: np.ndarray | None, factor: float | None
) -> Location:
    """Robust location and scale of finite values (n,); the scale of constants is 1.

    The quartiles are used if the standard deviation is `factor` times larger than the
    scale that they give; with None, mean and standard deviation always are.
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
    mean, scale, _ = robust if dominated else plain
    return Location(mean, max(scale, SMALLEST_SCALE), dominated)


def moments(values: np.ndarray, weight: np.ndarray | None) -> Location:
    """Mean and standard deviation, 0 if they are constant, of finite values (n,), n > 0.

    The values are divided by a power of two so that they lie between -1 and 1, and the
    first is subtracted: no square over- or underflows, and a large mean costs no digits.
    """
    low, high = values.min(), values.max()
    largest = max(abs(low), abs(high))
    if high / 2 - low / 2 <= ROUNDING * (largest / 2):
        return Location(float(low), 0.0)
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
    """The smallest values (n,) up to which 1/4, 1/2 and 3/4 of the weight lie."""
    fractions = np.array([0.25, 0.5, 0.75])
    if weight is None:
        ranks = np.ceil(fractions * len(values)).astype(np.intp) - 1
        low, median, high = np.partition(values, ranks)[ranks].tolist()
    else:
        order = np.argsort(values, kind="stable")
        total = np.cumsum(weight[order])
        # Rounding in the sum must not decide between two values.
        ranks = np.searchsorted(total, fractions * total[-1] * (1 - 1e-12))
        low, median, high = values[order[ranks]].tolist()
    return low, median, high


def _without_far(
    values: np.ndarray, weight: np.ndarray | None, mode: float
) -> Location:
    """Moments of values most of which equal `mode`, without those far from it."""
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
    """The largest variance that rounding gives n constant values.

    A variance below this bound is not significant (Chan, Golub & LeVeque 1983).
    """
    eps = np.finfo(np.float64).eps
    return n * eps * variance + (n * mean * eps) ** 2


def scale_of(variance: np.ndarray, mean: np.ndarray, n: int) -> np.ndarray:
    """The standard deviation, or 1 where n values are constant up to rounding."""
    return np.where(variance <= noise_of(variance, mean, n), 1.0, np.sqrt(variance))


class ZScore(Stored):
    """z = (values - mean) / scale for values (n, C), accurate to float32."""

    def __init__(self, mean: np.ndarray, scale: np.ndarray):
        self.mean, self.factor = mean, 1.0 / scale
        # Whether the computation may be done in float32. The mean is then split in two:
        # its rounding error is subtracted separately if it would change the last digit.
        self.is_single = bool((np.abs(mean) < 1e30).all() and (scale > 1e-30).all())
        if self.is_single:
            self.mean32 = mean.astype(np.float32)
            self.remainder = (mean - self.mean32).astype(np.float32)
            self.factor32 = self.factor.astype(np.float32)
            error = np.abs(self.remainder) * self.factor
            self.has_remainder = not (error < FLOAT32_ROUNDING).all()

    def write(self, values: np.ndarray, z: np.ndarray) -> None:
        """Fill z (n, C) in float32."""
        # Values beyond the range of float32 become infinite. R's NA is a NaN for which the
        # processor reports an invalid operation.
        with np.errstate(over="ignore", invalid="ignore"):
            if values.dtype == np.float32 and self.is_single:
                np.subtract(values, self.mean32, out=z)
                if self.has_remainder:
                    z -= self.remainder
                z *= self.factor32
                return
            deviations = values - self.mean
            deviations *= self.factor
            z[...] = deviations

    def apply_(self, values: "Tensor") -> None:
        """Replace float32 values (n, C) by z, bit for bit as `write`; needs `is_single`."""
        # Imported here, because readers of files need this module and not torch.
        from torch import from_numpy

        values.sub_(from_numpy(self.mean32))
        if self.has_remainder:
            values.sub_(from_numpy(self.remainder))
        values.mul_(from_numpy(self.factor32))
