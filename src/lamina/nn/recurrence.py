"""Both passes of a GRU and of a plain RNN, written out as one node of autograd.

torch records every operation of every step of these two. Here a step is a product, for
all directions together, and a few operations in memory that exists already. What need not
wait for the step before is computed for many steps at once, and that includes most of the
slopes: those of a step's gates are the slope of its state times factors known beforehand.
How many steps is a matter of the cache, and of blocks of memory that are small enough to
be used again: fresh memory costs as much as what is computed in it.

The logistic function takes a fifth of the time of tanh. So tanh(a) is 2 s - 1 with
s = logistic(2 a), and a state h is kept as u = (h + 1) / 2 as well.

    D directions, T steps, B samples, C inputs, H units, G gates

Memory is (D, T, B, ...): the batch of a step lies together, and so does a direction.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from lamina.nn.order import Order

aten: Any = torch.ops.aten
"""Its operations that compute slopes have no public names."""
ROWS_AT_ONCE = 2048
"""States whose gates and factors are computed together."""


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
        ctx.scan = kind(x, lengths, weights)
        return ctx.scan.forward(start, any(ctx.needs_input_grad))

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, slope: Tensor
    ) -> tuple[Any, ...]:
        to_x, to_weights = ctx.scan.backward(slope, ctx.needs_input_grad[1])
        return (None, to_x, None, None, *to_weights)


class Recurrence:
    """A pass over a batch, and what is kept of it for the way back."""

    n_gates: int

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
        D, T, B, H = self.size
        into = self.into.transpose(1, 2).contiguous()
        add = self._adder(self.within.transpose(1, 2).contiguous())
        self.h = self.x.new_empty(D, T + 1, B, H)
        self.h[:, 0] = start
        last, self.kept = (start + 1) / 2, []
        for begin in range(0, T, self.n_at_once):
            x = self.x[:, begin : begin + self.n_at_once]
            n = x.shape[1]
            u = self.biases[0].new_empty(D, n + 1, B, H)
            u[:, 0] = last
            products = torch.bmm(x.flatten(1, 2), into).unflatten(1, (n, B))
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
            g = slope[:, part].to(carried.dtype, copy=True).mul_(2)
            g[:, -1] += carried
            slopes = self.x.new_empty(*g.shape[:3], self.n_gates * H)
            self._backward(kept, g, slopes, carried, add)
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

    def _backward(
        self, kept: Any, g: Tensor, slopes: Tensor, before: Tensor, add: Any
    ) -> None:
        """From the slopes g of what is seen of u, those of the gates and of the first u."""
        raise NotImplementedError

    def _pass_on(self, kept: Any, g: Tensor, slopes: Tensor) -> None:
        """The slopes of what the gates got from h become those of what they got from x."""


class RNN(Recurrence):
    """h' = tanh(W x + V h + b)."""

    n_gates = 1

    def _forward(self, products: Tensor, u: Tensor, h: Tensor, add: Any) -> Any:
        b_in, b = self.biases
        torch.add(2 * (b_in + b), products, alpha=2, out=u[:, 1:])
        us, hs, minus = u.unbind(1), h.unbind(1), u.new_full((), -1.0)
        for t in range(1, len(us)):
            add(us[t], hs[t - 1], 2)
            us[t].sigmoid_()
            torch.add(minus, us[t], alpha=2, out=hs[t])
        return (u[:, 1:],)

    def _backward(
        self, kept: Any, g: Tensor, slopes: Tensor, before: Tensor, add: Any
    ) -> None:
        (u,) = kept
        factors = aten.sigmoid_backward(u.new_full((), 2.0), u).unbind(1)
        gs, tos = [before, *g.unbind(1)], slopes.unbind(1)
        before.zero_()
        for t in range(len(tos) - 1, -1, -1):
            torch.mul(factors[t], gs[t + 1], out=tos[t])
            add(gs[t], tos[t], 2)


class GRU(Recurrence):
    """h' = z h + (1 - z) tanh(W x + r (V h + b)) with gates r and z."""

    n_gates = 3

    def _forward(self, products: Tensor, u: Tensor, h: Tensor, add: Any) -> Any:
        H = self.size[3]
        b_in, b = self.biases
        gates, s = torch.empty_like(products, dtype=u.dtype), torch.empty_like(u[:, 1:])
        rz = gates[..., : 2 * H]
        torch.add(products[..., : 2 * H], (b_in + b)[..., : 2 * H], out=rz)
        gates[..., 2 * H :] = b[..., 2 * H :]
        torch.add(2 * b_in[..., 2 * H :], products[..., 2 * H :], alpha=2, out=s)
        us, hs, minus = u.unbind(1), h.unbind(1), u.new_full((), -1.0)
        parts = (gates, rz, *gates.split(H, 3), s)
        for t, (all_, rz, r, z, n, s_) in enumerate(zip(*(p.unbind(1) for p in parts))):
            add(all_, hs[t], 1)
            rz.sigmoid_()
            s_.addcmul_(r, n, value=2).sigmoid_()
            torch.lerp(s_, us[t], z, out=us[t + 1])
            torch.add(minus, us[t + 1], alpha=2, out=hs[t + 1])
        return gates, s, u

    def _backward(
        self, kept: Any, g: Tensor, slopes: Tensor, before: Tensor, add: Any
    ) -> None:
        gates, s, u = kept
        H = self.size[3]
        r, z, n = gates.split(H, 3)
        factors = torch.empty_like(gates).unflatten(3, (3, H))
        p = self._tanh_slope(z, s)
        torch.mul(p, r, out=factors[..., 2, :])
        aten.sigmoid_backward.grad_input(p.mul_(n), r, grad_input=factors[..., 0, :])
        p = torch.sub(u[:, :-1], s, out=p)
        aten.sigmoid_backward.grad_input(p, z, grad_input=factors[..., 1, :])
        gs, tos, zs = [before, *g.unbind(1)], slopes.unbind(1), z.unbind(1)
        shaped, factors = slopes.unflatten(3, (3, H)).unbind(1), factors.unbind(1)
        before.zero_()
        for t in range(len(tos) - 1, -1, -1):
            torch.mul(factors[t], gs[t + 1][:, :, None], out=shaped[t])
            gs[t].addcmul_(gs[t + 1], zs[t])
            add(gs[t], tos[t], 2)

    def _pass_on(self, kept: Any, g: Tensor, slopes: Tensor) -> None:
        gates, s, _ = kept
        H = self.size[3]
        p = self._tanh_slope(gates[..., H : 2 * H], s)
        torch.mul(p, g, out=slopes[..., 2 * H :])

    def _tanh_slope(self, z: Tensor, s: Tensor) -> Tensor:
        p = torch.rsub(z, 1).mul_(2)
        return aten.sigmoid_backward.grad_input(p, s, grad_input=p)
