"""Sentences -> token ids and END, so that an empty sentence has one step."""

from typing import Self

import numpy as np
import torch

from lamina.batch import END, Spec
from lamina.codec import Codec, CodecParams, Unit
from lamina.encoders.base import Encoder, RaggedSamples, Samples
from lamina.encoders.texts.encoder import TextSchema
from lamina.scripts import composed
from lamina.texts import read_texts


class SentenceParams(CodecParams):
    """How sentences and their translations are tokenised."""

    unit: Unit = "bpe"


class SentenceEncoder(Encoder[list[str]]):
    """Texts as token ids; characters that did not occur in `fit` are spelt by bytes."""

    params = SentenceParams
    schema: TextSchema | None = None

    def __init__(self, params: SentenceParams):
        self.codec = Codec(params.unit, params.max_tokens)

    def read(self, X: object) -> list[str]:
        """The texts of X, in Unicode's normal form C."""
        texts = self.codec.checked(read_texts(X))
        if self.schema is None:
            self.codec.warn_of_unspaced(texts)
            self.schema = TextSchema("text", self.codec.unit, normalized=True)
        return list(map(composed, texts))

    def fit(self, plain: list[str], weight: np.ndarray | None = None) -> Self:
        del weight
        self.codec.fit(plain)
        self.spec = Spec(
            n_tokens=len(self.codec), n_space=1, max_length=self.codec.max_units
        )
        return self

    def encode(self, plain: list[str]) -> Samples:
        rows = [torch.tensor([*self.codec.token_ids(text), END]) for text in plain]
        lengths = torch.tensor([len(row) for row in rows])
        return RaggedSamples(torch.cat(rows), lengths)
