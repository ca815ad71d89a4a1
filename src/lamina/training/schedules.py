"""The learning rate over a fit, as a factor of `learning_rate_init`.

A schedule is a function of how far the fit is, 0 at the start and 1 at the end; with
`max_time` the end is whatever comes first, so that a fit that runs out of time has cooled
down all the same.
"""

from collections.abc import Callable
from math import cos, pi

WARM_UP = 0.1


def constant(done: float) -> float:
    """1 throughout."""
    del done
    return 1.0


def linear(done: float) -> float:
    """From 1 down to 0."""
    return 1.0 - done


def cosine(done: float) -> float:
    """From 1 down to 0 along half a cosine (Loshchilov & Hutter 2017)."""
    return (1 + cos(pi * done)) / 2


def one_cycle(done: float) -> float:
    """Up to 1 in the first tenth, then down to 0 along half a cosine (Smith 2018)."""
    if done < WARM_UP:
        return (done + 0.01) / (WARM_UP + 0.01)
    return cosine((done - WARM_UP) / (1 - WARM_UP))


SCHEDULES: dict[str, Callable[[float], float]] = {
    "one_cycle": one_cycle,
    "cosine": cosine,
    "linear": linear,
    "constant": constant,
}
