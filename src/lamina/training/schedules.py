"""The learning rate over a fit, as a factor of `learning_rate_init`.

A schedule is a function of the progress of the fit, from 0 to 1: the fraction of its steps,
or of `max_time` where that is larger.
"""

from collections.abc import Callable
from math import cos, pi

WARM_UP = 0.1
"""Fraction of the fit in which `one_cycle` rises."""


def constant(progress: float) -> float:
    """1 throughout."""
    del progress
    return 1.0


def linear(progress: float) -> float:
    """From 1 down to 0."""
    return 1.0 - progress


def cosine(progress: float) -> float:
    """From 1 down to 0 along half a cosine (Loshchilov & Hutter 2017)."""
    return (1 + cos(pi * progress)) / 2


def one_cycle(progress: float) -> float:
    """Up to 1 in the first tenth, then down to 0 along half a cosine (Smith 2018)."""
    if progress < WARM_UP:
        return (progress + 0.01) / (WARM_UP + 0.01)
    return cosine((progress - WARM_UP) / (1 - WARM_UP))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "one_cycle": one_cycle,
    "cosine": cosine,
    "linear": linear,
    "constant": constant,
}
