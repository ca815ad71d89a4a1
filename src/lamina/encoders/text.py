"""Texts, or lists of tokens -> x (B, T) of integers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch

from lamina.batch import Spec
from lamina.encoders.base import Encoder, RaggedSamples, Samples
from lamina.exceptions import DataError
from lamina.params import Params, Use, at_least
from lamina.schema import Schema
from lamina.scripts import SYMBOL, WORD, composed, is_unspaced, pattern
from lamina.texts import items, shown, text_of, warn_of_unspaced
from lamina.vocabulary import Vocabulary

TOKEN = f"{WORD}|{SYMBOL}"


def _words(text: str) -> list[str]:
    """Lower-cased words and single symbols."""
    return pattern(TOKEN).findall(_lower(text))


def _lower(text: str) -> str:
    """The text in lower case, in normal form C whichever form it came in."""
    return composed(composed(text).lower())


def _characters(text: str) -> list[str]:
    return list(composed(text))


TOKENIZERS: dict[str, Callable[[str], list[str]]] = {
    "word": _words,
    "char": _characters,
}


@dataclass(frozen=True)
class TextSchema(Schema):
    """What `fit` learnt of the form of texts."""

    unit: str
    """What texts are cut into; "token" where they come as lists of tokens."""
    normalized: bool
    """Whether all texts of `fit` were in Unicode's normal form C, or were put into it."""


class VocabularyParams(Params):
    """What tokens a network has numbers for."""

    max_tokens: Annotated[
        int,
        at_least(1),
        Use.FROZEN,
        "Size of the vocabulary; rarer tokens count as unknown, as do unseen ones.",
    ] = 20_000


class TextParams(VocabularyParams):
    """How texts are cut into tokens."""

    token_unit: Annotated[
        Literal["auto", "word", "char"],
        Use.FROZEN,
        """What a text is cut into: lower-cased words and single punctuation marks, or
        characters as they are. "auto" takes characters where most letters of the training
        texts are of a script without spaces between words (Chinese, Japanese, Thai), and
        words otherwise. Where `fit` sees lists of tokens, they are taken as they are; lists
        of words after texts that were cut into words are put into lower case.""",
    ] = "auto"


class TextEncoder(Encoder):
    """Texts as token numbers; an unseen token is number 1.

    Texts are put into Unicode's normal form C, so that an accented letter is the same
    token however it is encoded.
    """

    params = TextParams
    schema: TextSchema | None = None

    def __init__(self, params: TextParams):
        self.unit, self.max_tokens = params.token_unit, params.max_tokens

    def read(self, X: Any) -> list[list[str]]:
        """The tokens of each text; the first call decides what texts are cut into."""
        samples = items(X)
        if self.schema is None:
            self.schema = TextSchema("text", self._unit_of(samples), normalized=True)
        unit = self.schema.unit
        return [
            tokens_of(sample, i) if unit == "token" else _cut(sample, i, unit)
            for i, sample in enumerate(samples)
        ]

    def fit(self, plain: list[list[str]], weight: np.ndarray | None = None) -> Self:
        del weight
        self.vocabulary = Vocabulary(plain, self.max_tokens)
        self.spec = Spec(
            n_tokens=len(self.vocabulary), n_space=1, max_length=max(map(len, plain))
        )
        return self

    def encode(self, plain: list[list[str]]) -> Samples:
        rows = [self.vocabulary.encode(tokens) for tokens in plain]
        flat = torch.tensor([number for row in rows for number in row])
        return RaggedSamples(flat, torch.tensor([len(row) for row in rows]))

    def _unit_of(self, samples: list[Any]) -> str:
        if isinstance(samples[0], list | tuple | np.ndarray):
            return "token"
        unspaced = is_unspaced([s for s in samples if isinstance(s, str)])
        if self.unit == "auto":
            return "char" if unspaced else "word"
        if unspaced and self.unit == "word":
            warn_of_unspaced('token_unit="char"')
        return self.unit


def tokens_of(sample: Any, i: int) -> list[str]:
    """The tokens of a sample that comes as a list of them, in normal form C."""
    if isinstance(sample, str):
        raise DataError(
            f"Sample {i} is a text, {shown(sample)}, where a list of tokens is expected; "
            f"cut it into tokens, such as {sample.split()[:3]!r}."
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
        raise DataError(f"Sample {i} has an empty token: {shown(sample)}.")
    return tokens


def _cut(sample: Any, i: int, unit: str) -> list[str]:
    """The tokens of a text; words may come as a list of them, in any case."""
    if isinstance(sample, list | tuple | np.ndarray):
        if unit == "word":
            return [_lower(token) for token in tokens_of(sample, i)]
        raise DataError(
            f"Sample {i} is a list of tokens, {shown(sample)}, and texts are read by "
            f"characters; pass texts, as the first sample of fit was."
        )
    tokens = TOKENIZERS[unit](text_of(sample, f"Sample {i}"))
    if not tokens:
        raise DataError(f"Sample {i} is an empty text: {shown(sample)}; leave it out.")
    return tokens
