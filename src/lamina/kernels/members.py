"""Both passes of M networks that share all layers but the first factors and the last layer.

    a_m = r_m * x,  h = layers(a),  z_m = h_m W_m + b_m                     m = 1 .. M
    dL/dW_m = h_m^T g_m,  dL/db_m = sum of g_m over the rows,  dL/dh_m = g_m W_m^T
    dL/dr_m = sum of x * dL/da_m over the rows,  dL/dx = sum of r_m * dL/da_m over m

with g = dL/dz. The shared layers compute the rows of all members together.

    x (B, C), r (M, C), a (M, B, C), h (M, B, D), W (M, D, K), z and g (M, B, K)
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from lamina.kernels.dense import DenseKernel, grad_of


class Factors(Protocol):
    """The layer that scales the inputs of each member."""

    factors: nn.Parameter


class Outputs(Protocol):
    """The output layers of the members."""

    weight: nn.Parameter
    bias: nn.Parameter


class MembersKernel:
    """x (B, C) -> z (M, B, K), and back; `dense` activates its last layer."""

    def __init__(self, inputs: Factors, dense: DenseKernel, outputs: Outputs):
        self.dense = dense
        parameters = inputs.factors, outputs.weight, outputs.bias
        for p in parameters:
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        self.factors, self.weight, self.bias = (p.detach() for p in parameters)
        self.gradients = [grad_of(p) for p in parameters]
        self.masks = dense.masks

    def forward(self, x: Tensor) -> Tensor:
        """The outputs z in training."""
        self.x = x
        a = (x * self.factors[:, None]).flatten(0, 1)
        h = self.dense.forward(a)
        self.h = h.view(len(self.factors), len(x), -1).float()
        return torch.baddbmm(self.bias, self.h, self.weight)

    def backward(self, gradient: Tensor, to_input: bool = False) -> Tensor | None:
        """Fill `.grad` from g (M, B, K); return the gradient at x (B, C) if `to_input`."""
        to_factors, to_weight, to_bias = self.gradients
        torch.bmm(self.h.mT, gradient, out=to_weight)
        torch.sum(gradient, 1, keepdim=True, out=to_bias)
        to_h = torch.bmm(gradient, self.weight.mT).flatten(0, 1)
        rows = self.dense.backward(to_h, to_input=True)
        assert rows is not None
        to_a = rows.view(len(self.factors), len(self.x), -1).float()
        torch.sum(to_a * self.x, 1, out=to_factors)
        return (to_a * self.factors[:, None]).sum(0) if to_input else None
