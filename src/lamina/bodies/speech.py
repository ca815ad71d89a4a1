"""Speech network: convolutions over a spectrogram, then recurrent layers.

Chosen here, after Deep Speech 2 (Amodei et al. 2016): two strided convolutions, because
units of text last longer than steps of 10 ms, and a bidirectional LSTM. In training bands
of frequencies and spans of steps are masked (SpecAugment, Park et al. 2019).

    log-mel x (B, T, C) -> h (B, T / stride, D)
"""

from typing import Annotated, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec
from lamina.bodies.recurrent import RecurrentParams, RNNBody
from lamina.nn.augmentation import SpectrogramMasks
from lamina.nn.body import Body
from lamina.nn.normalization import BatchNorm, step_weights
from lamina.numeric import is_integer
from lamina.params import Rule, Use, at_least, fraction
from lamina.ragged import step_mask

STRIDES = {1: (1, 1), 2: (2, 1), 4: (2, 2)}
"""The strides of the two convolutions, by their product."""


def known_stride() -> Rule:
    """A stride that the two convolutions can have together."""
    return Rule("1, 2 or 4", lambda v: is_integer(v) and v in STRIDES)


class SpeechBodyParams(RecurrentParams, use=Use.FROZEN):
    """The architecture of a speech network."""

    n_filters: Annotated[int, at_least(1), "Filters of each of two convolutions."] = 64
    stride: Annotated[
        int,
        known_stride(),
        """Steps of 10 ms of the sound for each step of the features. A text cannot have
        more units than its recording has steps of the features, and needs one more step
        between equal units in a row.""",
    ] = 4
    masking: Annotated[
        bool,
        "Mask random bands of frequencies and spans of steps in training.",
    ] = True
    dropout: Annotated[
        float,
        fraction(),
        "Fraction of features dropped after each layer in training.",
    ] = 0.2


class SpeechBody(Body):
    """x (B, T, C) -> h (B, T / stride, D)."""

    forms: ClassVar = ("audio",)
    default_steps: ClassVar = 4_000
    is_reentrant: ClassVar = True
    min_rows_part = 8

    def __init__(self, spec: Spec, params: SpeechBodyParams):
        super().__init__(spec, params)
        self.stride = int(params.stride)
        self.mask = SpectrogramMasks() if params.masking else None
        first, second = STRIDES[self.stride]
        width = params.n_filters
        self.first = StridedConv(spec.n_channels, width, first)
        self.second = StridedConv(width, width, second)
        horizon = -(-spec.horizon // self.stride)
        inner = Spec(n_channels=width, n_space=1, horizon=horizon)
        self.recurrent = RNNBody(inner, params)
        self.width = self.recurrent.width

    def forward(self, batch: Batch) -> Features:
        h, lengths = batch.x, batch.lengths
        h = (h if self.mask is None else self.mask(h, lengths)).mT
        for layer in (self.first, self.second):
            h, lengths = layer(h, lengths, batch.weight)
        return self.recurrent(Batch(h.mT, lengths=lengths))


class StridedConv(nn.Module):
    """Convolution, normalisation, ReLU: h (B, C, T) -> (B, D, ceil(T / stride))."""

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
        """The output and its lengths (B,), for the weights (B,) of the samples."""
        if lengths is not None:
            h = h.masked_fill(~step_mask(lengths, h.shape[2])[:, None], 0.0)
            lengths = (lengths + self.stride - 1) // self.stride
        side = self.size // 2
        h = F.pad(h, (side, side))
        h = F.conv1d(h, self.conv.weight, stride=self.stride)
        real = None if lengths is None else step_mask(lengths, h.shape[2])[:, None]
        return F.relu(self.norm(h, step_weights(h, real, weight))), lengths
