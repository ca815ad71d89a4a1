"""Dense layers, and the same layers with both passes written out.

Small networks are bound by the cost of calling operations, not by arithmetic, and most
of the calls of a training step are autograd's. `DenseKernel` makes the few products that
a step consists of, into memory that is kept from step to step.

    x (B, C) -> h (B, D)
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from lamina.nn.activations import ACTIVATIONS
from lamina.nn.dropout import Dropout, keep_mask
from lamina.nn.products import multiply

onednn: Any = torch.ops.mkldnn
"""Its fused products have no public names."""
NARROW = 16
"""A layer with fewer outputs is computed transposed: MKL is twice as fast that way."""


class DenseLayers(nn.Module):
    """Linear layers with an activation and dropout after each: x (B, C) -> h (B, D)."""

    def __init__(self, widths: Sequence[int], activation: str, dropout: float):
        super().__init__()
        self.activation, self.dropout = activation, dropout
        linears = [nn.Linear(*w) for w in pairwise(widths)]
        for linear in linears:
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)
        self.linears = nn.ModuleList(linears)
        self.drop = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        activate = ACTIVATIONS[self.activation].apply
        for linear in self.linears:
            x = activate(linear(x))
            # In prediction of a row even a call that does nothing is felt.
            if self.training:
                x = self.drop(x)
        return x


class DenseKernel:
    """`layers` and a linear layer `out` on top: x (B, C) -> z (B, K), and back.

    `dtype` is that of the products; weights and their gradients stay as they are.
    """

    def __init__(self, layers: DenseLayers, out: nn.Linear, dtype: torch.dtype):
        linears = [*layers.linears, out]
        self.weights = [linear.weight for linear in linears]
        self.biases = [linear.bias for linear in linears]
        # Autograd is not told of what happens here.
        self.offsets = [b.detach() for b in self.biases]
        self.columns = [b[:, None] for b in self.offsets]
        self.activation = ACTIVATIONS[layers.activation]
        self.dropout, self.dtype = layers.dropout, dtype
        # Where products are made in another type, its copies of the weights.
        self.factors = [w.detach().to(dtype) for w in self.weights]
        self.transposed = [w.t() for w in self.factors]
        self.copies = self.factors[0].dtype != self.weights[0].dtype
        on_cpu = self.factors[0].device.type == "cpu"
        self.fuses = on_cpu and dtype == torch.bfloat16 and _multiplies_bfloat16()
        self.memory: dict[tuple[str, int, int, int], Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        """The output z (B, K) in training."""
        if self.copies:
            for factor, weight in zip(self.factors, self.weights, strict=True):
                factor.copy_(weight.detach())
        self.inputs, self.before, self.masks = [x.to(self.dtype)], [], []
        for i in range(len(self.weights) - 1):
            z, a = self._layer(i)
            if self.dropout:
                self.masks.append(keep_mask(a, self.dropout))
                # An activation reads its slope from a as it was before the mask.
                self.before.append((z, a))
                a = a * self.masks[-1]
            else:
                self.before.append((z, a))
            self.inputs.append(a)
        return self._product(len(self.weights) - 1)

    def backward(self, slope: Tensor, to_input: bool = False) -> Tensor | None:
        """Fill `.grad` from the loss's slope (B, K); give that of x (B, C) if asked."""
        g = slope.to(self.dtype)
        for i in range(len(self.weights) - 1, -1, -1):
            self._fill(i, g)
            if not i and not to_input:
                return None
            width = self.weights[i].shape[1]
            room = self._room("slope", i, g.shape[0], width)
            g = multiply(g, self.factors[i], room)
            if i:
                if self.dropout:
                    g.mul_(self.masks[i - 1])
                g = self.activation.slope(g, *self.before[i - 1])
        return g

    def _layer(self, i: int) -> tuple[Tensor, Tensor]:
        """Layer i before and after its activation."""
        if self.fuses and self.activation.fused:
            a = self._product(i, self.activation.fused)
            return a, a
        z = self._product(i)
        return z, self.activation.apply(z)

    def _product(self, i: int, then: str = "none") -> Tensor:
        x, w = self.inputs[i], self.factors[i]
        if self.fuses:
            # What follows is done before the product leaves the cache.
            return onednn._linear_pointwise(x, w, self.offsets[i], then, [], "")
        n, width = x.shape[0], w.shape[0]
        if width < NARROW:
            room = self._room("z", i, width, n)
            return torch.mm(w, x.t(), out=room).add_(self.columns[i]).t()
        room = self._room("z", i, n, width)
        return multiply(x, self.transposed[i], room).add_(self.offsets[i])

    def _fill(self, i: int, g: Tensor) -> None:
        weight, bias = self.weights[i], self.biases[i]
        if weight.grad is None or bias.grad is None:
            weight.grad, bias.grad = torch.empty_like(weight), torch.empty_like(bias)
        if self.copies:
            room = self._room("weight", i, *weight.shape)
            weight.grad.copy_(torch.mm(g.t(), self.inputs[i], out=room))
            bias.grad.copy_(g.sum(0))
        else:
            multiply(g.t(), self.inputs[i], weight.grad)
            torch.sum(g, 0, out=bias.grad)

    def _room(self, name: str, i: int, n: int, width: int) -> Tensor:
        """Memory for an (n, width) result, the same at each step."""
        key = (name, i, n, width)
        if key not in self.memory:
            self.memory[key] = self.factors[0].new_empty(n, width)
        return self.memory[key]


def _multiplies_bfloat16() -> bool:
    return torch.backends.mkldnn.is_available() and onednn._is_mkldnn_bf16_supported()
