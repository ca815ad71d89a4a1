"""Both passes of dense layers, written out.

    a_0 = x,  z_i = a_{i-1} W_i^T + b_i,  a_i = m_i * f(z_i)         i = 1 .. n
    g_n = dL/dz_n,  g_{i-1} = f'(z_{i-1}) * m_{i-1} * (g_i W_i)      g_i = dL/dz_i
    dL/dW_i = g_i^T a_{i-1},  dL/db_i = sum of g_i over the rows

with an activation f and dropout masks m; the last layer has neither. Small networks are
bound by the cost of calling operations, not by arithmetic, and most of the calls of a
training step are autograd's. Here a step is these few products, into memory that is kept
from step to step. Rows in parts, and the gradients of blocks of weights, are independent
tasks of a team.

    x (B, C), a_i and g_i (B, D_i), z_n (B, K)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lamina.kernels.activations import ACTIVATIONS
from lamina.kernels.masks import keep_mask
from lamina.kernels.parallel import Team
from lamina.kernels import private
from lamina.kernels.products import Matrix, multiply
from lamina.seeding import Generators, drawing_from

NARROW = 16
"""A layer with fewer outputs is computed transposed: MKL is twice as fast that way, and
so is the softmax of what it gives."""

LossOf = Callable[[Tensor, slice], tuple[Tensor, Tensor]]
"""(z_n of some rows, which rows) -> (mean loss over them, its gradient at z_n)."""


class DenseKernel:
    """Linear layers, all but the last with an activation: the gradients of their weights.

    `dtype` is that of the products; weights and their gradients stay as they are.
    """

    def __init__(
        self,
        linears: Sequence[nn.Linear],
        activation: str,
        dropout: float,
        dtype: torch.dtype,
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
        self.dropout, self.dtype = dropout, dtype
        # Where products are computed in another type, its copies of the weights.
        self.factors = [Matrix(w.to(dtype)) for w in self.weights]
        self.copies = dtype != self.weights[0].dtype
        on_cpu = self.weights[0].device.type == "cpu"
        self.fuses = self.copies and on_cpu and private.has_bfloat16_units()
        self.memory: dict[tuple[int, int], Buffers] = {}

    def step(
        self,
        x: Tensor,
        loss_of: LossOf,
        team: Team,
        streams: Sequence[Generators | None],
        to_input: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Fill `.grad`; the loss, and its gradient at x (B, C) if asked for.

        There are as many parts as random streams.
        """
        if self.copies:
            private.copy_all([f.tensor for f in self.factors], self.weights)
        n, n_parts = len(x), len(streams)
        if (n, n_parts) not in self.memory:
            self.memory[n, n_parts] = Buffers.allocated(self, n, n_parts)
        buffers = self.memory[n, n_parts]
        buffers.start(x.to(self.dtype))

        def run(k: int) -> Tensor:
            with drawing_from(streams[k]):
                return buffers.parts[k].run(loss_of, to_input)

        losses = team.map(run, range(n_parts))
        team.map(self._fill, buffers.blocks())
        to_x = buffers.to_input.tensor if to_input else None
        return (torch.stack(losses).sum() if n_parts > 1 else losses[0]), to_x

    def _fill(self, block: "Block") -> None:
        """The gradients of a block of one layer's weights."""
        if self.copies:
            product = block.g.tensor.t() @ block.a.tensor
            block.weight.tensor.copy_(product)
            block.bias.copy_(block.g.tensor.sum(0))
        else:
            multiply(block.g.T, block.a, block.weight)
            torch.sum(block.g.tensor, 0, out=block.bias)


@dataclass
class Block:
    """Rows of a layer's weights and what their gradients are computed from."""

    g: Matrix
    a: Matrix
    weight: Matrix
    bias: Tensor


@dataclass
class Buffers:
    """The memory of a step over B rows: a_i and g_i of all of them, and its parts."""

    kernel: DenseKernel
    inputs: list[Matrix]
    """a_0 to a_{n-1}."""
    gradients: list[Matrix]
    """g_1 to g_n."""
    to_input: Matrix
    parts: list["Part"] = field(default_factory=list)

    @classmethod
    def allocated(cls, kernel: DenseKernel, n: int, n_parts: int) -> "Buffers":
        """Memory for `n` rows."""
        like, shapes = kernel.factors[0].tensor, [f.shape for f in kernel.factors]
        inputs = [Matrix(like.new_empty(n, width)) for _, width in shapes]
        gradients = [Matrix(like.new_empty(n, width)) for width, _ in shapes]
        buffers = cls(kernel, inputs, gradients, Matrix(torch.empty_like(inputs[0].tensor)))
        bounds = [n * k // n_parts for k in range(n_parts + 1)]
        buffers.parts = [
            Part(kernel, buffers, slice(a, b), n)
            for a, b in zip(bounds, bounds[1:], strict=False)
        ]
        return buffers

    def start(self, x: Tensor) -> None:
        """Take the rows of a step."""
        self.inputs[0] = Matrix(x)
        for part in self.parts:
            part.inputs[0] = self.inputs[0] if part.is_whole else Matrix(x[part.rows])

    def blocks(self) -> list[Block]:
        """Blocks of weights, the gradients of which do not depend on one another."""
        n_blocks, blocks = len(self.parts), []
        whole = self.parts[0]
        for i, (weight, bias) in enumerate(self.kernel.gradients):
            if n_blocks == 1:
                blocks.append(Block(whole.gradients[i], whole.inputs[i], weight, bias))
                continue
            for rows in torch.arange(len(bias)).chunk(n_blocks):
                part = slice(int(rows[0]), int(rows[-1]) + 1)
                g = Matrix(self.gradients[i].tensor[:, part])
                to_weight = Matrix(weight.tensor[part])
                blocks.append(Block(g, self.inputs[i], to_weight, bias[part]))
        return blocks


class Part:
    """Both passes over some rows of a batch."""

    def __init__(self, kernel: DenseKernel, buffers: Buffers, rows: slice, n: int):
        self.kernel, self.rows = kernel, rows
        self.weight = (rows.stop - rows.start) / n
        self.is_whole = self.weight == 1
        self.inputs = [Matrix(a.tensor[rows]) for a in buffers.inputs]
        self.gradients = [Matrix(g.tensor[rows]) for g in buffers.gradients]
        self.to_input = Matrix(buffers.to_input.tensor[rows])
        # Where a mask follows, an activation's gradient needs a as it was before.
        self.z = [
            Matrix(torch.empty_like(a.tensor)) if kernel.dropout else a
            for a in self.inputs[1:]
        ]
        n_outputs = kernel.factors[-1].shape[0]
        out = kernel.factors[0].tensor.new_empty(n_outputs, rows.stop - rows.start)
        self.out = Matrix(out) if n_outputs < NARROW else Matrix(out.view(-1, n_outputs))

    def run(self, loss_of: LossOf, to_input: bool) -> Tensor:
        """This part's share of the loss; its g_i are in memory then."""
        z = self._forward()
        loss, gradient = loss_of(z.float(), self.rows)
        if self.is_whole:
            self.gradients[-1] = Matrix(gradient.to(z.dtype))
        else:
            loss = loss * self.weight
            self.gradients[-1].tensor.copy_(gradient.mul_(self.weight))
        self._backward(to_input)
        return loss

    def _forward(self) -> Tensor:
        kernel = self.kernel
        self.before, self.masks = [], []
        for i in range(len(kernel.factors) - 1):
            z, a = self._layer(i)
            self.before.append((z, a))
            if kernel.dropout:
                self.masks.append(keep_mask(a, kernel.dropout))
                torch.mul(a, self.masks[i], out=self.inputs[i + 1].tensor)
            elif a is not self.inputs[i + 1].tensor:
                self._keep(i + 1, a)
        return self._output()

    def _keep(self, i: int, a: Tensor) -> None:
        if self.is_whole:
            self.inputs[i] = Matrix(a)
        else:
            self.inputs[i].tensor.copy_(a)

    def _layer(self, i: int) -> tuple[Tensor, Tensor]:
        """z and a of a hidden layer, without its mask."""
        kernel, x, w = self.kernel, self.inputs[i], self.kernel.factors[i]
        if kernel.fuses:
            # What follows the product is computed before that leaves the cache.
            fused = kernel.activation.fused
            z = private.linear(x.tensor, w.tensor, kernel.biases[i], fused or "none")
            return z, z if fused else kernel.activation.apply(z)
        z = self.z[i]
        multiply(x, w.T, z)
        z.tensor.add_(kernel.biases[i])
        return z.tensor, kernel.activation.apply(z.tensor)

    def _output(self) -> Tensor:
        kernel, a, w = self.kernel, self.inputs[-1], self.kernel.factors[-1]
        if kernel.fuses:
            return private.linear(a.tensor, w.tensor, kernel.biases[-1], "none")
        if w.shape[0] < NARROW:
            torch.mm(w.tensor, a.tensor.t(), out=self.out.tensor)
            return self.out.tensor.add_(kernel.biases[-1][:, None]).t()
        multiply(a, w.T, self.out)
        return self.out.tensor.add_(kernel.biases[-1])

    def _backward(self, to_input: bool) -> None:
        kernel = self.kernel
        for i in range(len(kernel.factors) - 1, 0, -1):
            g = self.gradients[i - 1]
            multiply(self.gradients[i], kernel.factors[i], g)
            if kernel.dropout:
                g.tensor.mul_(self.masks[i - 1])
            kernel.activation.backward(g.tensor, *self.before[i - 1])
        if to_input:
            multiply(self.gradients[0], kernel.factors[0], self.to_input)


def grad_of(parameter: Tensor) -> Tensor:
    """The gradient of a parameter that has one."""
    assert parameter.grad is not None
    return parameter.grad
