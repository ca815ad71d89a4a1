"""Texts, or lists of tokens -> their tokens.

Texts are converted to Unicode's normal form C, so that the encoding of an accented letter
has no effect.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import numpy as np

from lamina.exceptions import DataError
from lamina.params import Params, Use, fraction
from lamina.scripts import SYMBOL, WORD, composed, is_unspaced, pattern
from lamina.texts import shown, text_of, warn_of_unspaced

TOKEN = f"{WORD}|{SYMBOL}"
N_CHARACTERS = 12
"""Characters that are read from each end of a long word."""


NGramDropout = Annotated[float, fraction(), Use.FROZEN]
DROPPED = """Fraction of the n-grams of a text dropped at each training step; most of those
    that remain say the same. Texts only."""


class UnitParams(Params):
    """How texts are split into tokens."""

    token_unit: Annotated[
        Literal["auto", "word", "char"],
        Use.FROZEN,
        """The tokens of a text: lower-cased words and single punctuation marks, or
        characters. "auto" takes characters if most letters of the training texts belong
        to a script without spaces between words (Chinese, Japanese, Thai), and words
        otherwise. Lists of tokens in `fit` are used unchanged; lists of words in
        prediction, after texts in `fit`, are lower-cased.""",
    ] = "auto"


class BagParams(UnitParams):
    """How texts are read as bags of n-grams."""

    ngram_dropout: Annotated[NGramDropout, DROPPED] = 0.7


def _words(text: str) -> list[str]:
    """Lower-cased words and single symbols."""
    return pattern(TOKEN).findall(lower(text))


def lower(text: str) -> str:
    """The text in lower case and in normal form C."""
    return composed(composed(text).lower())


def spans(text: str, unit: str) -> list[tuple[int, int]]:
    """Where each token of a text in normal form C starts and stops."""
    if unit == "char":
        return [(i, i + 1) for i in range(len(text))]
    # Lower case changes the length of some letters, but not where words begin.
    return [match.span() for match in pattern(TOKEN).finditer(text)]


def _characters(text: str) -> list[str]:
    return list(composed(text))


TOKENIZERS: dict[str, Callable[[str], list[str]]] = {
    "word": _words,
    "char": _characters,
}


def unit_of(texts: Sequence[str], unit: str) -> str:
    """The unit that texts are split into, where the parameter `token_unit` is `unit`."""
    unspaced = is_unspaced(texts)
    if unit == "auto":
        return "char" if unspaced else "word"
    if unspaced and unit == "word":
        warn_of_unspaced('token_unit="char"')
    return unit


def split(samples: list[Any], unit: str) -> list[list[str]]:
    """The tokens of each sample: of a list if `unit` is "token", otherwise of a text."""
    if unit == "token":
        return [_tokens_of(sample, i) for i, sample in enumerate(samples)]
    return [_tokenized(sample, i, unit) for i, sample in enumerate(samples)]


def _tokens_of(sample: Any, i: int) -> list[str]:
    """The tokens of a sample that is a list of tokens, in normal form C."""
    if isinstance(sample, str):
        raise DataError(
            f"Sample {i} is a text, {shown(sample)}, where a list of tokens is expected; "
            f"split it into tokens, such as {sample.split()[:3]!r}."
        )
    is_list = isinstance(sample, list | tuple | np.ndarray)
    if not is_list or np.ndim(sample) == 0:
        raise DataError(f"Sample {i} is not a list of tokens: {shown(sample)}.")
    tokens = [
        composed(text_of(token, f"Token {j} of sample {i}"))
        for j, token in enumerate(sample)
    ]
    if not tokens:
        raise DataError(f"Sample {i} is an empty list of tokens; leave it out.")
    if "" in tokens:
        raise DataError(f"Sample {i} has an empty token: {shown(sample)}; drop it.")
    return tokens


def _tokenized(sample: object, i: int, unit: str) -> list[str]:
    """The lower-cased words, or the characters, of a text or a list of words."""
    if isinstance(sample, list | tuple | np.ndarray):
        if unit == "word":
            return [lower(token) for token in _tokens_of(sample, i)]
        raise DataError(
            f"Sample {i} is a list of tokens, {shown(sample)}, and this network reads "
            f"characters; pass a text."
        )
    tokens = TOKENIZERS[unit](text_of(sample, f"Sample {i}"))
    if not tokens:
        raise DataError(f"Sample {i} is an empty text: {shown(sample)}; leave it out.")
    return tokens


def ends(token: str) -> str:
    """The characters of a token that are read."""
    if len(token) <= 2 * N_CHARACTERS:
        return token
    return token[:N_CHARACTERS] + token[-N_CHARACTERS:]
