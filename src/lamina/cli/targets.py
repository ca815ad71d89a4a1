"""The target of a table: the rows that have one, and whether it is a class or a number.

The rule, from the first line that applies:

1. texts, booleans and categories are classes;
2. whole numbers of at most `MAX_CLASSES` different values are classes;
3. other numbers are numbers.
"""

from dataclasses import dataclass
from typing import Literal

import narwhals.stable.v2 as nw
import numpy as np

from lamina.exceptions import DataError
from lamina.missing import is_missing

MAX_CLASSES = 10
"""Different whole numbers up to which they are classes."""


@dataclass(frozen=True)
class Target:
    """The targets of the rows that have one, and what they are."""

    values: np.ndarray
    rows: np.ndarray
    """The rows that have a target."""
    kind: Literal["Classifier", "Regressor", "Writer"]
    """The end of the names of estimators that learn it; "Writer" for texts to generate."""
    why: str


def target_of(column: nw.Series) -> Target:
    """The target in a column of a frame."""
    values = column.to_list()
    rows = np.array([i for i, v in enumerate(values) if not is_missing(v)], dtype=int)
    name, present = column.name, [values[i] for i in rows]
    if not present:
        raise DataError(f"The target {name!r} has no value in any row.")
    types = set(map(type, present))
    if types <= {int, float}:
        return _of_numbers(name, np.array(present, dtype=float), rows)
    if types == {bool}:
        return Target(
            np.array(present), rows, "Classifier", f"{name!r} is true or false"
        )
    if types != {str}:
        names = ", ".join(sorted(kind.__name__ for kind in types))
        raise DataError(
            f"The target {name!r} has values of type {names}; it has to be of texts or of "
            f"numbers."
        )
    n_classes = len(set(present))
    if not are_classes(column):
        raise DataError(
            f"The target {name!r} has {n_classes} different texts in {len(present)} rows, "
            f"such as {present[0]!r:.40} and {present[-1]!r:.40}, which are no classes. If "
            f"they are numbers with units, remove these; to generate texts, pass "
            f"--estimator Translator."
        )
    why = f"{name!r} has {_count(n_classes, 'text')}"
    return Target(np.array(present), rows, "Classifier", why)


def are_classes(column: nw.Series) -> bool:
    """Whether texts are classes, of which at most half as many differ as there are rows."""
    present = [v for v in column.to_list() if not is_missing(v)]
    texts = {v for v in present if isinstance(v, str)}
    return len(texts) <= max(2, len(present) / 2)


def texts_of(column: nw.Series) -> Target:
    """The target of an estimator that generates texts."""
    values = column.to_list()
    rows = np.array([i for i, v in enumerate(values) if not is_missing(v)], dtype=int)
    texts = np.array([str(values[i]) for i in rows], dtype=object)
    return Target(texts, rows, "Writer", f"{column.name!r} has the texts to generate")


def _of_numbers(name: str, values: np.ndarray, rows: np.ndarray) -> Target:
    is_whole = bool((values == np.round(values)).all() and (abs(values) < 2**53).all())
    n_values = len(np.unique(values))
    if is_whole and n_values <= MAX_CLASSES:
        why = f"{name!r} has {_count(n_values, 'whole number')}"
        return Target(values.astype(int), rows, "Classifier", why)
    what = "whole numbers" if is_whole else "numbers"
    why = f"{name!r} has {n_values} different {what}"
    return Target(values, rows, "Regressor", why)


def _count(n: int, what: str) -> str:
    return f"only one {what}" if n == 1 else f"{n} different {what}s"
