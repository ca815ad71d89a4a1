"""A linear model of the inputs, whose outputs are added to those of the layers.

    z = clip(x, low, high) W + b

Gradient descent learns slowly in directions in which columns vary little, such as the small
differences between neighbouring points of a spectrum; least squares learns all directions at
once. W and b are computed before training, and training does not change them: the layers learn
what the linear model leaves over.
"""

import torch
from torch import Tensor, nn


class LinearPath(nn.Module):
    """x (B, C) -> z (B, K), constant far from the numbers of `fit`."""

    low: Tensor
    high: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, n_inputs: int, n_outputs: int):
        super().__init__()
        self.register_buffer("low", torch.zeros(n_inputs))
        self.register_buffer("high", torch.zeros(n_inputs))
        self.register_buffer("weight", torch.zeros(n_inputs, n_outputs))
        self.register_buffer("bias", torch.zeros(n_outputs))

    @torch.no_grad()
    def start(self, x: Tensor, weight: Tensor, bias: Tensor) -> None:
        """Take weights (C, K) and biases (K,) that were computed of x (n, C).

        Numbers count up to a range of these beyond them: a row of collinear numbers is often
        outside in all of them, and cutting it off there would change their differences.
        """
        low, high = x.amin(0), x.amax(0)
        values = 2 * low - high, 2 * high - low, weight, bias
        buffers = self.low, self.high, self.weight, self.bias
        for buffer, value in zip(buffers, values, strict=True):
            buffer.copy_(value)

    def forward(self, x: Tensor) -> Tensor:
        # bfloat16 would round away the small differences that it reads.
        with torch.autocast(x.device.type, enabled=False):
            x = x.clamp(self.low, self.high)
            return torch.addmm(self.bias, x, self.weight)
