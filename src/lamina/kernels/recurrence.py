"""Both passes of a GRU and of a plain RNN, written out as one node of autograd.

torch records every operation of every step of these two. Here a step is a product, for
all directions together, and a few operations in memory that exists already. What need not
wait for the step before is computed for many steps at once, and that includes most of the
slopes: those of a step's gates are the slope of its state times factors known beforehand.
How many steps is a matter of the cache, and of blocks of memory that are small enough to
be used again: fresh memory costs as much as what is computed in it.

A state h is kept as u = (h + 1) / 2 as well, see `cells.py`.

    D directions, T steps, n of them at once, B samples, C inputs, H units, G gates
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lamina.kernels.order import Order
from lamina.process import THREADS

ROWS_AT_ONCE = 2048
"""States whose gates and factors are computed together."""
WORTH_A_THREAD = 1e7
"""Multiplications of a step that occupy one core. With fewer, two cores gain nothing, and
wait for each other thousands of times a second if something else runs on one of them."""


def scan(
    kind: "type[Recurrence]",
    x: Tensor,
    lengths: Tensor | None,
    start: Tensor,
    weights: Sequence[Tensor],
) -> Tensor:
    """The states (B, T, D H) at the steps of x (B, T, C), from `start` (D, B, H) on.

    `weights` are those of one direction after the other, in torch's order. The second
    direction reads each sample from its own end. Gradients do not reach `start`.
    """
    if torch.is_grad_enabled():
        return _Scan.apply(kind, x, lengths, start, *weights)
    return kind(x, lengths, weights).forward(start, keeps=False)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, kind: Any, x: Tensor, lengths: Any, start: Tensor, *weights: Tensor
    ) -> Tensor:
        keep_freed_memory()
        ctx.scan = kind(x, lengths, weights)
        return ctx.scan.forward(start, any(ctx.needs_input_grad))

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, slope: Tensor
    ) -> tuple[Any, ...]:
        to_x, to_weights = ctx.scan.backward(slope, ctx.needs_input_grad[1])
        return (None, to_x, None, None, *to_weights)


@cache
def keep_freed_memory() -> None:
    """Have a step of training find the memory that the step before has freed.

    glibc gives freed memory back to the system, which hands it out again page by page: as
    long as a pass forward takes. Once a large block was freed it keeps twice as much.
    """
    torch.empty(30 * 2**20, dtype=torch.uint8)


class Recurrence:
    """A pass over a batch, and what is kept of it for the way back."""

    def __init__(self, x: Tensor, lengths: Tensor | None, weights: Sequence[Tensor]):
        stacked = [torch.stack(list(weights[i::4])) for i in range(4)]
        self.biases = [b[:, None, None] for b in stacked[2:]]
        self.dtype = self.biases[0].dtype
        if torch.is_autocast_enabled("cpu"):
            self.dtype = torch.get_autocast_dtype("cpu")
        self.into, self.within = (w.to(self.dtype) for w in stacked[:2])
        D, B, T = len(self.within), *x.shape[:2]
        self.size = D, T, B, self.within.shape[2]
        self.order = Order(lengths, D, B, T)
        self.x = self.order.by_step(x.to(self.dtype))
        self.n_at_once = max(1, ROWS_AT_ONCE // (D * B))

    def forward(self, start: Tensor, keeps: bool) -> Tensor:
        """The states (B, T, D H)."""
        _, T, B, H = self.size
        into = self.into.transpose(1, 2).contiguous()
        add = self._adder(self.within.transpose(1, 2).contiguous())
        self.h = self._room(T + 1, H, self.x)
        self.h[:, 0] = start
        last, self.kept = (start.to(self.biases[0].dtype) + 1) / 2, []
        for begin in range(0, T, self.n_at_once):
            x = self.x[:, begin : begin + self.n_at_once]
            n = x.shape[1]
            u = self._room(n + 1, H, last)
            u[:, 0] = last
            products = torch.bmm(x.flatten(1, 2), into).unflatten(1, (n, B))
            with self._threads():
                kept = self._forward(products, u, self.h[:, begin : begin + n + 1], add)
            last = u[:, -1]
            if keeps:
                self.kept.append(kept)
        return self.order.by_sample(self.h, 1).flatten(2)

    def backward(
        self, slope: Tensor, to_input: bool
    ) -> tuple[Tensor | None, list[Tensor]]:
        """From the slope of the output that of x, if asked for, and those of the weights."""
        D, _, B, H = self.size
        slope = self.order.by_step(slope.unflatten(2, (D, H)), each=True)
        add, self.sums = self._adder(self.within), {}
        carried = self.biases[0].new_zeros(D, B, H)
        to_x = torch.empty_like(self.x) if to_input else None
        end = slope.shape[1]
        for kept in reversed(self.kept):
            part = slice(end - kept[0].shape[1], end)
            # A state is 2 u - 1, and g is the slope of u.
            g = self._room(part.stop - part.start, H, carried)
            g.copy_(slope[:, part]).mul_(2)
            g[:, -1] += carried
            with self._threads():
                slopes = self._backward(kept, g, carried, add)
            self._sum("hh", slopes, self.h[:, part])
            self._pass_on(kept, g, slopes)
            self._sum("ih", slopes, self.x[:, part])
            if to_x is not None:
                to_part = torch.bmm(slopes.flatten(1, 2), self.into)
                to_x[:, part] = to_part.unflatten(1, g.shape[1:3])
            end = part.start
        names = "weight ih", "weight hh", "bias ih", "bias hh"
        to_weights = [self.sums[name][d] for d in range(D) for name in names]
        return None if to_x is None else self.order.by_sample(to_x).sum(2), to_weights

    def _sum(self, name: str, slopes: Tensor, factors: Tensor) -> None:
        """Slopes (D, T, B, G H) of what came from (D, T, B, C) go to its weights."""
        rows = slopes.flatten(1, 2)
        weight = torch.bmm(rows.transpose(1, 2), factors.flatten(1, 2))
        for kind, part in (("weight ", weight), ("bias ", rows.sum(1))):
            if kind + name in self.sums:
                self.sums[kind + name] += part
            else:
                self.sums[kind + name] = part.to(self.biases[0].dtype)

    def _threads(self) -> AbstractContextManager[None]:
        """As many threads of torch as the product of a step is worth."""
        before, work = torch.get_num_threads(), self.size[2] * self.within.numel()
        return THREADS.at(max(1, min(before, int(work / WORTH_A_THREAD))))

    def _room(self, n: int, width: int, like: Tensor) -> Tensor:
        """Memory (D, n, B, width) in which all of a step lies together."""
        D, _, B, _ = self.size
        return like.new_empty(n, D, B, width).transpose(0, 1)

    def _like_products(self, x: Tensor) -> Tensor:
        """Memory like x for its copy in the type of the products, x itself if it has it."""
        return x if x.dtype == self.dtype else torch.empty_like(x, dtype=self.dtype)

    def _adder(self, weight: Tensor) -> Any:
        """A function that adds states @ weight, some times, to a tensor in place."""
        if weight.dtype == self.biases[0].dtype:
            return lambda to, x, times: to.baddbmm_(x, weight, alpha=times)
        room = weight.new_empty(len(weight), self.size[2], weight.shape[2])

        def add(to: Tensor, x: Tensor, times: float) -> None:
            to.add_(torch.bmm(x, weight, out=room), alpha=times)

        return add

    def _forward(self, products: Tensor, u: Tensor, h: Tensor, add: Any) -> Any:
        """Fill u and h after the first; what is returned is kept."""
        raise NotImplementedError

    def _backward(self, kept: Any, g: Tensor, before: Tensor, add: Any) -> Tensor:
        """The slopes of the gates, in the type of the products.

        g (D, n, B, H) is at first the slope of u where it is seen, and at last all of it;
        `before` (D, B, H) becomes that of the u before the first step.
        """
        raise NotImplementedError

    def _pass_on(self, kept: Any, g: Tensor, slopes: Tensor) -> None:
        """The slopes of what the gates got from h become those of what they got from x."""
