"""Heads that read features: h (B, T, D) -> outputs."""

from torch import Tensor, nn

from lamina.batch import Features


class PooledHead(nn.Module):
    """(B, T, D) -> mean over the real steps -> (B, K)."""

    def __init__(self, width: int, n_outputs: int):
        super().__init__()
        self.out = nn.Linear(width, n_outputs)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Features) -> Tensor:
        return self.out(mean_over_steps(features))


def mean_over_steps(features: Features) -> Tensor:
    """(B, T, D) -> (B, D), padding left out."""
    if features.h.shape[1] == 1:
        return features.h.squeeze(1)
    real = features.real()
    if real is None:
        return features.h.mean(1)
    return features.h.masked_fill(real == 0, 0.0).sum(1) / real.sum(1)
