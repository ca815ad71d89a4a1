"""Heads that read features: h (B, T, D) -> outputs."""

import torch
from torch import Tensor, nn

from lamina.batch import Features
from lamina.nn.linear import LinearPath
from lamina.nn.members import MemberOutputs


def output_layer(width: int, n_outputs: int) -> nn.Linear:
    """A linear layer with weights by Glorot & Bengio (2010) and a bias of 0."""
    layer = nn.Linear(width, n_outputs)
    nn.init.xavier_uniform_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class SampleHead(nn.Module):
    """Abstract: outputs (..., B, K) of whole samples, to which a linear path adds its own."""

    def __init__(self, n_linear: int, n_outputs: int):
        super().__init__()
        self.linear: LinearPath | None = None
        if n_linear:
            self.linear = LinearPath(n_linear, n_outputs)

    def with_linear(self, output: Tensor, x: Tensor | None) -> Tensor:
        """The outputs (..., B, K) of the layers and the linear path of x (B, C)."""
        if self.linear is None:
            return output
        assert x is not None
        return output + self.linear(x)


class PooledHead(SampleHead):
    """h (B, T, D) -> mean over the real steps (B, D) -> outputs (B, K)."""

    def __init__(self, width: int, n_outputs: int, n_linear: int = 0):
        super().__init__(n_linear, n_outputs)
        self.out = output_layer(width, n_outputs)

    def pooled(self, features: Features) -> Tensor:
        """The features (B, D) of whole samples."""
        return mean_over_steps(features)

    def forward(self, features: Features) -> Tensor:
        pooled = self.pooled(features)
        if not torch.is_autocast_enabled(pooled.device.type):
            return self.with_linear(self.out(pooled), features.x)
        # The casts of autocast take longer than this product, and cost digits.
        with torch.autocast(pooled.device.type, enabled=False):
            output = self.out(pooled.to(self.out.weight.dtype))
            return self.with_linear(output, features.x)


class MembersHead(SampleHead):
    """The features h (B, M, D) of M members -> outputs (M, B, K)."""

    def __init__(self, width: int, n_outputs: int, n_members: int, n_linear: int = 0):
        super().__init__(n_linear, n_outputs)
        self.out = MemberOutputs(n_members, width, n_outputs)

    def pooled(self, features: Features) -> Tensor:
        """The features (B, M D) of whole samples, of one member after the other."""
        return features.h.flatten(1)

    def forward(self, features: Features) -> Tensor:
        return self.with_linear(self.out(features.h.transpose(0, 1)), features.x)


class LogSoftmaxHead(nn.Module):
    """h (B, T, D) -> log-probabilities (B, T, K) of K classes at each step."""

    def __init__(self, width: int, n_classes: int):
        super().__init__()
        self.out = output_layer(width, n_classes)

    def forward(self, features: Features) -> Tensor:
        return self.out(features.h).float().log_softmax(-1)


class LastStepsHead(nn.Module):
    """h (B, T, D) -> outputs (B, n_steps, K) at the last real steps; 0 before training."""

    def __init__(self, width: int, n_steps: int, n_outputs: int):
        super().__init__()
        self.n_steps = n_steps
        self.out = nn.Linear(width, n_outputs)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Features) -> Tensor:
        return self.out(last_steps(features.h, features.lengths, self.n_steps))


def mean_over_steps(features: Features) -> Tensor:
    """H (B, T, D) -> (B, D), the mean over the real steps, in float32 or better."""
    h, mask = features.h, features.mask()
    if h.shape[1] == 1:
        return h.squeeze(1)
    dtype = torch.promote_types(h.dtype, torch.float32)
    if mask is None:
        return h.mean(1, dtype=dtype)
    mask = mask[:, :, None]
    total = h.masked_fill(~mask, 0.0).sum(1, dtype=dtype)
    return total / mask.sum(1, dtype=dtype)


def last_steps(h: Tensor, lengths: Tensor | None, n: int) -> Tensor:
    """H (B, T, D) -> (B, n, D), the last n real steps."""
    if lengths is None:
        return h[:, -n:]
    steps = lengths[:, None] - n + torch.arange(n, device=h.device)
    return h.gather(1, steps[:, :, None].expand(-1, -1, h.shape[2]))
