"""A mutation: what is done to good data so that it may be refused, or must not matter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Change = Callable[[Any, np.random.Generator], Any]


@dataclass(frozen=True)
class Mutation:
    """A change of samples, targets or weights; random where `change` draws numbers."""

    name: str
    change: Change
    keeps_meaning: bool = False
    """Whether the changed data holds the same values, so that answers stay the same."""


def mutations(keeps_meaning: bool = False, /, **changes: Change) -> list[Mutation]:
    """Mutations by their names, where an underscore stands for a blank."""
    return [
        Mutation(name.replace("_", " ").strip(), change, keeps_meaning)
        for name, change in changes.items()
    ]


def constant(value: Any) -> Change:
    """The value whatever the data is; a factory is called."""
    return lambda X, rng: value() if callable(value) else value


def with_one(make: Callable[[Any], Any]) -> Change:
    """A list of the items of the data, one of which is replaced by `make(item)`."""

    def change(X: Any, rng: np.random.Generator) -> list:
        items = list(X)
        i = int(rng.integers(len(items)))
        items[i] = make(items[i])
        return items

    return change


def with_number(value: Any) -> Change:
    """A copy of an array, or of one array of a list, with one number replaced."""

    def change(X: Any, rng: np.random.Generator) -> Any:
        if isinstance(X, list):
            return with_one(lambda x: _replaced(x, value, rng))(X, rng)
        return _replaced(X, value, rng)

    return change


def _replaced(array: np.ndarray, value: Any, rng: np.random.Generator) -> np.ndarray:
    fits = isinstance(value, float) and array.dtype.kind == "f"
    copied = array.copy() if fits else array.astype(object)
    place = np.unravel_index(int(rng.integers(copied.size)), copied.shape)
    copied[place] = value
    return copied


def objects(items: Any) -> np.ndarray:
    """A 1-D array of objects, whatever they are."""
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        array[i] = item
    return array
