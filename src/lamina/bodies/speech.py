"""A network that listens: convolution over a spectrogram, then recurrent layers.

Chosen here, after Deep Speech 2 (Amodei et al. 2016): two convolutions that shorten the
sound, for units last longer than its steps of 10 ms; a bidirectional LSTM over them. In
training bands of pitch and stretches of time are blanked out (SpecAugment, Park et al.
2019).

    log-mel (B, T, C) -> h (B, T / stride, D)
"""

from typing import Annotated, Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec
from lamina.bodies.base import Body
from lamina.bodies.recurrent import RecurrentParams, RNNBody
from lamina.nn.augmentation import Masks
from lamina.nn.normalization import BatchNorm, step_weights
from lamina.params import Rule, Use, at_least, boolean, fraction
from lamina.ragged import step_mask

STRIDES = {1: (1, 1), 2: (2, 1), 4: (2, 2)}
"""Strides of the two convolutions, by what they are together."""


def known_stride() -> Rule:
    """A stride that the two convolutions can have together."""
    return Rule("1, 2 or 4", lambda v: type(v) is int and v in STRIDES)


class SpeechBodyParams(RecurrentParams, use=Use.FROZEN):
    """What a network is made of that listens."""

    n_filters: Annotated[int, at_least(1), "Filters of each of two convolutions."] = 64
    stride: Annotated[
        int,
        known_stride(),
        """Steps of 10 ms that become one. No text can be longer than the steps that are
        left, and equal units in a row need one between them.""",
    ] = 4
    masking: Annotated[
        bool,
        boolean(),
        "Blank out bands of pitch and stretches of time at random, in training.",
    ] = True
    dropout: Annotated[
        float, fraction(), "Share of features dropped after each layer in training."
    ] = 0.2


class SpeechBody(Body):
    """x (B, T, C) -> h (B, T / stride, D)."""

    forms: ClassVar = ("audio",)
    default_steps: ClassVar = 4_000

    def __init__(self, spec: Spec, params: Any):
        super().__init__(spec, params)
        if spec.causal:
            raise NotImplementedError(
                "A listener hears both what was and what follows."
            )
        self.stride = int(params.stride)
        self.mask = Masks() if params.masking else None
        first, second = STRIDES[self.stride]
        width = params.n_filters
        self.first = StridedConv(spec.n_channels, width, first)
        self.second = StridedConv(width, width, second)
        horizon = -(-spec.horizon // self.stride)
        inner = Spec(n_channels=width, n_space=1, horizon=horizon)
        self.reader = RNNBody(inner, params)
        self.width = self.reader.width

    def forward(self, batch: Batch) -> Features:
        h, lengths = batch.x, batch.lengths
        h = (h if self.mask is None else self.mask(h, lengths)).mT
        for layer in (self.first, self.second):
            h, lengths = layer(h, lengths, batch.weight)
        return self.reader(Batch(h.mT, lengths=lengths))


class StridedConv(nn.Module):
    """Convolution, normalisation, ReLU: h (B, C, T) -> (B, D, T / stride)."""

    size = 5

    def __init__(self, n_in: int, n_out: int, stride: int):
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv1d(n_in, n_out, self.size, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        self.norm = BatchNorm(n_out)

    def forward(
        self, h: Tensor, lengths: Tensor | None, weight: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        if lengths is not None:
            h = h.masked_fill(~step_mask(lengths, h.shape[2])[:, None], 0.0)
            lengths = (lengths + self.stride - 1) // self.stride
        side = self.size // 2
        h = F.pad(h, (side, side))
        h = F.conv1d(h, self.conv.weight, stride=self.stride)
        real = None if lengths is None else step_mask(lengths, h.shape[2])[:, None]
        return F.relu(self.norm(h, step_weights(h, real, weight))), lengths
