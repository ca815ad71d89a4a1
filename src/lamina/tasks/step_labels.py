"""What a user passes as y of a tagger -> a list of labels for each sample.

A label is a string, a whole or real number, or a boolean; all labels of y are of one of
these kinds. What is not, is refused with the number of its sample and its step.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from math import isfinite
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from torch import Tensor, strided

from lamina.exceptions import DataError

KINDS: dict[type, str] = {
    str: "strings",
    bool: "booleans",
    int: "numbers",
    float: "numbers",
}
"""Types of labels, and what they are called; labels of one kind can be compared."""
WANTED = "y holds a list of labels for each sample, one a step"


def read_labels(y: Any, X: Any) -> list[list]:
    """A list of labels for each sample of X, a list of samples or one with `lengths`."""
    rows = [_row(row, i) for i, row in enumerate(_rows(y))]
    if len(rows) != len(X):
        raise DataError(f"X has {len(X)} samples and y has {len(rows)}; {WANTED}.")
    steps = [len(sample) for sample in X] if isinstance(X, list) else X.lengths
    for i, (n_steps, labels) in enumerate(zip(steps, rows, strict=True)):
        if n_steps != len(labels):
            raise DataError(
                f"Sample {i} has {n_steps} steps but {len(labels)} labels; {WANTED}."
            )
    return _plain(rows)


def kind_of(label: Any) -> str:
    """What labels like this one are called."""
    return KINDS[type(label)]


def sorted_labels(y: list[list]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct labels (K,) in order, and how often each occurs (K,)."""
    counts = Counter(chain.from_iterable(y))
    labels = sorted(counts)
    if len(labels) < 2:
        raise DataError(
            f"A tagger needs at least 2 labels; y has only {len(labels)}: {labels!r}."
        )
    classes = np.array(labels)
    if classes.tolist() != labels:  # too large for numpy's integers, or ends in NUL
        classes = np.array(labels, dtype=object)
    return classes, np.array([counts[label] for label in labels])


def _rows(y: Any) -> list:
    """The targets as a list, whatever container they are in."""
    if y is None:
        raise DataError("A tagger requires y to be passed, but the target y is None.")
    if isinstance(y, str | bytes):
        raise DataError(f"y is a single text, {_shown(y)}; {WANTED}.")
    if isinstance(y, list | tuple):
        return list(y)
    if isinstance(y, np.ndarray | Tensor):
        _refuse_without_values(y, "y")
        if y.ndim == 0:
            raise DataError(f"y is a single value, {_shown(y)}; {WANTED}.")
        return list(y)
    return _column(y)


def _column(y: Any) -> list:
    """The values of a column of a frame."""
    if nw.dependencies.is_into_dataframe(y):
        names = nw.from_native(y, eager_only=True).columns
        raise DataError(
            f"y is a table with the columns {names!r}; pass the column that holds the "
            f"lists of labels, or an array of a label for each step."
        )
    pyarrow = nw.dependencies.get_pyarrow()
    if pyarrow is not None and isinstance(y, pyarrow.Array):
        return y.to_pylist()
    if nw.dependencies.is_into_series(y):
        return nw.from_native(y, series_only=True).to_list()
    raise DataError(
        f"y is of type {type(y).__name__}; {WANTED}. Pass a list, an array or a column."
    )


def _row(row: Any, i: int) -> list:
    if isinstance(row, list | tuple):
        return list(row)
    if isinstance(row, np.ndarray | Tensor):
        _refuse_without_values(row, f"y[{i}]")
        if row.ndim == 1:
            return row.tolist()
        raise DataError(
            f"y[{i}] is an array of shape {tuple(row.shape)}; {WANTED}."
            if row.ndim
            else f"y[{i}] is {_shown(row.tolist())}; {WANTED}."
        )
    if nw.dependencies.is_into_series(row):
        return nw.from_native(row, series_only=True).to_list()
    raise DataError(f"y[{i}] is {_shown(_scalar(row))}; {WANTED}.")


def _refuse_without_values(values: np.ndarray | Tensor, name: str) -> None:
    if isinstance(values, Tensor) and (values.is_meta or values.layout != strided):
        raise DataError(
            f"{name} is a tensor on the meta device or a sparse one; pass a dense tensor, "
            f"or a list."
        )


def _plain(rows: list[list]) -> list[list]:
    """The labels as Python's own types, all of one kind."""
    if not set(map(type, chain.from_iterable(rows))) <= set(KINDS):
        rows = [[_label(x, i, t) for t, x in enumerate(r)] for i, r in enumerate(rows)]
    types = set(map(type, chain.from_iterable(rows)))
    if float in types:
        _refuse_non_finite(rows)
    if len({KINDS[t] for t in types}) > 1:
        _refuse_mixed(rows)
    return rows


def _label(label: Any, i: int, t: int) -> str | int | float | bool:
    value = _scalar(label)
    for kind in (str, bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, bytes):
        remedy = "decode it to a string"
    elif isinstance(value, list | tuple):
        remedy = "a label is a string or a number; join the parts to one string"
    elif _is_missing(value):
        remedy = (
            "a label is missing; give it a name of its own, or leave the sample out"
        )
    else:
        remedy = "a label is a string, a number or a boolean; convert it to one"
    raise DataError(f"y[{i}][{t}] is {_shown(label)}: {remedy}.")


def _scalar(label: Any) -> Any:
    """Python's own value of a number, boolean or string of numpy or torch."""
    is_plain = isinstance(label, np.number | np.bool_ | np.str_)
    # A timedelta64 is a number to numpy, and its item an integer.
    if is_plain and not isinstance(label, np.timedelta64):
        return label.item()
    if isinstance(label, Tensor) and label.ndim == 0:
        return label.item()
    return label


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _refuse_non_finite(rows: list[list]) -> None:
    for i, t, label in _places(rows):
        if isinstance(label, float) and not isfinite(label):
            raise DataError(
                f"y[{i}][{t}] is {label!r}; a label of y is not NaN or infinite. Give it a "
                f"name of its own, or leave the sample out."
            )


def _refuse_mixed(rows: list[list]) -> None:
    first: dict[str, str] = {}
    for i, t, label in _places(rows):
        first.setdefault(kind_of(label), f"y[{i}][{t}] is {label!r}")
    raise DataError(
        f"Labels of y are of several types, {' and '.join(first)}: "
        f"{', '.join(first.values())}. Convert all of them to one type."
    )


def _places(rows: list[list]) -> Iterator[tuple[int, int, Any]]:
    """(sample, step, label) of every label."""
    for i, row in enumerate(rows):
        for t, label in enumerate(row):
            yield i, t, label


def _shown(value: Any, n_characters: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= n_characters else f"{text[:n_characters]}..."
