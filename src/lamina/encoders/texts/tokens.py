"""Lists of tokens -> x (B, T) of word ids, and the characters of the distinct tokens."""

from itertools import chain
from typing import Annotated, Self

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.batch import BEGIN, END, PAD, Batch, Spec
from lamina.encoders.base import Encoder, IndependentSamples, Samples
from lamina.encoders.texts.encoder import TextSchema, VocabularyParams
from lamina.encoders.texts.vectors import VectorParams, read_vectors
from lamina.encoders.tokenizers import ends, lower, split
from lamina.params import Use
from lamina.ragged import Ragged
from lamina.scripts import composed
from lamina.texts import items
from lamina.vocabulary import Vocabulary

MIN_SENTENCES = 2
"""Words in fewer sentences count as unknown, so that unknown words are learnt."""
MULTIPLE = 64
"""The distinct tokens of a batch are padded to a multiple of it, so that few shapes occur."""


class TokenParams(VectorParams, VocabularyParams):
    """The features of a token."""

    char_features: Annotated[
        bool,
        Use.FROZEN,
        """Whether to read the characters of tokens as well (the first and the last 12 of a
        token longer than 24), which classifies unknown words by their endings, and to look
        words up in lower case. False: case-sensitive whole-token lookup.""",
    ] = True


class TokenEncoder(Encoder[list[list[str]]]):
    """Lists of tokens; a word in fewer than two sentences of `fit` has id 1, unknown."""

    params = TokenParams
    schema: TextSchema | None = None

    def __init__(self, params: TokenParams):
        self.max_tokens = params.max_tokens
        self.char_features = params.char_features
        self.word_vectors = params.word_vectors

    def read(self, X: object) -> list[list[str]]:
        """The tokens of each sentence, in Unicode's normal form C."""
        if self.schema is None:
            self.schema = TextSchema("text", "token", normalized=True)
        return split(items(X), "token")

    def fit(self, plain: list[list[str]], weight: np.ndarray | None = None) -> Self:
        del weight
        # Distinct sentences: a repeated one must be equivalent to one with weight 2.
        distinct = set(map(tuple, plain))
        keys = [{self._key(token) for token in tokens} for tokens in distinct]
        self.words = Vocabulary(keys, self.max_tokens, MIN_SENTENCES)
        spellings = {token for tokens in distinct for token in tokens}
        self.characters = Vocabulary(map(set, spellings), None, MIN_SENTENCES)
        if self.word_vectors is not None:
            self.vectors = read_vectors(
                self.word_vectors,
                self.words,
                set(chain.from_iterable(keys)),
                self.max_tokens,
                lambda word: self._key(composed(word)),
            )
        self.spec = Spec(
            n_tokens=len(self.words),
            vector_size=0 if self.vectors is None else self.vectors.width,
            n_characters=len(self.characters) if self.char_features else 0,
            n_space=1,
            max_length=max(map(len, plain)),
        )
        return self

    def encode(self, plain: list[list[str]]) -> Samples:
        distinct: dict[str, int] = {}
        flat = [distinct.setdefault(t, len(distinct) + 1) for s in plain for t in s]
        word_ids = [PAD, *self.words.encode(map(self._key, distinct))]
        return TokenSamples(
            Ragged(torch.tensor(flat), torch.tensor([len(s) for s in plain])),
            torch.tensor(word_ids),
            self._spellings(list(distinct)) if self.char_features else None,
        )

    def _key(self, token: str) -> str:
        return lower(token) if self.char_features else token

    def _spellings(self, tokens: list[str]) -> Tensor:
        """(1 + tokens, W): the character ids of each token, between BEGIN and END."""
        rows = [[], *([BEGIN, *self.characters.encode(ends(t)), END] for t in tokens)]
        table = np.full((len(rows), max(map(len, rows))), PAD, dtype=np.int32)
        for row, codes in zip(table, rows, strict=True):
            row[: len(codes)] = codes
        return torch.from_numpy(table)


class TokenSamples(IndependentSamples):
    """Sentences as indices of distinct tokens, with the word id and characters of each.

    Index 0 is the padding.
    """

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
        distinct = F.pad(distinct, (0, -len(distinct) % MULTIPLE))
        width = int(self.n_characters[distinct].max())
        spellings = self.spellings[distinct, :width]
        return Batch(x, codes, tokens.lengths, spellings=spellings)
