"""Conversion between steps ordered by sample and ordered by step, as recurrences need.

(B, T, ...) <-> (D, T, B, ...): the second direction starts at each sample's last step
"""

import torch
from torch import Tensor


class Order:
    """The positions of the T steps of B samples in each of D directions."""

    def __init__(self, lengths: Tensor | None, D: int, B: int, T: int):
        self.samples = torch.arange(B)[:, None]
        self.directions = torch.arange(D)[:, None, None]
        self.source = torch.arange(T).expand(1, B, T)
        if D == 2:
            backwards = from_the_end(lengths, B, T)
            self.source = torch.stack([self.source[0], backwards])
        self.rows = (self.samples * T + self.source).transpose(1, 2)
        self.size = D, T, B

    def by_step(self, x: Tensor, per_direction: bool = False) -> Tensor:
        """X (B, T, C), or (B, T, D, C) if `per_direction`, -> (D, T, B, C)."""
        D, T, B = self.size
        rows = self.rows * D + self.directions if per_direction else self.rows
        x = x.reshape(-1, x.shape[-1]).index_select(0, rows.flatten())
        return x.unflatten(0, (D, T, B))

    def by_sample(self, h: Tensor, n_before: int = 0) -> Tensor:
        """H (D, n + T, B, C) -> (B, T, D, C), without the first `n_before` = n steps."""
        D, T, B = self.size
        C = h.shape[3]
        by_direction, by_step, by_row = (n // C for n in h.stride()[:3])
        steps = (self.source + n_before) * by_step + self.directions * by_direction
        rows = (steps + self.samples * by_row).permute(1, 2, 0)
        h = h.as_strided((h.numel() // C, C), (C, 1))
        return h.index_select(0, rows.flatten()).unflatten(0, (B, T, D))


def from_the_end(lengths: Tensor | None, n_samples: int, n_steps: int) -> Tensor:
    """(B, T): the step that is read at each position if samples are read backwards."""
    device = None if lengths is None else lengths.device
    steps = torch.arange(n_steps, device=device)
    ends = n_steps if lengths is None else lengths[:, None]
    source = (ends - 1 - steps).expand(n_samples, n_steps)
    # Padding stays after the real steps.
    return torch.where(source >= 0, source, steps)
