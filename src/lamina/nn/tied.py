"""Outputs whose weights are embeddings (Press & Wolf 2017)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.batch import END


class TiedOutput(nn.Module):
    """h (..., D) -> logits (..., K) of the K tokens from END on, by their embeddings.

    Padding, BEGIN and the unknown token never follow.
    """

    def __init__(self, embed: nn.Embedding):
        super().__init__()
        # In a list, so that the weights are not counted twice.
        self.tied = [embed]
        self.scale = embed.embedding_dim**-0.5
        self.bias = nn.Parameter(torch.zeros(embed.num_embeddings - END))

    def forward(self, h: Tensor) -> Tensor:
        (embed,) = self.tied
        return F.linear(h * self.scale, embed.weight[END:], self.bias)
