"""The steps of a plain RNN and of a GRU, forward and back.

    RNN   h' = tanh(p + b + h V^T + c)
    GRU   r = s(p_r + b_r + h V_r^T + c_r),  z = s(p_z + b_z + h V_z^T + c_z)
          a = h V_a^T + c_a,  q = tanh(p_a + b_a + r a),  h' = z h + (1 - z) q

with the products p = x W^T of a block of steps, biases b of the inputs and c of the states,
and the logistic function s (Elman 1990; Cho et al. 2014, as in cuDNN). The logistic function
takes a fifth of the time of tanh, and tanh(v) = 2 s(2 v) - 1. So states are kept as
u = (h + 1) / 2, and q as y = (q + 1) / 2:

    RNN   u' = s(2 (p + b + h V^T + c))
    GRU   y = s(2 (p_a + b_a + r a)),  u' = z u + (1 - z) y

In the backward pass, with g = dL/du', the gradients at the arguments v of the functions
are factors times g. The factors depend on the forward pass only; s'(u) is the derivative of
s where its value is u:

    RNN   v: 2 s'(u')
    GRU   v_r: 2 (1 - z) s'(y) a s'(r),  v_z: (u - y) s'(z),  a: 2 (1 - z) s'(y) r
    both  dL/du = z g + 2 (dL/dv) V, without z g in the RNN

    D directions, n steps, B samples, H hidden units; u (D, n + 1, B, H) begins with the u
    before the first step
"""

from typing import NamedTuple

import torch
from torch import Tensor

from lamina.kernels.private import times_logistic_derivative
from lamina.kernels.recurrence import AddProduct, Recurrence


class RNN(Recurrence[Tensor]):
    """h' = tanh(x W^T + b + h V^T + c)."""

    def prepare(self, products: Tensor) -> Tensor:
        b, c = self.biases
        u = self.empty(products.shape[1] + 1, self.size[3], b)
        torch.add(2 * (b + c), products, alpha=2, out=u[:, 1:])
        return u

    def states(self, block: Tensor) -> Tensor:
        return block

    def run(self, block: Tensor, h: Tensor, add: AddProduct) -> None:
        u_steps, h_steps = block.unbind(1), h.unbind(1)
        minus_one = block.new_full((), -1.0)
        for t in range(1, len(u_steps)):
            add(u_steps[t], h_steps[t - 1], 2)
            u_steps[t].sigmoid_()
            torch.add(minus_one, u_steps[t], alpha=2, out=h_steps[t])

    def factors(self, block: Tensor) -> Tensor:
        return times_logistic_derivative(block.new_full((), 2.0), block[:, 1:])

    def run_back(
        self, block: Tensor, factors: Tensor, g: Tensor, before: Tensor, add: AddProduct
    ) -> Tensor:
        gradients = self.like_products(factors)
        g_steps, factor_steps = [before, *g.unbind(1)], factors.unbind(1)
        gradient_steps = gradients.unbind(1)
        before.zero_()
        for t in range(len(factor_steps) - 1, -1, -1):
            factor_steps[t].mul_(g_steps[t + 1])
            if gradients is not factors:
                gradient_steps[t].copy_(factor_steps[t])
            add(g_steps[t], gradient_steps[t], 2)
        return gradients

    def to_inputs(self, block: Tensor, g: Tensor, gradients: Tensor) -> None:
        """The gradients at x W^T equal those at v."""


class GRUBlock(NamedTuple):
    """The values that the backward pass needs of a block of steps of a GRU."""

    gates: Tensor
    """(D, n, B, 3 H) r, z and a."""
    y: Tensor
    u: Tensor


class GRU(Recurrence[GRUBlock]):
    """h' = z h + (1 - z) tanh(x W_a^T + b_a + r (h V_a^T + c_a)) with gates r and z."""

    def prepare(self, products: Tensor) -> GRUBlock:
        n, H = products.shape[1], self.size[3]
        b, c = self.biases
        gates, y = self.empty(n, 3 * H, b), self.empty(n, H, b)
        torch.add(
            products[..., : 2 * H], (b + c)[..., : 2 * H], out=gates[..., : 2 * H]
        )
        gates[..., 2 * H :] = c[..., 2 * H :]
        torch.add(2 * b[..., 2 * H :], products[..., 2 * H :], alpha=2, out=y)
        return GRUBlock(gates, y, self.empty(n + 1, H, b))

    def states(self, block: GRUBlock) -> Tensor:
        return block.u

    def run(self, block: GRUBlock, h: Tensor, add: AddProduct) -> None:
        gates, y, u = block
        H = self.size[3]
        u_steps, h_steps = u.unbind(1), h.unbind(1)
        parts = [gates, gates[..., : 2 * H], *gates.split(H, 3), y]
        minus_one = u.new_full((), -1.0)
        steps = zip(*(part.unbind(1) for part in parts), strict=True)
        for t, (all_t, r_and_z, r, z, a, y_t) in enumerate(steps):
            add(all_t, h_steps[t], 1)
            r_and_z.sigmoid_()
            y_t.addcmul_(r, a, value=2).sigmoid_()
            torch.lerp(y_t, u_steps[t], z, out=u_steps[t + 1])
            torch.add(minus_one, u_steps[t + 1], alpha=2, out=h_steps[t + 1])

    def factors(self, block: GRUBlock) -> Tensor:
        """(D, n, B, 3, H), of v_r, v_z and a."""
        gates, y, u = block
        r, z, a = gates.split(self.size[3], 3)
        factors = torch.empty_like(gates).unflatten(3, (3, -1))
        p = self._of_candidate(z, y)
        torch.mul(p, r, out=factors[..., 2, :])
        times_logistic_derivative(p.mul_(a), r, factors[..., 0, :])
        torch.sub(u[:, :-1], y, out=p)
        times_logistic_derivative(p, z, factors[..., 1, :])
        return factors

    def run_back(
        self,
        block: GRUBlock,
        factors: Tensor,
        g: Tensor,
        before: Tensor,
        add: AddProduct,
    ) -> Tensor:
        z_steps = block.gates.split(self.size[3], 3)[1].unbind(1)
        gradients = self.like_products(factors)
        g_steps, factor_steps = [before, *g.unbind(1)], factors.unbind(1)
        gradient_steps = gradients.unbind(1)
        before.zero_()
        for t in range(len(factor_steps) - 1, -1, -1):
            factor_steps[t].mul_(g_steps[t + 1][:, :, None])
            if gradients is not factors:
                gradient_steps[t].copy_(factor_steps[t])
            g_steps[t].addcmul_(g_steps[t + 1], z_steps[t])
            add(g_steps[t], gradient_steps[t].flatten(2), 2)
        return gradients.flatten(3)

    def to_inputs(self, block: GRUBlock, g: Tensor, gradients: Tensor) -> None:
        """The gradient at a becomes the gradient at p_a, without the factor r."""
        H = self.size[3]
        factor = self._of_candidate(block.gates[..., H : 2 * H], block.y)
        torch.mul(factor, g, out=gradients[..., 2 * H :])

    @staticmethod
    def _of_candidate(z: Tensor, y: Tensor) -> Tensor:
        """2 (1 - z) s'(y)."""
        p = torch.rsub(z, 1).mul_(2)
        return times_logistic_derivative(p, y, p)
