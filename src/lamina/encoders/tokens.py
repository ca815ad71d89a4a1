"""Lists of tokens -> x (B, T) of word numbers, and how the distinct ones are spelt."""

from typing import Annotated, Any, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.batch import BEGIN, END, PAD, Batch, Spec
from lamina.encoders.base import Encoder, InAnyOrder, Samples
from lamina.encoders.text import TextSchema, VocabularyParams, tokens_of
from lamina.params import Use
from lamina.ragged import Ragged
from lamina.scripts import composed
from lamina.texts import items
from lamina.vocabulary import Vocabulary

OFTEN = 2
"""Words of fewer sentences count as unknown: so it is learnt what an unknown word is."""
SHOWN = 12
"""Characters that are read from each end of a long word."""
FEW_SHAPES = 64
"""Distinct tokens of a batch are rounded up to a multiple of this."""


class TokenParams(VocabularyParams):
    """What of a token a network sees."""

    char_features: Annotated[
        bool,
        Use.FROZEN,
        """Read tokens by their characters too, and look words up in lower case: a new word
        is still recognised by its ending. Of a token longer than 24 characters the first
        and the last 12 are read. False: case-sensitive whole-token lookup.""",
    ] = True


class TokenEncoder(Encoder):
    """Lists of tokens; one that was in fewer than two sentences of `fit` is number 1."""

    params = TokenParams
    schema: TextSchema | None = None

    def __init__(self, params: TokenParams):
        self.max_tokens, self.spells = params.max_tokens, params.char_features

    def read(self, X: Any) -> list[list[str]]:
        """The tokens of each sentence, in Unicode's normal form C."""
        if self.schema is None:
            self.schema = TextSchema("text", "token", normalized=True)
        return [tokens_of(sample, i) for i, sample in enumerate(items(X))]

    def fit(self, plain: list[list[str]], weight: np.ndarray | None = None) -> Self:
        del weight
        # Each sentence once: one of weight 2 must count as one that is there twice.
        distinct = set(map(tuple, plain))
        keys = [{self._key(token) for token in tokens} for tokens in distinct]
        self.words = Vocabulary(keys, self.max_tokens, OFTEN)
        spellings = {token for tokens in distinct for token in tokens}
        self.characters = Vocabulary(map(set, spellings), None, OFTEN)
        self.spec = Spec(
            n_tokens=len(self.words),
            n_characters=len(self.characters) if self.spells else 0,
            n_space=1,
            max_length=max(map(len, plain)),
        )
        return self

    def encode(self, plain: list[list[str]]) -> Samples:
        known: dict[str, int] = {}
        flat = [known.setdefault(t, len(known) + 1) for s in plain for t in s]
        numbers = [PAD, *self.words.encode(map(self._key, known))]
        return TokenSamples(
            Ragged(torch.tensor(flat), torch.tensor([len(s) for s in plain])),
            torch.tensor(numbers),
            self._spellings(list(known)) if self.spells else None,
        )

    def _key(self, token: str) -> str:
        return composed(token.lower()) if self.spells else token

    def _spellings(self, tokens: list[str]) -> Tensor:
        """(1 + tokens, W): the characters of each, between marks of its two ends."""
        rows = [[], *([BEGIN, *self.characters.encode(_shown(t)), END] for t in tokens)]
        table = np.full((len(rows), max(map(len, rows))), PAD, dtype=np.int32)
        for row, codes in zip(table, rows, strict=True):
            row[: len(codes)] = codes
        return torch.from_numpy(table)


class TokenSamples(InAnyOrder):
    """Sentences as numbers of distinct tokens, the word number of each, and its characters.

    Number 0 is the padding.
    """

    decodes = False

    def __init__(self, rows: Ragged, words: Tensor, spellings: Tensor | None):
        self.rows, self.lengths = rows, rows.lengths
        self.words, self.spellings = words, spellings
        if spellings is not None:
            self.n_characters = (spellings != PAD).sum(1)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: Tensor) -> Batch:
        tokens = self.rows[rows]
        x = self.words[tokens.values]
        if self.spellings is None:
            return Batch(x, lengths=tokens.lengths)
        distinct, codes = tokens.values.unique(return_inverse=True)
        distinct = F.pad(distinct, (0, -len(distinct) % FEW_SHAPES))
        width = int(self.n_characters[distinct].max())
        spellings = self.spellings[distinct, :width]
        return Batch(x, codes, tokens.lengths, spellings=spellings)


def _shown(token: str) -> str:
    return token if len(token) <= 2 * SHOWN else token[:SHOWN] + token[-SHOWN:]
