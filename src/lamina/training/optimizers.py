"""The rules that turn gradients into steps, by name.

`alpha` shrinks weights, not biases or normalisation. In "adamw" it is decoupled from the
gradient (Loshchilov & Hutter 2019); in "adam" and "sgd" it is an L2 penalty.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer


def adamw(groups: list[dict], params: Any) -> Optimizer:
    """Adam with decoupled weight decay."""
    return torch.optim.AdamW(groups, fused=True, **_adam(params))


def adam(groups: list[dict], params: Any) -> Optimizer:
    """Adam (Kingma & Ba 2015)."""
    return torch.optim.Adam(groups, fused=True, **_adam(params))


def sgd(groups: list[dict], params: Any) -> Optimizer:
    """Stochastic gradient descent with momentum."""
    return torch.optim.SGD(
        groups,
        lr=params.learning_rate_init,
        momentum=params.momentum,
        nesterov=params.nesterovs_momentum and params.momentum > 0,
        fused=True,
    )


OPTIMIZERS: dict[str, Callable[[list[dict], Any], Optimizer]] = {
    "adamw": adamw,
    "adam": adam,
    "sgd": sgd,
}


def make_optimizer(model: nn.Module, params: Any) -> Optimizer:
    """The optimizer that `params` names, for the model's parameters."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": params.alpha},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return OPTIMIZERS[params.optimizer]([g for g in groups if g["params"]], params)


def _adam(params: Any) -> dict[str, Any]:
    return {
        "lr": params.learning_rate_init,
        "betas": (params.beta_1, params.beta_2),
        "eps": params.epsilon,
    }
