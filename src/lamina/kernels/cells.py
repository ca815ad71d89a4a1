"""The steps of a plain RNN and of a GRU, onward and back.

The logistic function takes a fifth of the time of tanh. So tanh(a) is 2 s - 1 with
s = logistic(2 a), and a state h is 2 u - 1, where a plain RNN's u is s. In a GRU with gates
r and z, u' = z u + (1 - z) s.

    D directions, n steps, B samples, H units; u (D, n + 1, B, H) begins with the u before
"""

from typing import Any

import torch
from torch import Tensor

from lamina.kernels.recurrence import Recurrence

aten: Any = torch.ops.aten
"""Its operations that compute slopes have no public names."""


class RNN(Recurrence):
    """h' = tanh(W x + V h + b)."""

    def _forward(self, products: Tensor, u: Tensor, h: Tensor, add: Any) -> Any:
        b_in, b = self.biases
        torch.add(2 * (b_in + b), products, alpha=2, out=u[:, 1:])
        us, hs, minus = u.unbind(1), h.unbind(1), u.new_full((), -1.0)
        for t in range(1, len(us)):
            add(us[t], hs[t - 1], 2)
            us[t].sigmoid_()
            torch.add(minus, us[t], alpha=2, out=hs[t])
        return (u[:, 1:],)

    def _backward(self, kept: Any, g: Tensor, before: Tensor, add: Any) -> Tensor:
        (u,) = kept
        factors = aten.sigmoid_backward(u.new_full((), 2.0), u)
        slopes = self._like_products(factors)
        gs, fs = [before, *g.unbind(1)], factors.unbind(1)
        tos = fs if slopes is factors else slopes.unbind(1)
        before.zero_()
        for t in range(len(tos) - 1, -1, -1):
            fs[t].mul_(gs[t + 1])
            if tos[t] is not fs[t]:
                tos[t].copy_(fs[t])
            add(gs[t], tos[t], 2)
        return slopes


class GRU(Recurrence):
    """h' = z h + (1 - z) tanh(W x + r (V h + b)) with gates r and z."""

    def _forward(self, products: Tensor, u: Tensor, h: Tensor, add: Any) -> Any:
        n, H = products.shape[1], self.size[3]
        b_in, b = self.biases
        gates, s = self._room(n, 3 * H, u), self._room(n, H, u)
        rz = gates[..., : 2 * H]
        torch.add(products[..., : 2 * H], (b_in + b)[..., : 2 * H], out=rz)
        gates[..., 2 * H :] = b[..., 2 * H :]
        torch.add(2 * b_in[..., 2 * H :], products[..., 2 * H :], alpha=2, out=s)
        parts = (p.unbind(1) for p in (gates, rz, *gates.split(H, 3), s))
        us, hs, minus = u.unbind(1), h.unbind(1), u.new_full((), -1.0)
        for t, (gate, rz, r, z, a, s_t) in enumerate(zip(*parts, strict=True)):
            add(gate, hs[t], 1)
            rz.sigmoid_()
            s_t.addcmul_(r, a, value=2).sigmoid_()
            torch.lerp(s_t, us[t], z, out=us[t + 1])
            torch.add(minus, us[t + 1], alpha=2, out=hs[t + 1])
        return gates, s, u

    def _backward(self, kept: Any, g: Tensor, before: Tensor, add: Any) -> Tensor:
        zs = kept[0].split(self.size[3], 3)[1].unbind(1)
        factors = self._factors(*kept)
        slopes = self._like_products(factors)
        gs, fs = [before, *g.unbind(1)], factors.unbind(1)
        tos = fs if slopes is factors else slopes.unbind(1)
        before.zero_()
        for t in range(len(tos) - 1, -1, -1):
            fs[t].mul_(gs[t + 1][:, :, None])
            if tos[t] is not fs[t]:
                tos[t].copy_(fs[t])
            gs[t].addcmul_(gs[t + 1], zs[t])
            add(gs[t], tos[t].flatten(2), 2)
        return slopes.flatten(3)

    def _factors(self, gates: Tensor, s: Tensor, u: Tensor) -> Tensor:
        """How much of the slope of u goes to each gate: (D, n, B, 3, H)."""
        r, z, a = gates.split(self.size[3], 3)
        factors = torch.empty_like(gates).unflatten(3, (3, -1))
        p = self._tanh_factor(z, s)
        torch.mul(p, r, out=factors[..., 2, :])
        aten.sigmoid_backward.grad_input(p.mul_(a), r, grad_input=factors[..., 0, :])
        torch.sub(u[:, :-1], s, out=p)
        aten.sigmoid_backward.grad_input(p, z, grad_input=factors[..., 1, :])
        return factors

    def _tanh_factor(self, z: Tensor, s: Tensor) -> Tensor:
        p = torch.rsub(z, 1).mul_(2)
        return aten.sigmoid_backward.grad_input(p, s, grad_input=p)

    def _pass_on(self, kept: Any, g: Tensor, slopes: Tensor) -> None:
        gates, s, _ = kept
        H = self.size[3]
        factor = self._tanh_factor(gates[..., H : 2 * H], s)
        torch.mul(factor, g, out=slopes[..., 2 * H :])
