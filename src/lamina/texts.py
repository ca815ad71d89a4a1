"""Texts as users have them (a list, an array, a column of a frame) -> a list of str.

Whatever is no text is refused by its number: missing values, numbers, bytes, and containers
that would be read as something else, such as a frame as the names of its columns.
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
"""What a message calls one item of an argument."""
SURROGATE = re.compile("[\ud800-\udfff]")
SHOWN = 80
"""Characters of a value that a message shows."""


def read_texts(X: Any, name: str = "X") -> list[str]:
    """The texts of `X`, which the caller knows by `name`; there is at least one."""
    return [
        text_of(item, f"{ITEMS[name]} {i}") for i, item in enumerate(items(X, name))
    ]


def items(X: Any, name: str = "X") -> list[Any]:
    """What X holds, in order: of a list, an array, a series or the one column of a frame.

    A 2-D array of several columns is a list of its rows.
    """
    _refuse_container(X, name)
    if isinstance(X, np.ndarray):
        found = _rows(X, name)
    elif nw.dependencies.is_into_dataframe(X):
        found = _only_column(X, name)
    elif nw.dependencies.is_into_series(X):
        found = nw.from_native(X, series_only=True).to_list()
    elif type(X).__module__.startswith("pyarrow"):
        found = X.to_pylist()
    else:
        found = list(X)
    if not found:
        raise DataError(f"Found array with 0 sample(s): {name} is an empty list.")
    return found


def text_of(item: Any, where: str) -> str:
    """The text that `item` is; `where` names it in the error if it is none."""
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
    """Raise for a text with half a code point, which has no bytes in UTF-8."""
    found = None if text.isascii() else SURROGATE.search(text)
    if found:
        raise DataError(
            f"{where} has a lone surrogate, {found[0]!r}, at character {found.start()}, "
            f"and unit='bpe' cuts texts into bytes of UTF-8, which has none for it. "
            f"Decode the text anew with errors='replace', or choose another unit."
        )


def warn_of_unspaced(remedy: str) -> None:
    """Warn that words are asked of texts that have no spaces between them."""
    warn_of_data(
        "Most letters of the texts are of a script without spaces between words, so that "
        f"a whole clause counts as one word; use {remedy}, or pass texts in which spaces "
        "stand between words."
    )


def shown(item: Any) -> str:
    """The value as a message shows it: in one line, cut if it is long."""
    text = repr(item).replace("\n", " ")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _refuse_container(X: Any, name: str) -> None:
    if isinstance(X, str | bytes | bytearray | Path):
        raise DataError(f"{name} is a single text, {shown(X)}; pass a list of texts.")
    if isinstance(X, Mapping):
        remedy = "a dict; pass the list of texts that is one of its values"
    elif isinstance(X, Set):
        remedy = "a set, which has no order; pass a list of texts"
    elif isinstance(X, Iterator):
        remedy = "an iterator, which can be read only once; pass list(...) of it"
    elif nw.dependencies.is_into_lazyframe(X) and not nw.dependencies.is_into_dataframe(
        X
    ):
        remedy = "a lazy frame; collect it, and pass the column of texts"
    elif isinstance(X, Collection) or type(X).__module__.startswith("pyarrow"):
        return
    else:
        remedy = f"of type {type(X).__name__}; pass a list of texts"
    raise DataError(f"{name} is no list of texts: {shown(X)} is {remedy}.")


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
