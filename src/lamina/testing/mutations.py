"""A mutation: a change of valid data that may be refused, or that must have no effect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Change = Callable[[Any, np.random.Generator], Any]


@dataclass(frozen=True)
class Mutation:
    """A change of samples, targets or weights; `change` may draw random numbers."""

    name: str
    change: Change
    keeps_meaning: bool = False
    """Whether the changed data is equivalent, so that predictions must be equal."""


def mutations(keeps_meaning: bool = False, /, **changes: Change) -> list[Mutation]:
    """Mutations by name, in which underscores become spaces."""
    return [
        Mutation(name.replace("_", " ").strip(), change, keeps_meaning)
        for name, change in changes.items()
    ]


def constant(value: object) -> Change:
    """The value, or the result of calling it, whatever the data is."""
    return lambda X, rng: value() if callable(value) else value


def with_one(make: Callable[[Any], Any]) -> Change:
    """A list of the items of the data, with a random one replaced by `make(item)`."""

    def change(X: Any, rng: np.random.Generator) -> list:
        items = list(X)
        i = int(rng.integers(len(items)))
        items[i] = make(items[i])
        return items

    return change


def with_number(value: object) -> Change:
    """A copy of an array, or of one array of a list, with a random number replaced."""

    def change(X: Any, rng: np.random.Generator) -> Any:
        if isinstance(X, list):
            return with_one(lambda x: _replaced(x, value, rng))(X, rng)
        return _replaced(X, value, rng)

    return change


def _replaced(array: np.ndarray, value: object, rng: np.random.Generator) -> np.ndarray:
    keeps_type = isinstance(value, float) and array.dtype.kind == "f"
    copied = array.copy() if keeps_type else array.astype(object)
    copied[np.unravel_index(int(rng.integers(copied.size)), copied.shape)] = value
    return copied


def objects(items: Sequence) -> np.ndarray:
    """A 1-D array of objects, also of sequences of equal length."""
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array
