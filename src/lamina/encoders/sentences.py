"""Sentences -> units and END, so that an empty one has a step as well."""

from typing import Any, Self

import numpy as np
import torch

from lamina.batch import END, Spec
from lamina.codec import Codec, CodecParams, Unit
from lamina.encoders.base import Encoder, RaggedSamples, Samples
from lamina.exceptions import DataError
from lamina.schema import Schema


class SentenceParams(CodecParams):
    """What sentences and their translations are cut into."""

    unit: Unit = "bpe"


class SentenceEncoder(Encoder):
    """Texts as token numbers; what `fit` did not see is spelled, and nothing is lost."""

    params = SentenceParams

    def read(self, X: Any) -> list[str]:
        """The texts of X."""
        self.schema = self.schema or Schema("text")
        return read_sentences(X)

    def __init__(self, params: SentenceParams):
        self.codec = Codec(params.unit, params.max_tokens)

    def fit(self, X: list[str], weight: np.ndarray | None = None) -> Self:
        del weight
        self.codec.fit(X)
        longest = max(len(self.codec.numbers(text)) for text in X) + 1
        self.spec = Spec(n_tokens=len(self.codec), n_space=1, max_length=longest)
        return self

    def encode(self, X: list[str]) -> Samples:
        rows = [torch.tensor([*self.codec.numbers(text), END]) for text in X]
        return RaggedSamples(torch.cat(rows), torch.tensor([len(row) for row in rows]))


def read_sentences(X: Any) -> list[str]:
    """A list of texts; raises `DataError` naming what is none."""
    if isinstance(X, str):
        raise DataError(f"X is a single text, {X!r}; pass a list of texts.")
    try:
        sentences = list(X)
    except TypeError:
        raise DataError(f"X is no list of texts: {X!r}.") from None
    if not sentences:
        raise DataError("Found array with 0 sample(s): X is an empty list of texts.")
    for i, sentence in enumerate(sentences):
        if not isinstance(sentence, str):
            raise DataError(f"Sample {i} is not a text: {sentence!r}.")
    return list(map(str, sentences))
