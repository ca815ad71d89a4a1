"""Networks that share their weights: a body with M members computes h (M, B, D).

Each member scales the inputs by factors of its own and has its own output layer; all other
layers are shared (BatchEnsemble, Wen et al. 2020; TabM, Gorishniy et al. 2025). Members that
start with different signs of the factors make different errors, of which the mean is small.
A linear layer takes the axis of members as it takes that of samples.
"""

from math import log

import torch
from torch import Tensor, nn


class MemberInputs(nn.Module):
    """x (B, C) -> (M, B, C): scaled by the factors of each member."""

    def __init__(self, n_members: int, width: int):
        super().__init__()
        self.factors = nn.Parameter(torch.empty(n_members, width))
        with torch.no_grad():
            nn.init.uniform_(self.factors, -1, 1).sign_()

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factors[:, None]


class MemberOutputs(nn.Module):
    """h (M, B, D) -> outputs (M, B, K) of a linear layer for each member."""

    def __init__(self, n_members: int, width: int, n_outputs: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_members, width, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_members, 1, n_outputs))
        for weight in self.weight.detach():
            nn.init.xavier_uniform_(weight)

    def forward(self, h: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, h, self.weight)


def log_mean(log_p: Tensor) -> Tensor:
    """The logarithms (...) of the mean of M members' probabilities, from log_p (M, ...)."""
    return log_p.logsumexp(0) - log(len(log_p))


def samples_of_members(
    output: Tensor, target: Tensor, weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Outputs (M, B, K), targets and weights (B, ...) of M members as those of M B samples.

    The mean loss of these samples is the mean of the losses of the members. Outputs (B, K)
    are returned as they are.
    """
    if output.ndim == 2:
        return output, target, weight
    n_members = output.shape[0]
    target = target.repeat(n_members, *[1] * (target.ndim - 1))
    weight = None if weight is None else weight.repeat(n_members)
    return output.flatten(0, 1), target, weight
