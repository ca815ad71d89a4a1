"""Embeddings of tokens, from their ids and, where they are known, their characters."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.batch import PAD, UNKNOWN, Spec
from lamina.kernels.masks import keep_mask

KERNEL_SIZE = 3
CHARACTER_SIZE = 32
SMALL_DEVIATION = 0.1
"""Standard deviation of the initial embeddings of the tokens of texts that are classified.
With 1, as torch has it, a convolutional network recognises each text by its rare tokens."""
INITIAL_DEVIATION = 0.3
"""Standard deviation of the initial word embeddings. It is small because the embedding of a
rare word is trained little and stays near its initial value."""


class CharacterEmbedding(nn.Module):
    """Token ids (B, T), rows (B, T) of spellings (N, W) -> h (B, T, D).

    The embedding of each word, beside a convolution over its characters with the maximum
    over their positions, which finds prefixes, suffixes and other parts of words that are
    too rare to have learnt an embedding (dos Santos & Zadrozny 2014; Ma & Hovy 2016).
    """

    def __init__(self, n_tokens: int, n_characters: int, width: int, n_filters: int):
        super().__init__()
        self.words = nn.Embedding(n_tokens, width, padding_idx=PAD)
        self.characters = nn.Embedding(n_characters, CHARACTER_SIZE, padding_idx=PAD)
        self.filters = nn.Conv1d(CHARACTER_SIZE, n_filters, KERNEL_SIZE, padding="same")
        self.embedding_dim = width + n_filters
        with torch.no_grad():
            self.words.weight.mul_(INITIAL_DEVIATION)

    def forward(self, x: Tensor, codes: Tensor, spellings: Tensor) -> Tensor:
        spelled = F.embedding(codes, self.spelling_features(spellings))
        return torch.cat([self.words(x), spelled], 2)

    def spelling_features(self, spellings: Tensor) -> Tensor:
        """(N, filters), the largest response of each filter in spellings (N, W)."""
        h = self.filters(self.characters(spellings).mT).relu()
        return h.masked_fill((spellings == PAD).unsqueeze(1), 0.0).amax(2)


class DroppingEmbedding(nn.Embedding):
    """Token ids (B, T) -> h (B, T, D); in training a fraction of tokens counts as unknown.

    Unknown tokens are learnt so, and no text is known by one token that is rare (Iyyer et
    al. 2015).
    """

    def __init__(self, n_tokens: int, width: int, dropout: float):
        super().__init__(n_tokens, width, padding_idx=PAD)
        self.dropout = dropout
        with torch.no_grad():
            self.weight.mul_(SMALL_DEVIATION)

    def forward(self, input: Tensor) -> Tensor:
        """Token ids (B, T) -> (B, T, D)."""
        if self.training and self.dropout:
            is_kept = keep_mask(input.float(), self.dropout) > 0
            input = torch.where(is_kept | (input == PAD), input, UNKNOWN)
        return super().forward(input)


def token_embedding(spec: Spec, width: int) -> nn.Embedding | CharacterEmbedding:
    """Embeddings of `Batch.inputs()`, of `embedding_dim` features.

    Those of tokens have the width of the vectors that they start from, if there are some.
    """
    n_filters, width = max(width // 2, 1), spec.vector_size or width
    if spec.n_characters:
        return CharacterEmbedding(spec.n_tokens, spec.n_characters, width, n_filters)
    if spec.token_dropout is not None:
        return DroppingEmbedding(spec.n_tokens, width, spec.token_dropout)
    return nn.Embedding(spec.n_tokens, width, padding_idx=PAD)


def of_words(embedding: nn.Module) -> nn.Embedding | None:
    """The embedding of token ids in what `token_embedding` made; None if there is none."""
    if isinstance(embedding, CharacterEmbedding):
        return embedding.words
    return embedding if isinstance(embedding, nn.Embedding) else None
