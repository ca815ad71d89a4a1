"""What a fit may change of an estimator, and what it goes on from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mode:
    """Whether to go on from the fitted network, and whether for one epoch only."""

    go_on: bool
    once: bool = False
    classes: Any = None


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """The estimator's attributes are as before when an exception leaves the block."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise
