"""Both passes of dense layers, written out.

Small networks are bound by the cost of calling operations, not by arithmetic, and most
of the calls of a training step are autograd's. `DenseKernel` makes the few products that
a step consists of, into memory that is kept from step to step.

    x (B, C) -> h (B, D)
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lamina.kernels.activations import ACTIVATIONS
from lamina.kernels.masks import keep_mask
from lamina.kernels.products import (
    Matrix,
    has_bfloat16_units,
    multiply,
    onednn,
)

NARROW = 16
"""A layer with fewer outputs is computed transposed: MKL is twice as fast that way."""


class DenseKernel:
    """Linear layers, all but the last with an activation: x (B, C) -> z (B, K), and back.

    `dtype` is that of the products; weights and their gradients stay as they are.
    """

    def __init__(
        self,
        linears: Sequence[nn.Linear],
        activation: str,
        dropout: float,
        dtype: torch.dtype,
    ):
        self.weights = [linear.weight for linear in linears]
        self.biases = [linear.bias for linear in linears]
        # Autograd is not told of what happens here.
        self.offsets = [b.detach() for b in self.biases]
        self.columns = [b[:, None] for b in self.offsets]
        self.activation = ACTIVATIONS[activation]
        self.dropout, self.dtype = dropout, dtype
        # Where products are made in another type, its copies of the weights.
        self.factors = [Matrix(w.detach().to(dtype)) for w in self.weights]
        self.copies = dtype != linears[0].weight.dtype
        on_cpu = linears[0].weight.device.type == "cpu"
        self.fuses = on_cpu and dtype == torch.bfloat16 and has_bfloat16_units()
        self.memory: dict[tuple[str, int, int, int], Matrix] = {}
        self.gradients = [
            (Matrix(torch.empty_like(w).detach()), torch.empty_like(b).detach())
            for w, b in zip(self.weights, self.biases, strict=True)
        ]

    def forward(self, x: Tensor) -> Tensor:
        """The output z (B, K) in training."""
        if self.copies:
            for factor, weight in zip(self.factors, self.weights, strict=True):
                factor.tensor.copy_(weight.detach())
        self.inputs, self.before, self.masks = [Matrix(x.to(self.dtype))], [], []
        for i in range(len(self.weights) - 1):
            z, a = self._layer(i)
            # An activation reads its slope from a as it was before the mask.
            self.before.append((z.tensor, a.tensor))
            if self.dropout:
                self.masks.append(keep_mask(a.tensor, self.dropout))
                a = Matrix(a.tensor * self.masks[-1])
            self.inputs.append(a)
        return self._product(len(self.weights) - 1).tensor

    def backward(self, slope: Tensor, to_input: bool = False) -> Tensor | None:
        """Fill `.grad` from the loss's slope (B, K); give that of x (B, C) if asked."""
        g = Matrix(slope.to(self.dtype))
        for i in range(len(self.weights) - 1, -1, -1):
            self._fill(i, g)
            if not i and not to_input:
                return None
            room = self._room("slope", i, *self.inputs[i].shape)
            multiply(g, self.factors[i], room)
            if i:
                if self.dropout:
                    room.tensor.mul_(self.masks[i - 1])
                self.activation.slope(room.tensor, *self.before[i - 1])
            g = room
        return g.tensor

    def _layer(self, i: int) -> tuple[Matrix, Matrix]:
        """Layer i before and after its activation."""
        if self.fuses and self.activation.fused:
            a = self._product(i, self.activation.fused)
            return a, a
        z = self._product(i)
        a = self.activation.apply(z.tensor)
        return z, z if a is z.tensor else Matrix(a)

    def _product(self, i: int, then: str = "none") -> Matrix:
        x, w = self.inputs[i], self.factors[i]
        if self.fuses:
            # What follows is done before the product leaves the cache.
            offset = self.offsets[i]
            return Matrix(
                onednn._linear_pointwise(x.tensor, w.tensor, offset, then, [], "")
            )
        n, width = x.shape[0], w.shape[0]
        if width < NARROW:
            room = self._room("z", i, width, n)
            torch.mm(w.tensor, x.turned.tensor, out=room.tensor).add_(self.columns[i])
            return room.turned
        room = self._room("z", i, n, width)
        multiply(x, w.turned, room)
        room.tensor.add_(self.offsets[i])
        return room

    def _fill(self, i: int, g: Matrix) -> None:
        weight, bias = self.gradients[i]
        if self.copies:
            room = self._room("weight", i, *weight.shape)
            multiply(g.turned, self.inputs[i], room)
            weight.tensor.copy_(room.tensor)
            bias.copy_(g.tensor.sum(0))
        else:
            multiply(g.turned, self.inputs[i], weight)
            torch.sum(g.tensor, 0, out=bias)
        self.weights[i].grad, self.biases[i].grad = weight.tensor, bias

    def _room(self, name: str, i: int, n: int, width: int) -> Matrix:
        """Memory for an (n, width) result, the same at each step."""
        key = (name, i, n, width)
        if key not in self.memory:
            like = self.factors[0].tensor
            self.memory[key] = Matrix(like.new_empty(n, width))
        return self.memory[key]
