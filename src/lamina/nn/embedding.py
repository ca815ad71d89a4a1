"""Tokens -> vectors: a word by its number, by how it is spelt, or by both."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding as embed

from lamina.batch import PAD, Spec

KERNEL_SIZE = 3
CHARACTER_SIZE = 32
DEVIATION = 0.3
"""Of the numbers of a word at the start: small, for a rare word keeps much of them."""


class SpeltTokens(nn.Module):
    """Words by their numbers (B, T), and by which of N spellings (N, W) -> h (B, T, D).

    A convolution over the characters of a word and their maximum find what it begins with,
    ends with and contains (dos Santos & Zadrozny 2014; Ma & Hovy 2016). They stand beside
    the vector of the word itself, which rare words lack.
    """

    def __init__(self, n_tokens: int, n_characters: int, width: int):
        super().__init__()
        n_filters = max(width // 2, 1)
        self.words = nn.Embedding(n_tokens, width, padding_idx=PAD)
        self.characters = nn.Embedding(n_characters, CHARACTER_SIZE, padding_idx=PAD)
        self.filters = nn.Conv1d(CHARACTER_SIZE, n_filters, KERNEL_SIZE, padding="same")
        self.embedding_dim = width + n_filters
        with torch.no_grad():
            self.words.weight.mul_(DEVIATION)

    def forward(self, x: Tensor, codes: Tensor, spellings: Tensor) -> Tensor:
        return torch.cat([self.words(x), embed(codes, self.found(spellings))], 2)

    def found(self, spellings: Tensor) -> Tensor:
        """(N, filters), how strongly each was found anywhere in spellings (N, W)."""
        h = self.filters(self.characters(spellings).mT).relu()
        return h.masked_fill((spellings == PAD).unsqueeze(1), 0.0).amax(2)


def embedding(spec: Spec, width: int) -> Any:
    """What turns the tokens of a batch into vectors of `embedding_dim`."""
    if spec.n_characters:
        return SpeltTokens(spec.n_tokens, spec.n_characters, width)
    return nn.Embedding(spec.n_tokens, width, padding_idx=PAD)
