"""Texts, or lists of tokens -> x (B, T) of integers."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
import torch

from lamina.batch import Spec
from lamina.encoders.base import Encoder, RaggedSamples, Samples
from lamina.encoders.texts.tokenizers import split
from lamina.params import Params, Use, at_least
from lamina.schema import Schema
from lamina.scripts import is_unspaced
from lamina.texts import items, warn_of_unspaced
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


class TextParams(VocabularyParams):
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


class TextEncoder(Encoder[list[list[str]]]):
    """Texts as token ids; an unknown token has id 1.

    Texts are converted to Unicode's normal form C, so that the encoding of an accented
    letter has no effect.
    """

    params = TextParams
    schema: TextSchema | None = None

    def __init__(self, params: TextParams):
        self.unit, self.max_tokens = params.token_unit, params.max_tokens

    def read(self, X: object) -> list[list[str]]:
        """The tokens of each text; the first call chooses the unit."""
        samples = items(X)
        if self.schema is None:
            self.schema = TextSchema("text", self._unit_of(samples), normalized=True)
        return split(samples, self.schema.unit)

    def fit(self, plain: list[list[str]], weight: np.ndarray | None = None) -> Self:
        del weight
        self.vocabulary = Vocabulary(plain, self.max_tokens)
        self.spec = Spec(
            n_tokens=len(self.vocabulary), n_space=1, max_length=max(map(len, plain))
        )
        return self

    def encode(self, plain: list[list[str]]) -> Samples:
        rows = [self.vocabulary.encode(tokens) for tokens in plain]
        flat = torch.tensor([token_id for row in rows for token_id in row])
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
