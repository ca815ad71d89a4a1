"""The steps of a batch by sample, as users have them, and by step, as recurrences do.

(B, T, ...) <-> (D, T, B, ...): the second direction begins at each sample's end
"""

import torch
from torch import Tensor


class Order:
    """Where the steps of B samples with T steps stand in each of D directions."""

    def __init__(self, lengths: Tensor | None, D: int, B: int, T: int):
        self.samples = torch.arange(B)[:, None]
        self.sides = torch.arange(D)[:, None, None]
        self.source = torch.arange(T).expand(1, B, T)
        if D == 2:
            turned = from_the_end(lengths, B, T)
            self.source = torch.stack([self.source[0], turned])
        self.rows = (self.samples * T + self.source).transpose(1, 2)
        self.size = D, T, B

    def by_step(self, x: Tensor, each: bool = False) -> Tensor:
        """X (B, T, C), or (B, T, D, C) with `each` direction's own, -> (D, T, B, C)."""
        D, T, B = self.size
        rows = self.rows * D + self.sides if each else self.rows
        x = x.reshape(-1, x.shape[-1]).index_select(0, rows.flatten())
        return x.unflatten(0, (D, T, B))

    def by_sample(self, h: Tensor, n_before: int = 0) -> Tensor:
        """H (D, n + T, B, C) -> (B, T, D, C), without what stands before the first step."""
        D, T, B = self.size
        C = h.shape[3]
        by_side, by_step, by_row = (n // C for n in h.stride()[:3])
        steps = (self.source + n_before) * by_step + self.sides * by_side
        rows = (steps + self.samples * by_row).permute(1, 2, 0)
        h = h.as_strided((h.numel() // C, C), (C, 1))
        return h.index_select(0, rows.flatten()).unflatten(0, (B, T, D))


def from_the_end(lengths: Tensor | None, n_samples: int, n_steps: int) -> Tensor:
    """(B, T): which step stands where, if each sample is read from its own end."""
    device = None if lengths is None else lengths.device
    steps = torch.arange(n_steps, device=device)
    ends = n_steps if lengths is None else lengths[:, None]
    source = (ends - 1 - steps).expand(n_samples, n_steps)
    # Padding stays where it is, behind the real steps.
    return torch.where(source >= 0, source, steps)
