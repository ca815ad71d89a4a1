"""Targets of a tagger as users pass them -> a list of labels for each sample.

A label is a string, an integer or real number, or a boolean, and all labels of y are of one
kind. Anything else raises `DataError` with its sample and its step.
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

Label = str | bool | int | float
KINDS: dict[type, str] = {
    str: "strings",
    bool: "booleans",
    int: "numbers",
    float: "numbers",
}
"""The kind of each type of label. Labels of one kind can be compared."""
EXPECTED = "y has to hold a list of labels for each sample, one for each step"


def read_labels(y: object, X: Any) -> list[list[Label]]:
    """A list of labels for each sample of X, which is a list or has `lengths`."""
    rows = [_row(row, i) for i, row in enumerate(_rows(y))]
    if len(rows) != len(X):
        raise DataError(f"X has {len(X)} samples and y has {len(rows)}; {EXPECTED}.")
    steps = [len(sample) for sample in X] if isinstance(X, list) else X.lengths
    for i, (n_steps, labels) in enumerate(zip(steps, rows, strict=True)):
        if n_steps != len(labels):
            raise DataError(
                f"Sample {i} has {n_steps} steps but {len(labels)} labels; {EXPECTED}."
            )
    return _plain(rows)


def kind_of(label: Label) -> str:
    """The kind of this label."""
    return KINDS[type(label)]


def sorted_labels(y: list[list[Label]]) -> tuple[np.ndarray, np.ndarray]:
    """The distinct labels (K,), sorted, and their counts (K,)."""
    counts: Counter[Any] = Counter(chain.from_iterable(y))
    labels = sorted(counts)
    if len(labels) < 2:
        raise DataError(
            f"A tagger needs at least 2 labels; y has only {len(labels)}: {labels!r}."
        )
    classes = np.array(labels)
    if (
        classes.tolist() != labels
    ):  # integers too large for numpy, strings ending in NUL
        classes = np.array(labels, dtype=object)
    return classes, np.array([counts[label] for label in labels])


def _rows(y: object) -> list:
    """The rows of y in a list, from any container."""
    if y is None:
        raise DataError("A tagger requires y to be passed, but the target y is None.")
    if isinstance(y, str | bytes):
        raise DataError(f"y is a single text, {_shown(y)}; {EXPECTED}.")
    if isinstance(y, list | tuple):
        return list(y)
    if isinstance(y, np.ndarray | Tensor):
        _refuse_without_values(y, "y")
        if y.ndim == 0:
            raise DataError(f"y is a single value, {_shown(y)}; {EXPECTED}.")
        return list(y)
    return _column(y)


def _column(y: Any) -> list:
    """The rows of y, from a column of a frame."""
    if nw.dependencies.is_into_dataframe(y):
        names = nw.from_native(y, eager_only=True).columns
        raise DataError(
            f"y is a table with the columns {names!r}; pass the column of the lists of "
            f"labels, or an array with a label for each step."
        )
    pyarrow = nw.dependencies.get_pyarrow()
    if pyarrow is not None and isinstance(y, pyarrow.Array):
        return y.to_pylist()
    if nw.dependencies.is_into_series(y):
        return nw.from_native(y, series_only=True).to_list()
    raise DataError(
        f"y is of type {type(y).__name__}; {EXPECTED}. Pass a list, an array or a column."
    )


def _row(row: object, i: int) -> list:
    """The labels of sample i in a list."""
    if isinstance(row, list | tuple):
        return list(row)
    if isinstance(row, np.ndarray | Tensor):
        _refuse_without_values(row, f"y[{i}]")
        if row.ndim == 1:
            return row.tolist()
        raise DataError(
            f"y[{i}] is an array of shape {tuple(row.shape)}; {EXPECTED}."
            if row.ndim
            else f"y[{i}] is {_shown(row.tolist())}; {EXPECTED}."
        )
    if nw.dependencies.is_into_series(row):
        return nw.from_native(row, series_only=True).to_list()
    raise DataError(f"y[{i}] is {_shown(_scalar(row))}; {EXPECTED}.")


def _refuse_without_values(values: np.ndarray | Tensor, name: str) -> None:
    if isinstance(values, Tensor) and (values.is_meta or values.layout != strided):
        raise DataError(
            f"{name} is a tensor on the meta device or a sparse one; pass a dense tensor, "
            f"or a list."
        )


def _plain(rows: list[list]) -> list[list[Label]]:
    """The labels as Python types, all of one kind."""
    if not set(map(type, chain.from_iterable(rows))) <= set(KINDS):
        rows = [[_label(x, i, t) for t, x in enumerate(r)] for i, r in enumerate(rows)]
    types = set(map(type, chain.from_iterable(rows)))
    if float in types:
        _refuse_non_finite(rows)
    if len({KINDS[t] for t in types}) > 1:
        _refuse_mixed(rows)
    return rows


def _label(label: object, i: int, t: int) -> Label:
    value = _scalar(label)
    for kind in (str, bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, bytes):
        remedy = "decode it to a string"
    elif isinstance(value, list | tuple):
        remedy = "a label is a string or a number; join the parts into one string"
    elif _is_missing(value):
        remedy = (
            "a label is missing; use a label of its own for it, or leave the sample out"
        )
    else:
        remedy = "a label is a string, a number or a boolean; convert it to one"
    raise DataError(f"y[{i}][{t}] is {_shown(label)}: {remedy}.")


def _scalar(label: object) -> object:
    """The Python value of a number, boolean or string of numpy or torch."""
    is_plain = isinstance(label, np.number | np.bool_ | np.str_)
    # numpy.timedelta64 is a numpy.number, and its item is an integer.
    if is_plain and not isinstance(label, np.timedelta64):
        return label.item()
    if isinstance(label, Tensor) and label.ndim == 0:
        return label.item()
    return label


def _is_missing(value: object) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _refuse_non_finite(rows: list[list[Label]]) -> None:
    for i, t, label in _places(rows):
        if isinstance(label, float) and not isfinite(label):
            raise DataError(
                f"y[{i}][{t}] is {label!r}; a label must be finite. Use a label of its own "
                f"for it, or leave the sample out."
            )


def _refuse_mixed(rows: list[list[Label]]) -> None:
    first: dict[str, str] = {}
    for i, t, label in _places(rows):
        first.setdefault(kind_of(label), f"y[{i}][{t}] is {label!r}")
    raise DataError(
        f"Labels of y are of several types, {' and '.join(first)}: "
        f"{', '.join(first.values())}. Convert all of them to one type."
    )


def _places(rows: list[list[Label]]) -> Iterator[tuple[int, int, Label]]:
    """(sample, step, label) of every label."""
    for i, row in enumerate(rows):
        for t, label in enumerate(row):
            yield i, t, label


def _shown(value: object, n_characters: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= n_characters else f"{text[:n_characters]}..."
