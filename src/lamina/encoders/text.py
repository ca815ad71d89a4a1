"""Texts, or lists of tokens -> x (B, T) of integers."""

import re
from typing import Annotated, Any, Self

import numpy as np
import torch

from lamina.batch import Spec
from lamina.encoders.base import Encoder, RaggedSamples, Samples
from lamina.encoders.containers import opened
from lamina.encoders.frames import is_frame, table_of
from lamina.exceptions import DataError
from lamina.params import Params, at_least, one_of
from lamina.schema import Schema
from lamina.vocabulary import Vocabulary

TOKENIZERS = {
    "word": re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]").findall,
    "char": list,
}


class VocabularyParams(Params):
    """What tokens a network knows."""

    max_tokens: Annotated[
        int,
        at_least(1),
        "Size of the vocabulary; rarer tokens count as unknown, as do unseen ones.",
    ] = 20_000


class TextParams(VocabularyParams):
    """How texts are cut into tokens."""

    token_unit: Annotated[
        str,
        one_of(*TOKENIZERS),
        """What a text is cut into: lower-cased words and single punctuation marks, or
        characters as they are. Texts that come as lists of tokens are taken as cut.""",
    ] = "word"


class TextEncoder(Encoder):
    """Texts as token numbers; an unseen token is number 1."""

    params = TextParams

    def read(self, X: Any) -> list:
        """The texts of X."""
        self.schema = self.schema or Schema("text")
        return texts_of(X)

    def __init__(self, params: TextParams):
        self.unit, self.max_tokens = params.token_unit, params.max_tokens

    def fit(self, X: Any, weight: np.ndarray | None = None) -> Self:
        del weight
        sentences = self._tokens(X)
        self.vocabulary = Vocabulary(sentences, self.max_tokens)
        self.spec = Spec(
            n_tokens=len(self.vocabulary),
            n_space=1,
            max_length=max(len(s) for s in sentences),
        )
        return self

    def encode(self, X: Any) -> Samples:
        rows = [self.vocabulary.encode(tokens) for tokens in self._tokens(X)]
        flat = torch.tensor([number for row in rows for number in row])
        return RaggedSamples(flat, torch.tensor([len(row) for row in rows]))

    def _tokens(self, X: Any) -> list[list[str]]:
        sentences = [self._cut(sample, i) for i, sample in enumerate(X)]
        for i, tokens in enumerate(sentences):
            if not tokens:
                raise DataError(f"Sample {i} is an empty text: {X[i]!r}; leave it out.")
        return sentences

    def _cut(self, sample: Any, i: int) -> list[str]:
        if isinstance(sample, str):
            text = sample.lower() if self.unit == "word" else sample
            return TOKENIZERS[self.unit](text)
        tokens = list(sample) if isinstance(sample, list | tuple | np.ndarray) else None
        if tokens is None or not all(isinstance(token, str) for token in tokens):
            raise DataError(f"Sample {i} is not a text or a list of tokens: {sample!r}")
        return tokens


def texts_of(X: Any) -> list:
    """The samples of X, a list or a frame of one column."""
    X = opened(X, is_table=False)
    if is_frame(X):
        table = table_of(X)
        if table.n_columns != 1:
            raise DataError(
                f"X has the columns {table.labels!r}; pass the column of texts."
            )
        return table.column(0).array.tolist()
    if not isinstance(X, list):
        raise DataError(f"X has {X.ndim} dimensions, and a list of texts is wanted.")
    return X
