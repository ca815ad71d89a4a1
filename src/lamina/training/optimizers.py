"""Optimizers, by name.

`alpha` shrinks weights, not biases or normalisation. In "adamw" it is decoupled from the
gradient (Loshchilov & Hutter 2019); in "adam" and "sgd" it is an L2 penalty. In "adamw" the
embedding of a category also shrinks in each step whose batch lacks the category, so that those
of rare ones stay near 0, as random effects do.

The arithmetic is torch's fused kernels, called directly: the bookkeeping of
`torch.optim` costs four times as much as they do on a small network.
"""

from collections.abc import Callable
from math import hypot
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from lamina.kernels import private
from lamina.process import numpy_computes
from lamina.training.weights import Weights

if TYPE_CHECKING:
    from lamina.training.params import TrainerParams

LearningRate = float | Tensor
"""A tensor on the device where steps are captured."""
Decay = Callable[[Weights, float, LearningRate], None]
CATEGORY_DECAY = 50.0
"""How many times as fast as other weights an embedding decays while its category is absent."""
ALPHAS = {"adamw": 0.1, "adam": 1e-4, "sgd": 1e-4}
"""What `alpha="auto"` is. As an L2 penalty, .1 outweighs most losses: nothing is learnt."""


def alpha_of(params: "TrainerParams") -> float:
    """The weight decay or L2 penalty of a fit."""
    alpha = params.alpha
    return ALPHAS[params.optimizer] if isinstance(alpha, str) else alpha


class Optimizer(Protocol):
    """Moves the weights of a network."""

    def step(self, rate: LearningRate) -> None:
        """One step along the gradients, at this learning rate."""
        ...

    def state(self) -> list[Tensor]:
        """The tensors that change with each step."""
        ...


class Adam:
    """Adam (Kingma & Ba 2015), with decay added to the gradient or decoupled from it."""

    def __init__(self, weights: Weights, params: "TrainerParams", decay: Decay):
        self.weights, self.decay = weights, decay
        self.alpha, self.epsilon = alpha_of(params), params.epsilon
        self.betas = params.beta_1, params.beta_2
        self.means, self.squares = _zeros(weights.values), _zeros(weights.values)
        self.n_steps = torch.zeros((), device=weights.values[0].device)

    def step(self, rate: LearningRate) -> None:
        weights = self.weights
        if self.alpha:
            self.decay(weights, self.alpha, rate)
        self.n_steps.add_(1)
        private.adam(
            weights.values,
            weights.gradients,
            self.means,
            self.squares,
            self.n_steps,
            rate,
            self.betas,
            self.epsilon,
        )

    def state(self) -> list[Tensor]:
        return [*self.means, *self.squares, self.n_steps]


class SGD:
    """Stochastic gradient descent with momentum."""

    def __init__(self, weights: Weights, params: "TrainerParams"):
        self.weights, self.alpha = weights, alpha_of(params)
        self.momentum = params.momentum
        self.nesterov = params.nesterovs_momentum and params.momentum > 0
        self.velocities = _zeros(weights.values) if self.momentum else []

    def step(self, rate: LearningRate) -> None:
        weights = self.weights
        if self.alpha:
            l2_penalty(weights, self.alpha, rate)
        private.momentum(
            weights.values,
            weights.gradients,
            self.velocities,
            rate,
            self.momentum,
            self.nesterov,
        )

    def state(self) -> list[Tensor]:
        return self.velocities


def restore(optimizer: Optimizer, state: list[Tensor]) -> None:
    """Continue the steps of the optimizer that had this state."""
    for values, saved in zip(optimizer.state(), state, strict=True):
        values.copy_(saved)


def decoupled_decay(weights: Weights, alpha: float, rate: LearningRate) -> None:
    """Shrink weights by a fraction, independently of Adam's scaling of gradients."""
    if (
        weights.decaying
    ):  # of a network with a frozen body perhaps only biases are trained
        private.scale_all(weights.decaying, 1 - rate * alpha)
    for embeddings in weights.categories:
        _shrink_unseen(embeddings, rate * alpha * CATEGORY_DECAY)


def _shrink_unseen(embeddings: Tensor, decay: LearningRate) -> None:
    """Shrink the rows that had no part in the gradient."""
    assert embeddings.grad is not None
    is_seen = (embeddings.grad != 0).any(1, keepdim=True)
    embeddings.detach().mul_(torch.where(is_seen, 1.0, 1 / (1 + decay)))


def l2_penalty(weights: Weights, alpha: float, rate: LearningRate) -> None:
    """Add the gradient of an L2 penalty on the weights."""
    del rate
    if weights.decaying:
        private.add_all(weights.decaying_gradients, weights.decaying, alpha)


OPTIMIZERS: dict[str, Callable[[Weights, "TrainerParams"], Optimizer]] = {
    "adamw": lambda weights, params: Adam(weights, params, decoupled_decay),
    "adam": lambda weights, params: Adam(weights, params, l2_penalty),
    "sgd": SGD,
}


def clip(gradients: list[Tensor], max_norm: float) -> None:
    """Scale the gradients, taken together, down to this norm (Pascanu et al. 2013)."""
    if not numpy_computes(gradients[0].device):  # reading it would make the host wait
        norm = torch.linalg.vector_norm(torch.stack(private.norms_of(gradients)))
        private.scale_all(gradients, (max_norm / (norm + 1e-6)).clamp(max=1.0))
        return
    norm = hypot(*(norm.item() for norm in private.norms_of(gradients)))
    if not norm <= max_norm:  # or it is NaN
        private.scale_all(gradients, max_norm / (norm + 1e-6))


def _zeros(values: list[Tensor]) -> list[Tensor]:
    return [torch.zeros_like(v) for v in values]
