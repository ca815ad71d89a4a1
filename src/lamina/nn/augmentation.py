"""Pictures varied at random while a network trains: x (B, C, H, W) -> x (B, C, H, W).

A whole batch is varied by one operation on its device, and each picture in its own way.
What a shift uncovers mirrors what lies beside it, so that no edge appears where none was.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lamina.seeding import current_generator

REACH = 1 / 8
"""How far a picture is shifted at most, as a share of its side."""


class Shift(nn.Module):
    """Each picture moved by whole pixels up or down and to a side, in training."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        return _picked(x, _shifted(x, x.shape[2]), _shifted(x, x.shape[3]))


class Flip(nn.Module):
    """Each picture as it is or with left and right exchanged, in training."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        chances = _uniform((len(x), 1, 1, 1), x.device)
        return torch.where(chances < 0.5, x.flip(3), x)


AUGMENTATIONS: dict[str, Callable[[], nn.Module]] = {
    "none": nn.Identity,
    "shift": Shift,
    "shift_flip": lambda: nn.Sequential(Shift(), Flip()),
}


def _shifted(x: Tensor, side: int) -> Tensor:
    """(B, side): where each row, or column, of each picture comes from."""
    furthest = round(side * REACH)
    shifts = torch.randint(
        -furthest,
        furthest + 1,
        (len(x), 1),
        device=x.device,
        generator=current_generator(x.device),
    )
    places = torch.arange(side, device=x.device) + shifts
    last = side - 1
    return last - (last - places.abs()).abs()


def _picked(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """These rows (B, H) and columns (B, W) of x, channels last in memory as x is."""
    pixels = x.permute(0, 2, 3, 1)
    samples = torch.arange(len(x), device=x.device)
    picked = pixels[samples[:, None, None], rows[:, :, None], columns[:, None, :]]
    return picked.permute(0, 3, 1, 2)


class Masks(nn.Module):
    """Spectrograms x (B, T, C) with bands and stretches at zero, which is their mean.

    Two bands of at most a fifth of the channels, and two stretches of at most a tenth of
    the steps, of each sample, in training (Park et al. 2019).
    """

    n_each, band, stretch = 2, 1 / 5, 1 / 10

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if not self.training:
            return x
        _, n_steps, n_bands = x.shape
        bands = torch.full((len(x), 1), n_bands, device=x.device)
        steps = torch.full_like(bands, n_steps) if lengths is None else lengths[:, None]
        for _ in range(self.n_each):
            x = x.masked_fill(_span(bands, self.band, n_bands)[:, None, :], 0.0)
            x = x.masked_fill(_span(steps, self.stretch, n_steps)[:, :, None], 0.0)
        return x


def _span(n: Tensor, share: float, longest: int) -> Tensor:
    """(B, longest), True along a stretch of at most this share of n (B, 1) places."""
    size = _uniform(n.shape, n.device) * (share * n)
    start = _uniform(n.shape, n.device) * (n - size)
    places = torch.arange(longest, device=n.device)
    return (places >= start) & (places < start + size)


def _uniform(shape: Sequence[int], device: torch.device) -> Tensor:
    """Numbers between 0 and 1 from the fit's stream."""
    return torch.rand(shape, device=device, generator=current_generator(device))
