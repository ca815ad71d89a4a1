"""Both passes of dense layers, written out.

    a_0 = x,  z_i = a_{i-1} W_i^T + b_i,  a_i = m_i * f(z_i)         i = 1 .. n
    g_n = dL/dz_n,  g_{i-1} = f'(z_{i-1}) * m_{i-1} * (g_i W_i)      g_i = dL/dz_i
    dL/dW_i = g_i^T a_{i-1},  dL/db_i = sum of g_i over the rows

with an activation f and dropout masks m; the last layer has neither, unless
`activates_last`. Small networks are
bound by the cost of calling operations, not by arithmetic, and most of the calls of a
training step are autograd's. Here a step consists of these products, written to memory
that is reused at each step.

    x (B, C), a_i and g_i (B, D_i), z_n (B, K)
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from lamina.kernels import private
from lamina.kernels.activations import ACTIVATIONS
from lamina.kernels.masks import Masks
from lamina.kernels.products import Matrix, multiply

NARROW = 16
"""A layer with fewer outputs is computed transposed: MKL is twice as fast that way, and
so is the softmax of its output."""


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
        *,
        activates_last: bool = False,
    ):
        for linear in linears:
            for p in linear.parameters():
                p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        self.weights = [linear.weight.detach() for linear in linears]
        self.biases = [linear.bias.detach() for linear in linears]
        self.gradients = [
            (Matrix(grad_of(linear.weight)), grad_of(linear.bias)) for linear in linears
        ]
        self.activation = ACTIVATIONS[activation]
        # The weights, or their copies in `dtype` where that differs.
        self.factors = [Matrix(w.to(dtype)) for w in self.weights]
        self.copies = dtype != self.weights[0].dtype
        self.dtype, on_cpu = dtype, self.weights[0].device.type == "cpu"
        self.fuses = self.copies and on_cpu and private.has_bfloat16_units()
        self.n_activated = len(linears) if activates_last else len(linears) - 1
        n_masks = self.n_activated if dropout else 0
        self.masks = [Masks(dropout, dtype) for _ in range(n_masks)]
        self.memory: dict[tuple[str, int, tuple[int, ...]], Matrix] = {}

    def forward(self, x: Tensor) -> Tensor:
        """The output z_n in training."""
        if self.copies:
            private.copy_all([f.tensor for f in self.factors], self.weights)
        self.inputs, self.before = [Matrix(x.to(self.dtype))], []
        for i in range(self.n_activated):
            z, a = self._layer(i)
            # An activation's gradient is computed from a as it was before the mask.
            self.before.append((z.tensor, a.tensor))
            if self.masks:
                masked = self._buffer("a", i, a.shape)
                torch.mul(a.tensor, self.masks[i].draw(a.tensor), out=masked.tensor)
                a = masked
            self.inputs.append(a)
        if self.n_activated == len(self.factors):
            return self.inputs[-1].tensor
        return self._product(self.n_activated).tensor

    def backward(self, gradient: Tensor, to_input: bool = False) -> Tensor | None:
        """Fill `.grad` from the gradient at the output (B, K), which is overwritten.

        Returns the gradient at x (B, C) if `to_input`.
        """
        g = Matrix(gradient.to(self.dtype))
        if self.n_activated == len(self.factors):
            self._through_activation(g, len(self.factors) - 1)
        for i in range(len(self.factors) - 1, -1, -1):
            self._fill(i, g)
            if not i and not to_input:
                return None
            before = self._buffer("g", i, self.inputs[i].shape)
            multiply(g, self.factors[i], before)
            if i:
                self._through_activation(before, i - 1)
            g = before
        return g.tensor

    def _through_activation(self, g: Matrix, i: int) -> None:
        """Turn the gradient at m_i * f(z_i) into that at z_i, in place."""
        if self.masks:
            g.tensor.mul_(self.masks[i].last)
        self.activation.backward(g.tensor, *self.before[i])

    def _layer(self, i: int) -> tuple[Matrix, Matrix]:
        """z_i and f(z_i)."""
        if self.fuses and self.activation.fused:
            a = self._product(i, self.activation.fused)
            return a, a
        z = self._product(i)
        a = self.activation.apply(z.tensor)
        return z, z if a is z.tensor else Matrix(a)

    def _product(self, i: int, then: str = "none") -> Matrix:
        a, w, b = self.inputs[i], self.factors[i], self.biases[i]
        if self.fuses:
            # oneDNN adds the bias and the activation while the product is in the cache.
            return Matrix(private.linear(a.tensor, w.tensor, b, then))
        n, width = a.shape[0], w.shape[0]
        if width < NARROW:
            z = self._buffer("z", i, (width, n))
            torch.mm(w.tensor, a.T.tensor, out=z.tensor).add_(b[:, None])
            return z.T
        z = self._buffer("z", i, (n, width))
        multiply(a, w.T, z)
        z.tensor.add_(b)
        return z

    def _fill(self, i: int, g: Matrix) -> None:
        weight, bias = self.gradients[i]
        if self.copies:
            product = self._buffer("w", i, weight.shape)
            multiply(g.T, self.inputs[i], product)
            weight.tensor.copy_(product.tensor)
            bias.copy_(g.tensor.sum(0))
        else:
            multiply(g.T, self.inputs[i], weight)
            torch.sum(g.tensor, 0, out=bias)

    def _buffer(self, name: str, i: int, shape: tuple[int, ...]) -> Matrix:
        """Memory for a result of this shape in layer i, the same at each step."""
        key = (name, i, tuple(shape))
        if key not in self.memory:
            like = self.factors[0].tensor
            self.memory[key] = Matrix(like.new_empty(shape))
        return self.memory[key]


def grad_of(parameter: Tensor) -> Tensor:
    """The gradient of a parameter that has one."""
    assert parameter.grad is not None
    return parameter.grad
