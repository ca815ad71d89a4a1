"""Texts, or lists of tokens -> x (B, T) of token ids and bags of n-grams, or bags alone."""

from dataclasses import dataclass
from itertools import chain
from os import PathLike, fspath
from typing import Annotated, Self

import numpy as np
import torch

from lamina.batch import Spec
from lamina.encoders.base import Encoder, RaggedSamples, Samples, TensorSamples
from lamina.encoders.ngrams import NGrams, distinct_texts, min_texts
from lamina.encoders.texts.vectors import VectorParams, WordVectors, read_vectors
from lamina.encoders.tokenizers import (
    DROPPED,
    TOKENIZERS,
    BagParams,
    NGramDropout,
    UnitParams,
    lower,
    split,
    unit_of,
)
from lamina.exceptions import ParameterError
from lamina.params import Params, Use, at_least, fraction, only_with
from lamina.schema import Schema
from lamina.scripts import composed
from lamina.texts import items
from lamina.vocabulary import Vocabulary


@dataclass(frozen=True)
class TextSchema(Schema):
    """The form of the texts in `fit`."""

    unit: str
    """The unit that texts are split into; "token" if they are lists of tokens."""
    normalized: bool
    """Whether all texts of `fit` were in, or were converted to, Unicode's normal form C."""


class VocabularyParams(Params):
    """The size of the vocabulary."""

    max_tokens: Annotated[
        int,
        at_least(1),
        Use.FROZEN,
        "Size of the vocabulary; rarer tokens count as unknown, as do unseen ones.",
    ] = 20_000


class TextParams(VectorParams, VocabularyParams, UnitParams):
    """How texts are split into tokens, and what is read of them."""

    ngram_features: Annotated[
        bool,
        Use.FROZEN,
        """Whether to read each text as a bag of n-grams as well (tokens, pairs of tokens,
        3 to 5 characters of a token), beside its tokens in their order. Of texts that are
        few or short this learns more than the order does.""",
    ] = True
    ngram_dropout: Annotated[NGramDropout, only_with(ngram_features=True), DROPPED] = (
        0.7
    )
    token_dropout: Annotated[
        float,
        fraction(),
        Use.FROZEN,
        "Fraction of the tokens of a text that count as unknown at each training step.",
    ] = 0.3


class TokenizedTexts(Encoder[list[list[str]]]):
    """Abstract: reads texts as tokens.

    Texts are converted to Unicode's normal form C, so that the encoding of an accented
    letter has no effect.
    """

    schema: TextSchema | None = None

    def __init__(self, params: BagParams | TextParams):
        self.unit, self.ngram_dropout = params.token_unit, params.ngram_dropout

    def read(self, X: object) -> list[list[str]]:
        """The tokens of each text; the first call chooses the unit."""
        samples = items(X)
        if self.schema is None:
            self.schema = TextSchema("text", self._unit_of(samples), normalized=True)
        return split(samples, self.schema.unit)

    def _unit_of(self, samples: list) -> str:
        if isinstance(samples[0], list | tuple | np.ndarray):
            return "token"
        return unit_of([s for s in samples if isinstance(s, str)], self.unit)


class TextEncoder(TokenizedTexts):
    """Texts as token ids, with their bags; a token that `fit` did not keep has id 1."""

    params = TextParams
    ngrams: NGrams | None = None

    def __init__(self, params: TextParams):
        super().__init__(params)
        self.max_tokens, self.token_dropout = params.max_tokens, params.token_dropout
        self.word_vectors = params.word_vectors
        if params.ngram_features:
            self.ngrams = NGrams()

    def fit(self, plain: list[list[str]], weight: np.ndarray | None = None) -> Self:
        del weight
        distinct = distinct_texts(plain)
        least = min_texts(len(distinct))
        self.vocabulary = Vocabulary(map(set, distinct), self.max_tokens, least)
        if self.word_vectors is not None:
            self.vectors = self._vectors(self.word_vectors, distinct)
        self.spec = Spec(
            n_tokens=len(self.vocabulary),
            vector_size=0 if self.vectors is None else self.vectors.width,
            n_ngrams=() if self.ngrams is None else (len(self.ngrams.fit(plain)),),
            ngram_dropout=self.ngram_dropout,
            token_dropout=self.token_dropout,
            n_space=1,
            max_length=max(map(len, plain)),
        )
        return self

    @property
    def is_fitted_again(self) -> bool:
        """Whether the words that are known are those of the training texts."""
        return self.word_vectors is None

    def encode(self, plain: list[list[str]]) -> Samples:
        rows = [self.vocabulary.encode(tokens) for tokens in plain]
        flat = torch.tensor([token_id for row in rows for token_id in row])
        bags = () if self.ngrams is None else (self.ngrams.encode(plain),)
        return RaggedSamples(flat, torch.tensor([len(row) for row in rows]), bags)

    def _vectors(
        self, path: str | PathLike[str], texts: list[list[str]]
    ) -> WordVectors:
        """The vectors of the vocabulary, which gets further words of the file."""
        assert self.schema is not None
        if self.schema.unit == "char":
            raise ParameterError(
                f"word_vectors={fspath(path)!r} are of words, and the texts of X are split "
                f"into characters; pass each text as a list of its words, or "
                f'token_unit="word" if spaces stand between them.'
            )
        seen = set(chain.from_iterable(texts))
        return read_vectors(
            path, self.vocabulary, seen, self.max_tokens, self._token_of
        )

    def _token_of(self, word: str) -> str | None:
        """The token that a text has for a word; None if it has several, or another."""
        assert self.schema is not None
        if self.schema.unit == "token":
            return composed(word)
        tokens = TOKENIZERS[self.schema.unit](word)
        return tokens[0] if tokens == [lower(word)] else None


class BagEncoder(TokenizedTexts):
    """Texts as bags of n-grams alone: x (B, 0)."""

    params = BagParams

    @property
    def is_fitted_again(self) -> bool:
        """True: the n-grams that are known are those of the training texts."""
        return True

    def fit(self, plain: list[list[str]], weight: np.ndarray | None = None) -> Self:
        del weight
        self.ngrams = NGrams().fit(plain)
        self.spec = Spec(n_ngrams=(len(self.ngrams),), ngram_dropout=self.ngram_dropout)
        return self

    def encode(self, plain: list[list[str]]) -> Samples:
        return TensorSamples(
            torch.empty(len(plain), 0), bags=(self.ngrams.encode(plain),)
        )
