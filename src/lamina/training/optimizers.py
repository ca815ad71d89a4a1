"""The rules that turn gradients into steps, by name.

`alpha` shrinks weights, not biases or normalisation. In "adamw" it is decoupled from the
gradient (Loshchilov & Hutter 2019); in "adam" and "sgd" it is an L2 penalty.

The arithmetic is torch's fused kernels, called directly: the bookkeeping of
`torch.optim` costs four times as much as they do on a small network.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

fused: Any = torch
"""The kernels have no public names."""
Params = list[nn.Parameter]
Rate = float | Tensor
"""A learning rate; a tensor on the device where steps are to be recorded."""
Decay = Callable[[Params, float, Rate], None]


class Optimizer(Protocol):
    """Moves the parameters of a network."""

    def step(self, rate: Rate) -> None:
        """One step along the gradients in `.grad`, at this learning rate."""
        ...

    def state(self) -> list[Tensor]:
        """What the next step goes on from; to be read, and to be written over."""
        ...


class Adam:
    """Adam (Kingma & Ba 2015), with decay inside the gradient or apart from it."""

    def __init__(self, model: nn.Module, params: Any, decay: Decay):
        self.params = trained(model)
        self.values = [p.detach() for p in self.params]
        self.decay = decay
        self.alpha, self.epsilon = params.alpha, params.epsilon
        self.beta_1, self.beta_2 = params.beta_1, params.beta_2
        self.means, self.squares = _zeros(self.params), _zeros(self.params)
        self.n_steps = torch.zeros((), device=self.params[0].device)
        self.counts = [self.n_steps] * len(self.params)

    def step(self, rate: Rate) -> None:
        if self.alpha:
            self.decay(self.params, self.alpha, rate)
        self.n_steps.add_(1)
        fused._fused_adam_(
            self.values,
            [p.grad for p in self.params],
            self.means,
            self.squares,
            [],
            self.counts,
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            weight_decay=0.0,
            eps=self.epsilon,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> list[Tensor]:
        return [*self.means, *self.squares, self.n_steps]


class SGD:
    """Stochastic gradient descent with momentum."""

    def __init__(self, model: nn.Module, params: Any):
        self.params = trained(model)
        self.values = [p.detach() for p in self.params]
        self.alpha = params.alpha
        self.momentum = params.momentum
        self.nesterov = params.nesterovs_momentum and params.momentum > 0
        self.velocities = _zeros(self.params) if self.momentum else []

    def step(self, rate: Rate) -> None:
        if self.alpha:
            inside_the_gradient(self.params, self.alpha, rate)
        fused._fused_sgd_(
            self.values,
            [p.grad for p in self.params],
            self.velocities,
            weight_decay=0.0,
            momentum=self.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=self.nesterov,
            maximize=False,
            is_first_step=False,
        )

    def state(self) -> list[Tensor]:
        return self.velocities


def apart_from_the_gradient(params: Params, alpha: float, rate: Rate) -> None:
    """Weights shrink by their share, however Adam scales the gradient."""
    fused._foreach_mul_([p.detach() for p in decaying(params)], 1 - rate * alpha)


def inside_the_gradient(params: Params, alpha: float, rate: Rate) -> None:
    """An L2 penalty on the weights."""
    del rate
    weights = decaying(params)
    values = [p.detach() for p in weights]
    fused._foreach_add_([p.grad for p in weights], values, alpha=alpha)


OPTIMIZERS: dict[str, Callable[[nn.Module, Any], Optimizer]] = {
    "adamw": lambda model, params: Adam(model, params, apart_from_the_gradient),
    "adam": lambda model, params: Adam(model, params, inside_the_gradient),
    "sgd": SGD,
}


def trained(model: nn.Module) -> Params:
    """The parameters that move."""
    return [p for p in model.parameters() if p.requires_grad]


def decaying(params: Params) -> Params:
    """Those that decay: weights, not biases or normalisation."""
    return [p for p in params if p.ndim > 1]


def clip(params: Params, longest: float) -> None:
    """Cut the gradients, taken together, to this length (Pascanu et al. 2013)."""
    gradients = [p.grad for p in params if p.grad is not None]
    norm = torch.linalg.vector_norm(torch.stack(fused._foreach_norm(gradients)))
    fused._foreach_mul_(gradients, (longest / (norm + 1e-6)).clamp(max=1.0))


def _zeros(params: Params) -> list[Tensor]:
    return [torch.zeros_like(p) for p in params]
