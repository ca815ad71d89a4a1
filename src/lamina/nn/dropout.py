"""Dropout, drawn from the random stream of the fit."""

from torch import Tensor, nn

from lamina.kernels.masks import keep_mask
from lamina.seeding import current_generator


class Dropout(nn.Module):
    """h -> h; in training a fraction of its values is set to 0, the others are scaled up."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, h: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return h
        return h * keep_mask(h, self.rate)


class ChannelDropout(nn.Module):
    """`nn.Dropout1d` and `nn.Dropout2d`: whole channels of h (B, C, ...) are set to 0."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, h: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return h
        generator = current_generator(h.device)
        kept = h.new_empty(*h.shape[:2], *[1] * (h.dim() - 2))
        kept.bernoulli_(1 - self.rate, generator=generator)
        return h * kept.div_(1 - self.rate)
