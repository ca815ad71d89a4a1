"""Texts as users pass them (a list, an array, a column of a frame) -> a list of str.

Anything else raises an error with its index: missing values, numbers, bytes, and containers
over which a loop would give something else, such as the column names of a frame.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Set
from numbers import Number
from pathlib import Path
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from lamina.exceptions import DataError, warn_of_data
from lamina.missing import is_missing

ITEMS = {
    "X": "Sample",
    "y": "The target of sample",
    "prefix": "The prefix of sample",
    "prompt": "Prompt",
}
"""How error messages name an item of each argument."""
SURROGATE = re.compile("[\ud800-\udfff]")
MAX_SHOWN = 80
"""Characters of a value that an error message shows."""


def read_texts(X: Any, name: str = "X") -> list[str]:
    """The texts of the argument `name`, at least one."""
    return [
        text_of(item, f"{ITEMS[name]} {i}") for i, item in enumerate(items(X, name))
    ]


def items(X: Any, name: str = "X") -> list[Any]:
    """The items of a list, an array, a series or a frame with a single column.

    A 2-D array of several columns gives its rows.
    """
    _refuse_container(X, name)
    if isinstance(X, np.ndarray):
        values = _rows(X, name)
    elif nw.dependencies.is_into_dataframe(X):
        values = _only_column(X, name)
    elif nw.dependencies.is_into_series(X):
        values = nw.from_native(X, series_only=True).to_list()
    elif type(X).__module__.startswith("pyarrow"):
        values = X.to_pylist()
    else:
        values = list(X)
    if not values:
        raise DataError(f"Found array with 0 sample(s): {name} is an empty list.")
    return values


def text_of(item: object, where: str) -> str:
    """The item as a str; `DataError` with `where` in it unless it is a text."""
    if isinstance(item, str):
        return str(item)
    if is_missing(item):
        remedy = "a missing value; fill it in, or leave the sample out"
    elif isinstance(item, bytes | bytearray | memoryview):
        remedy = "bytes; decode them, such as by .decode('utf8')"
    elif isinstance(item, Number | np.generic):
        remedy = "a number; convert it by str() if its digits are meant as a text"
    elif isinstance(item, Path):
        remedy = "a Path; pass its .read_text(encoding='utf8')"
    elif isinstance(item, list | tuple | np.ndarray):
        remedy = "a list; join its strings into one"
    else:
        remedy = f"of type {type(item).__name__}; pass a str"
    raise DataError(f"{where} is not a text: {shown(item)} is {remedy}.")


def refuse_surrogates(text: str, where: str) -> None:
    """Raise `DataError` for a text with a lone surrogate, which UTF-8 cannot encode."""
    match = None if text.isascii() else SURROGATE.search(text)
    if match:
        raise DataError(
            f"{where} has a lone surrogate, {match[0]!r}, at character {match.start()}, "
            f"and unit='bpe' splits texts into bytes of UTF-8, which cannot encode it. "
            f"Decode the text again with errors='replace', or choose another unit."
        )


def warn_of_unspaced(remedy: str) -> None:
    """Warn that texts without spaces between words are to be split into words."""
    warn_of_data(
        "Most letters of the texts are of a script without spaces between words, so that "
        f"a whole clause counts as one word; use {remedy}, or pass texts in which spaces "
        "stand between words."
    )


def shown(item: object) -> str:
    """The value as error messages show it: on one line, shortened if it is long."""
    text = repr(item).replace("\n", " ")
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _refuse_container(X: Any, name: str) -> None:
    if isinstance(X, str | bytes | bytearray | Path):
        raise DataError(f"{name} is a single text, {shown(X)}; pass a list of texts.")
    if isinstance(X, Mapping):
        remedy = "a dict; pass the list of texts that is one of its values"
    elif isinstance(X, Set):
        remedy = "a set, which has no order; pass a list of texts"
    elif isinstance(X, Iterator):
        remedy = "an iterator, which can be read only once; pass list(...)"
    elif nw.dependencies.is_into_lazyframe(X) and not nw.dependencies.is_into_dataframe(
        X
    ):
        remedy = "a lazy frame; collect it, and pass the column of texts"
    elif isinstance(X, Collection) or type(X).__module__.startswith("pyarrow"):
        return
    else:
        remedy = f"of type {type(X).__name__}; pass a list of texts"
    raise DataError(f"{name} is not a list of texts: {shown(X)} is {remedy}.")


def _rows(X: np.ndarray, name: str) -> list[Any]:
    if X.ndim == 2 and X.shape[1] > 1:
        return list(X)
    if X.ndim not in (1, 2):
        raise DataError(
            f"{name} has {X.ndim} dimensions; pass a list or a 1-D array of texts."
        )
    return X.ravel().tolist()


def _only_column(X: Any, name: str) -> list[Any]:
    frame = nw.from_native(X, eager_only=True)
    columns = frame.columns
    if len(columns) != 1:
        raise DataError(
            f"{name} is a frame with {len(columns)} columns, {shown(columns)}; pass the "
            f"column of the texts, such as {name}[{columns[0]!r}]."
            if columns
            else f"{name} is a frame without columns; pass the column of the texts."
        )
    return frame[columns[0]].to_list()
