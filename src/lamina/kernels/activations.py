"""The activations, by name, each with its gradient."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

aten = torch.ops.aten
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805
"""The constants of Klambauer et al. (2017)."""


@dataclass(frozen=True)
class Activation:
    """An activation as a module, and as two functions that write over their input.

    `apply(z)` gives a, in the memory of z where `backward` does not need z.
    `backward(g, z, a)` turns the gradient of a into the gradient of z, in the memory of g.
    """

    module: type[nn.Module]
    apply: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor, Tensor], Tensor]
    fused: str = ""
    """Its name in oneDNN, where `backward` does not need z."""


def _relu(g: Tensor, _: Tensor, a: Tensor) -> Tensor:
    return aten.threshold_backward.grad_input(g, a, 0, grad_input=g)


def _gelu(g: Tensor, z: Tensor, _: Tensor) -> Tensor:
    return aten.gelu_backward.grad_input(g, z, grad_input=g)


def _silu(g: Tensor, z: Tensor, _: Tensor) -> Tensor:
    return aten.silu_backward.grad_input(g, z, grad_input=g)


def _selu(g: Tensor, _: Tensor, a: Tensor) -> Tensor:
    return aten.elu_backward.grad_input(
        g, SELU_ALPHA, SELU_SCALE, 1, True, a, grad_input=g
    )


def _tanh(g: Tensor, _: Tensor, a: Tensor) -> Tensor:
    return aten.tanh_backward.grad_input(g, a, grad_input=g)


def _logistic(g: Tensor, _: Tensor, a: Tensor) -> Tensor:
    return aten.sigmoid_backward.grad_input(g, a, grad_input=g)


ActivationName = Literal["relu", "gelu", "silu", "selu", "tanh", "logistic", "identity"]
ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(nn.ReLU, torch.relu_, _relu, "relu"),
    "gelu": Activation(nn.GELU, nn.functional.gelu, _gelu),
    "silu": Activation(nn.SiLU, nn.functional.silu, _silu),
    "selu": Activation(nn.SELU, torch.selu_, _selu),
    "tanh": Activation(nn.Tanh, torch.tanh_, _tanh),
    "logistic": Activation(nn.Sigmoid, torch.sigmoid_, _logistic),
    "identity": Activation(nn.Identity, lambda z: z, lambda g, z, a: g),
}
