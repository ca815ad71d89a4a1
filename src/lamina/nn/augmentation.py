"""Random variation of images and spectrograms in training.

One operation varies a whole batch on its device, each sample independently. The pixels that
a shift uncovers are filled by reflection, so that it adds no edges.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lamina.seeding import current_generator

MAX_SHIFT = 1 / 8
"""The largest shift, as a fraction of a side."""


class Shift(nn.Module):
    """x (B, C, H, W) -> x, each image shifted by whole pixels along both axes."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return _select(x, _sources(x, x.shape[2]), _sources(x, x.shape[3]))


class Flip(nn.Module):
    """x (B, C, H, W) -> x, each image mirrored left to right with probability 1/2."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        is_mirrored = _uniform((len(x), 1, 1, 1), x.device) < 0.5
        return torch.where(is_mirrored, x.flip(3), x)


AUGMENTATIONS: dict[str, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "shift": Shift,
    "shift_flip": lambda: nn.Sequential(Shift(), Flip()),
}


def _sources(x: Tensor, side: int) -> Tensor:
    """(B, side), the index of the row or column that each one of a shifted image shows."""
    largest = round(side * MAX_SHIFT)
    shifts = torch.randint(
        -largest,
        largest + 1,
        (len(x), 1),
        device=x.device,
        generator=current_generator(x.device),
    )
    index = torch.arange(side, device=x.device) + shifts
    last = side - 1
    return last - (last - index.abs()).abs()


def _select(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Rows (B, H) and columns (B, W) of x (B, C, H, W), in channels-last memory as x."""
    pixels = x.permute(0, 2, 3, 1)
    samples = torch.arange(len(x), device=x.device)
    selected = pixels[samples[:, None, None], rows[:, :, None], columns[:, None, :]]
    return selected.permute(0, 3, 1, 2)


class SpectrogramMasks(nn.Module):
    """x (B, T, C) -> x with two bands of channels and two spans of steps set to 0.

    In training (Park et al. 2019). A band has at most a fifth of the channels, a span at
    most a tenth of a sample's steps; 0 is the mean of the channels.
    """

    n_each, max_band, max_span = 2, 1 / 5, 1 / 10

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if not self.training:
            return x
        n_channels = torch.full((len(x), 1), x.shape[2], device=x.device)
        n_steps = torch.full_like(n_channels, x.shape[1])
        if lengths is not None:
            n_steps = lengths[:, None]
        for _ in range(self.n_each):
            band = _span(n_channels, self.max_band, x.shape[2])
            x = x.masked_fill(band[:, None, :], 0.0)
            span = _span(n_steps, self.max_span, x.shape[1])
            x = x.masked_fill(span[:, :, None], 0.0)
        return x


def _span(n: Tensor, fraction: float, size: int) -> Tensor:
    """(B, size), True along a random span of at most this fraction of n (B, 1)."""
    length = _uniform(n.shape, n.device) * (fraction * n)
    start = _uniform(n.shape, n.device) * (n - length)
    index = torch.arange(size, device=n.device)
    return (index >= start) & (index < start + length)


def _uniform(shape: Sequence[int], device: torch.device) -> Tensor:
    """Random values in [0, 1) from the generator of the fit."""
    return torch.rand(shape, device=device, generator=current_generator(device))
