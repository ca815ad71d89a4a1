"""Columns of texts: which they are, and the tokens of their values.

A column of strings holds texts, and not categories, if it has at least 50 distinct values and
most of these have three words or more (ten characters in scripts without spaces between
words). The rule reads distinct values only, so that repeated rows do not change it.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from lamina.encoders.tokenizers import TOKENIZERS
from lamina.missing import is_missing
from lamina.scripts import is_unspaced

MIN_DISTINCT, MIN_WORDS, MIN_CHARACTERS = 50, 3, 10


def are_texts(present: Iterable[str]) -> bool:
    """Whether strings are texts, by the rule above."""
    distinct = list(dict.fromkeys(present))
    if len(distinct) < MIN_DISTINCT:
        return False
    words = float(np.median([len(text.split()) for text in distinct]))
    if words >= MIN_WORDS:
        return True
    characters = float(np.median([len(text) for text in distinct]))
    return characters >= MIN_CHARACTERS and is_unspaced(distinct)


def tokens_of(values: Iterable[object], unit: str) -> np.ndarray:
    """(n,) the list of tokens of each text; an empty one for a missing value."""
    rows = list(_tokenized(values, unit))
    tokens = np.empty(len(rows), object)
    tokens[:] = rows
    return tokens


def _tokenized(values: Iterable[object], unit: str) -> Iterator[list[str]]:
    for value in values:
        yield [] if is_missing(value) else TOKENIZERS[unit](str(value))
