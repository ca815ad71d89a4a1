"""An output layer that shares its weights with an embedding (Press & Wolf 2017)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.batch import END

MAX_LOG_P_AT_ONCE = 1 << 22
"""Log-probabilities that are computed together, of the steps x tokens of a batch."""


class TiedOutput(nn.Module):
    """h (..., D) -> logits (..., K) of the K tokens from END on.

        logits_k = embedding_k . h / sqrt(D) + bias_k

    Padding, BEGIN and the unknown token have no output.
    """

    def __init__(self, embed: nn.Embedding):
        super().__init__()
        # In a list, so that the embedding is not registered as a module of the head too.
        self.tied = [embed]
        self.scale = embed.embedding_dim**-0.5
        self.bias = nn.Parameter(torch.zeros(embed.num_embeddings - END))

    def forward(self, h: Tensor) -> Tensor:
        (embed,) = self.tied
        return F.linear(h * self.scale, embed.weight[END:], self.bias)

    def log_p_of(self, h: Tensor, outputs: Tensor) -> Tensor:
        """Log-probabilities (B, T) of these outputs (B, T) after h (B, T, D)."""
        n_steps = max(1, MAX_LOG_P_AT_ONCE // (len(h) * len(self.bias)))
        pairs = zip(h.split(n_steps, 1), outputs.split(n_steps, 1), strict=True)
        parts = [
            self(part).float().log_softmax(-1).gather(2, indices[..., None])
            for part, indices in pairs
        ]
        return torch.cat(parts, 1)[..., 0]
