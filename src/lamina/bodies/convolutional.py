"""Convolutional network: filters extract local features, pooling reduces them.

Chosen here: a stem convolution, then stages of residual blocks (He et al. 2016) with
batch normalisation. The data is pooled by 2 before each stage, as ResNets do early on, for
most of the work lies where it is large; once a side is down to 4 it is left alone. Of
large pictures the stem makes ones of 32 to 63 pixels a side. Dropout takes whole channels.
Along a sequence padding is set to zero before each convolution and has no share in the
normalisation: a sample gives what it gives alone.

    series (B, T, C), tokens (B, T) or images (B, C, H, W) -> h (B, cells, D)
"""

from math import ceil, floor, log2
from typing import Annotated, Any, ClassVar

import torch
from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec
from lamina.bodies.base import Body
from lamina.kernels.activations import ACTIVATIONS
from lamina.nn.augmentation import AUGMENTATIONS
from lamina.nn.dropout import ChannelDropout
from lamina.nn.embedding import embedding
from lamina.nn.normalization import NORMALIZATIONS, step_weights
from lamina.nn.pooling import POOLINGS
from lamina.params import (
    Params,
    Use,
    at_least,
    boolean,
    fraction,
    odd,
    one_of,
    refuse_unused,
    sizes,
    sizes_of,
)
from lamina.ragged import step_mask

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d}
KERNEL_SIZES = {1: 7, 2: 3}
SMALL = 4
"""A side that is not longer than this is not pooled."""
SEEN = 32
"""The stem strides over large pictures: at least so many places a side are left."""


class ConvolutionalParams(Params, use=Use.FROZEN):
    """What a convolutional network is made of."""

    n_filters: Annotated[
        tuple[int, ...],
        sizes(),
        "Filters of each stage; before each the data is pooled.",
    ] = (32, 64, 128)
    kernel_size: Annotated[
        int | str,
        odd(),
        one_of("auto"),
        """Steps, or pixels along each side, that a filter covers; "auto" is 3 for
        images and 7 for sequences. Of images of 64 and more pixels a side the first
        convolution takes every second (from 128 on every fourth, ...) place, with
        filters that overlap.""",
    ] = "auto"
    n_blocks: Annotated[int, at_least(1), "Blocks of two convolutions a stage."] = 1
    residual: Annotated[
        bool, boolean(), "Add the input of each block to its output."
    ] = True
    pooling: Annotated[
        str, one_of(*POOLINGS), "How the data is reduced by 2 before a stage."
    ] = "max"
    normalization: Annotated[
        str, one_of(*NORMALIZATIONS), "Normalisation after each convolution."
    ] = "batch"
    activation: Annotated[
        str, one_of(*ACTIVATIONS), "Activation after each normalisation."
    ] = "relu"
    dropout: Annotated[
        float, fraction(), "Share of channels dropped after each block in training."
    ] = 0.1
    augmentation: Annotated[
        str,
        one_of(*AUGMENTATIONS),
        """How pictures vary from epoch to epoch: "shift" moves each at random by up to
        an eighth of its sides, and "shift_flip" also exchanges left and right in one
        of two, for pictures that mean the same then; digits and letters do not. Pictures
        only, and only in training.""",
    ] = "none"


class ConvolutionalBody(Body):
    """(B, T, C), (B, T) or (B, C, H, W) -> h (B, cells, D)."""

    forms: ClassVar = ("series", "text", "audio", "image")
    default_steps: ClassVar = 2_500
    has_static_steps: ClassVar = True

    def __init__(self, spec: Spec, params: ConvolutionalParams):
        super().__init__(spec, params)
        if spec.causal:
            raise NotImplementedError("A convolutional body looks both ways.")
        self.pool = POOLINGS[params.pooling]
        # Decided once, and not for each batch: a sample must not depend on the others.
        side = round(spec.max_length ** (1 / spec.n_space))
        stride = 1 if spec.n_space == 1 else 2 ** max(0, floor(log2(side / SEEN)))
        self.n_pooled = max(0, ceil(log2(side / stride / SMALL)))
        self.is_sequence = spec.n_space == 1
        if self.is_sequence and params.augmentation != "none":
            refuse_unused(params, "augmentation", "input other than pictures")
        self.augment = AUGMENTATIONS[params.augmentation]()
        widths = sizes_of(params.n_filters)
        kernel = params.kernel_size
        size = KERNEL_SIZES[spec.n_space] if kernel == "auto" else int(kernel)
        conv = (CONVOLUTIONS[spec.n_space], size)
        self.embed: Any = None
        n_inputs = spec.n_channels
        if spec.n_tokens:
            self.embed = embedding(spec, widths[0])
            n_inputs = self.embed.embedding_dim
        stem = (conv[0], max(size, 2 * stride + 1))
        self.stem = Convolution(n_inputs, widths[0], stem, params, stride)
        self.stages = nn.ModuleList()
        for n_in, n_out in zip([widths[0], *widths], widths, strict=False):
            self.stages.append(Stage(n_in, n_out, conv, params))
        self.width = widths[-1]

    def forward(self, batch: Batch) -> Features:
        h, lengths = self._inputs(batch), batch.lengths
        real = _mask(h, lengths)
        h = self.stem(h, real, batch.weight)
        for i, stage in enumerate(self.stages):
            if i < self.n_pooled:
                h, lengths = self._reduce(h, lengths)
                real = _mask(h, lengths)
            h = stage(h, real, batch.weight)
        grid = None if self.is_sequence else (h.shape[2], h.shape[3])
        return Features(h.flatten(2).mT, lengths, grid=grid)

    def _reduce(
        self, h: Tensor, lengths: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        n_steps = h.shape[2]
        h = self.pool(h, _mask(h, lengths))
        if lengths is not None and h.shape[2] < n_steps:
            lengths = (lengths + 1) // 2
        return h, lengths

    def _inputs(self, batch: Batch) -> Tensor:
        x = batch.x if self.embed is None else self.embed(*batch.inputs())
        if self.is_sequence:
            return x.mT
        return self.augment(x.contiguous(memory_format=torch.channels_last))


class Convolution(nn.Module):
    """Convolution, normalisation, activation: h (B, C, ...) -> (B, D, ...)."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        conv: tuple,
        params: ConvolutionalParams,
        stride: int = 1,
    ):
        super().__init__()
        make, size = conv
        bias = params.normalization == "none"
        self.conv = make(n_in, n_out, size, stride, padding=size // 2, bias=bias)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        self.norm = NORMALIZATIONS[params.normalization](n_out)
        self.activation = ACTIVATIONS[params.activation].module()

    def forward(self, h: Tensor, real: Tensor | None, weight: Tensor | None) -> Tensor:
        return self.activation(self.linear(h, real, weight))

    def linear(self, h: Tensor, real: Tensor | None, weight: Tensor | None) -> Tensor:
        """The output before the activation."""
        h = self.conv(h if real is None else h.masked_fill(~real, 0.0))
        return self.norm(h, step_weights(h, real, weight))


class Stage(nn.Module):
    """Blocks of one width: h (B, C, ...) -> (B, D, ...)."""

    def __init__(self, n_in: int, n_out: int, conv: tuple, params: ConvolutionalParams):
        super().__init__()
        ins = [n_in] + [n_out] * (params.n_blocks - 1)
        self.blocks = nn.ModuleList(Block(i, n_out, conv, params) for i in ins)

    def forward(self, h: Tensor, real: Tensor | None, weight: Tensor | None) -> Tensor:
        for block in self.blocks:
            h = block(h, real, weight)
        return h


class Block(nn.Module):
    """Two convolutions around which the input may pass: h (B, C, ...) -> (B, D, ...)."""

    def __init__(self, n_in: int, n_out: int, conv: tuple, params: ConvolutionalParams):
        super().__init__()
        self.first = Convolution(n_in, n_out, conv, params)
        self.second = Convolution(n_out, n_out, conv, params)
        self.residual = params.residual
        self.skip = (
            conv[0](n_in, n_out, 1)
            if params.residual and n_in != n_out
            else nn.Identity()
        )
        self.drop = ChannelDropout(params.dropout)

    def forward(self, h: Tensor, real: Tensor | None, weight: Tensor | None) -> Tensor:
        inner = self.second.linear(self.first(h, real, weight), real, weight)
        if self.residual:
            inner = inner + self.skip(h)
        return self.drop(self.second.activation(inner))


def _mask(h: Tensor, lengths: Tensor | None) -> Tensor | None:
    """(B, 1, T), True at the real steps of h (B, C, T); None where all are real."""
    return None if lengths is None else step_mask(lengths, h.shape[2])[:, None]
