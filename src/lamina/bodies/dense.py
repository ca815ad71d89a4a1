"""Dense network: every unit sees every feature of the layer below.

Chosen here: an embedding for each category with many values (width 8, as RealMLP), the
initialisation of Glorot & Bengio (2010) as in scikit-learn's MLP, dropout after each layer
(Srivastava et al. 2014).

    x (B, C) and codes (B, K) -> h (B, 1, D)
"""

from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec
from lamina.bodies.base import KernelBody
from lamina.kernels.activations import ACTIVATIONS
from lamina.kernels.dense import DenseKernel
from lamina.nn.dense import DenseLayers
from lamina.nn.heads import PooledHead
from lamina.params import Params, Use, fraction, one_of, sizes, sizes_of

EMBEDDING_WIDTH = 8


class DenseParams(Params, use=Use.FROZEN):
    """What a dense network is made of."""

    hidden_layer_sizes: Annotated[
        tuple[int, ...], sizes(), "Width of each hidden layer."
    ] = (256, 256)
    activation: Annotated[
        str, one_of(*ACTIVATIONS), "Activation of the hidden layers."
    ] = "relu"
    dropout: Annotated[
        float, fraction(), "Share of hidden units dropped at each training step."
    ] = 0.2


class DenseBody(KernelBody):
    """x (B, C) -> h (B, 1, D)."""

    forms: ClassVar = ("table",)
    default_steps: ClassVar = 2_500
    has_static_steps: ClassVar = True

    def __init__(self, spec: Spec, params: DenseParams):
        super().__init__(spec, params)
        self.embeddings = nn.ModuleList(
            nn.Embedding(n, EMBEDDING_WIDTH, padding_idx=0) for n in spec.n_categories
        )
        n_inputs = spec.n_channels + EMBEDDING_WIDTH * len(self.embeddings)
        widths = [n_inputs, *sizes_of(params.hidden_layer_sizes)]
        self.width = widths[-1]
        self.layers = DenseLayers(widths, params.activation, params.dropout)

    def forward(self, batch: Batch) -> Features:
        return Features(self.layers(self.inputs(batch)).unsqueeze(1))

    def inputs(self, batch: Batch) -> Tensor:
        """(B, C) numbers and (B, 8) for each embedded category, side by side."""
        if batch.codes is None:
            return batch.x
        embedded = [e(c) for e, c in zip(self.embeddings, batch.codes.T, strict=True)]
        return torch.cat([batch.x, *embedded], 1)

    def kernel(self, head: nn.Module, dtype: torch.dtype) -> DenseKernel | None:
        """Both passes from `inputs` to the output of a pooled head, written out."""
        if not isinstance(head, PooledHead):
            return None
        layers = self.layers
        linears = [*layers.linears, head.out]
        return DenseKernel(linears, layers.activation, layers.dropout, dtype)
