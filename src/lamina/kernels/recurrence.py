"""Both passes of a GRU and of a plain RNN, written out as one node of autograd.

torch records every operation of every step of these two. Here a step is one product for
all directions, and a few operations in memory that is allocated before:

    forward   v_t = x_t W^T + b + h_{t-1} V^T + c,  h_t = f(v_t, h_{t-1})
    backward  dL/dv_t = factors_t g_t,  g_{t-1} from dL/dv_t V and dL/dh_{t-1}
              dL/dW = sum of (dL/dv_t)^T x_t,  dL/dV = sum of (dL/dv_t)^T h_{t-1}

`cells.py` has f and the factors. What does not depend on the step before is computed for a
block of steps at once, by another thread while the steps of another block are computed
(`Team.submit`): x W^T in the forward pass, and the factors, the sums and dL/dx in the
backward pass. A block fits in the cache, and its memory is reused, for allocating new
memory takes as long as the computation.

A state h is kept as u = (h + 1) / 2 as well, see `cells.py`.

    D directions, T steps, n of a block, B samples, C inputs, H hidden units,
    G gates
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lamina.kernels.order import Order
from lamina.kernels.parallel import TEAM

ROWS_AT_ONCE = 2048
"""States in a block: steps times directions times samples."""
AddProduct = Callable[[Tensor, Tensor, float], None]
"""(to, states, factor): adds factor * states @ weight to a tensor."""
Block = TypeVar("Block")
"""The values that a kind of cell keeps of a block of steps."""


def scan(
    kind: "type[Recurrence]",
    x: Tensor,
    lengths: Tensor | None,
    start: Tensor,
    weights: Sequence[Tensor],
) -> Tensor:
    """The states (B, T, D H) at the steps of x (B, T, C), from `start` (D, B, H) on.

    `weights` are those of one direction after the other, in torch's order. The second
    direction starts at each sample's last step. Gradients do not reach `start`.
    """
    if torch.is_grad_enabled():
        return _Scan.apply(kind, x, lengths, start, *weights)
    return kind(x, lengths, weights).forward(start, keeps=False)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        kind: "type[Recurrence]",
        x: Tensor,
        lengths: Tensor | None,
        start: Tensor,
        *weights: Tensor,
    ) -> Tensor:
        keep_freed_memory()
        ctx.scan = kind(x, lengths, weights)
        return ctx.scan.forward(start, any(ctx.needs_input_grad))

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor | None, ...]:
        to_x, to_weights = ctx.scan.backward(gradient, ctx.needs_input_grad[1])
        return (None, to_x, None, None, *to_weights)


@cache
def keep_freed_memory() -> None:
    """Let a training step reuse the memory that the step before has freed.

    glibc returns freed memory to the system, and new memory is mapped page by page, which
    takes as long as a forward pass. After a large block was freed, it keeps twice its size.
    """
    torch.empty(30 * 2**20, dtype=torch.uint8)


class Recurrence(Generic[Block]):
    """Abstract: a forward pass over a batch, and the values its backward pass needs."""

    def __init__(self, x: Tensor, lengths: Tensor | None, weights: Sequence[Tensor]):
        stacked = [torch.stack(list(weights[i::4])) for i in range(4)]
        self.biases = [b[:, None, None] for b in stacked[2:]]
        self.dtype = self.biases[0].dtype
        if torch.is_autocast_enabled("cpu"):
            self.dtype = torch.get_autocast_dtype("cpu")
        self.W, self.V = (w.to(self.dtype) for w in stacked[:2])
        D, B, T = len(self.V), *x.shape[:2]
        self.size = D, T, B, self.V.shape[2]
        self.order = Order(lengths, D, B, T)
        self.x = self.order.by_step(x.to(self.dtype))
        self.n_at_once = max(1, ROWS_AT_ONCE // (D * B))
        self.team = TEAM.get()

    def forward(self, start: Tensor, keeps: bool) -> Tensor:
        """The states (B, T, D H)."""
        _, T, _, H = self.size
        self.to_products = self.W.transpose(1, 2).contiguous()
        add = self._adder(self.V.transpose(1, 2).contiguous())
        self.h = self.empty(T + 1, H, self.x)
        self.h[:, 0] = start
        last, self.kept = (start.to(self.biases[0].dtype) + 1) / 2, []
        inputs = self.x.split(self.n_at_once, 1)
        following = self._prepared(inputs[0])
        for i, x in enumerate(inputs):
            block = following()
            if i + 1 < len(inputs):
                following = self._prepared(inputs[i + 1])
            u, begin = self.states(block), i * self.n_at_once
            u[:, 0] = last
            self.run(block, self.h[:, begin : begin + x.shape[1] + 1], add)
            last = u[:, -1]
            if keeps:
                self.kept.append(block)
        return self.order.by_sample(self.h, 1).flatten(2)

    def backward(
        self, gradient: Tensor, to_input: bool
    ) -> tuple[Tensor | None, list[Tensor]]:
        """The gradients of x, if `to_input`, and of the weights, from that of the output."""
        D, _, B, H = self.size
        gradient = self.order.by_step(gradient.unflatten(2, (D, H)), per_direction=True)
        add, self.sums = self._adder(self.V), {}
        before = self.biases[0].new_zeros(D, B, H)
        self.to_x = torch.empty_like(self.x) if to_input else None
        end, waits = gradient.shape[1], []
        following = self._factors(self.kept[-1])
        for i in range(len(self.kept) - 1, -1, -1):
            block, factors = self.kept[i], following()
            if i:
                following = self._factors(self.kept[i - 1])
            steps = slice(i * self.n_at_once, end)
            # A state is 2 u - 1, and g is the gradient of u.
            g = self.empty(end - steps.start, H, before)
            g.copy_(gradient[:, steps]).mul_(2)
            g[:, -1] += before
            of_gates = self.run_back(block, factors, g, before, add)
            collect = partial(self._collect, block, g, of_gates, steps)
            waits.append(self.team.submit(collect))
            end = steps.start
        for wait in waits:
            wait()
        names = "weight ih", "weight hh", "bias ih", "bias hh"
        to_weights = [self.sums[name][d] for d in range(D) for name in names]
        to_x = None if self.to_x is None else self.order.by_sample(self.to_x).sum(2)
        return to_x, to_weights

    def empty(self, n: int, width: int, like: Tensor) -> Tensor:
        """Memory (D, n, B, width) in which the values of a step are contiguous."""
        D, _, B, _ = self.size
        return like.new_empty(n, D, B, width).transpose(0, 1)

    def like_products(self, x: Tensor) -> Tensor:
        """Memory for a copy of x in the type of the products; x itself if it has that type."""
        return x if x.dtype == self.dtype else torch.empty_like(x, dtype=self.dtype)

    @abstractmethod
    def prepare(self, products: Tensor) -> Block:
        """A block of steps, with the values that depend on x W^T (D, n, B, G H) only."""

    @abstractmethod
    def states(self, block: Block) -> Tensor:
        """U (D, n + 1, B, H)."""

    @abstractmethod
    def run(self, block: Block, h: Tensor, add: AddProduct) -> None:
        """Fill u and h (D, n + 1, B, H) after their first step."""

    @abstractmethod
    def factors(self, block: Block) -> Tensor:
        """The factors of g in the gradients of the gates."""

    @abstractmethod
    def run_back(
        self, block: Block, factors: Tensor, g: Tensor, before: Tensor, add: AddProduct
    ) -> Tensor:
        """The gradients of the gates (D, n, B, G H), in the type of the products.

        g (D, n, B, H) is the gradient of u through the output, and becomes the whole one;
        `before` (D, B, H) becomes that of the u before the first step.
        """

    @abstractmethod
    def to_inputs(self, block: Block, g: Tensor, gradients: Tensor) -> None:
        """Turn the gradients at h V^T into those at x W^T, in place."""

    def _prepared(self, x: Tensor) -> Callable[[], Block]:
        rows, n = x.flatten(1, 2), x.shape[1]

        def prepare() -> Block:
            products = torch.bmm(rows, self.to_products)
            return self.prepare(products.unflatten(1, (n, -1)))

        return self.team.submit(prepare)

    def _factors(self, block: Block) -> Callable[[], Tensor]:
        return self.team.submit(partial(self.factors, block))

    def _collect(
        self, block: Block, g: Tensor, gradients: Tensor, steps: slice
    ) -> None:
        """Add a block of steps to the gradients of the weights, and fill that of x."""
        self._sum("hh", gradients, self.h[:, steps])
        self.to_inputs(block, g, gradients)
        self._sum("ih", gradients, self.x[:, steps])
        if self.to_x is not None:
            to_x = torch.bmm(gradients.flatten(1, 2), self.W)
            self.to_x[:, steps] = to_x.unflatten(1, g.shape[1:3])

    def _sum(self, name: str, gradients: Tensor, factors: Tensor) -> None:
        """Add (dL/dv)^T factors, with (D, n, B, G H) and (D, n, B, C)."""
        rows = gradients.flatten(1, 2)
        weight = torch.bmm(rows.transpose(1, 2), factors.flatten(1, 2))
        for kind, part in (("weight ", weight), ("bias ", rows.sum(1))):
            if kind + name in self.sums:
                self.sums[kind + name] += part
            else:
                self.sums[kind + name] = part.to(self.biases[0].dtype)

    def _adder(self, weight: Tensor) -> AddProduct:
        if weight.dtype == self.biases[0].dtype:

            def add(to: Tensor, x: Tensor, factor: float) -> None:
                to.baddbmm_(x, weight, alpha=factor)

            return add
        product = weight.new_empty(len(weight), self.size[2], weight.shape[2])

        def add_product(to: Tensor, x: Tensor, factor: float) -> None:
            to.add_(torch.bmm(x, weight, out=product), alpha=factor)

        return add_product
