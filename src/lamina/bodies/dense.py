"""Dense network: each unit is connected to all features of the layer below.

Chosen here: an embedding for each column with many categories (width 8, as RealMLP), another
for the bag of n-grams of a text (`nn/bags.py`), the initialisation of Glorot & Bengio (2010)
as in scikit-learn's MLP, dropout after each layer (Srivastava et al. 2014).

    x (B, C), codes (B, K) and bags of B texts -> h (B, 1, D)
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec
from lamina.kernels.activations import ActivationName
from lamina.kernels.dense import DenseKernel
from lamina.nn.bags import WIDTH, BagEmbedding
from lamina.nn.body import KernelBody
from lamina.nn.dense import DenseLayers
from lamina.nn.heads import PooledHead
from lamina.params import Params, Use, fraction, sizes, sizes_of

EMBEDDING_WIDTH = 8


class DenseParams(Params, use=Use.FROZEN):
    """The architecture of a dense network."""

    hidden_layer_sizes: Annotated[
        int | Sequence[int], sizes(), "Width of each hidden layer."
    ] = (256, 256)
    activation: Annotated[ActivationName, "Activation of the hidden layers."] = "relu"
    dropout: Annotated[
        float, fraction(), "Fraction of hidden units dropped at each training step."
    ] = 0.2


class DenseBody(KernelBody):
    """x (B, C) -> h (B, 1, D)."""

    forms: ClassVar = ("table", "text")
    default_steps: ClassVar = 2_500
    steps_of_form: ClassVar = {"text": 500}
    is_reentrant: ClassVar = True
    has_static_steps: ClassVar = True

    def __init__(self, spec: Spec, params: DenseParams):
        super().__init__(spec, params)
        self.embeddings = nn.ModuleList(
            nn.Embedding(n, EMBEDDING_WIDTH, padding_idx=0) for n in spec.n_categories
        )
        n_inputs = spec.n_channels + EMBEDDING_WIDTH * len(self.embeddings)
        if spec.n_ngrams:
            self.embeddings.append(BagEmbedding(spec))
            n_inputs += WIDTH
        widths = [n_inputs, *sizes_of(params.hidden_layer_sizes)]
        self.width = widths[-1]
        self.layers = DenseLayers(widths, params.activation, params.dropout)

    def forward(self, batch: Batch) -> Features:
        return Features(self.layers(self.inputs(batch)).unsqueeze(1))

    def inputs(self, batch: Batch) -> Tensor:
        """X (B, C), the embeddings of each coded column and of the bags, side by side."""
        columns = [] if batch.codes is None else [*batch.codes.T]
        columns += [] if batch.bags is None else [batch.bags]
        if not columns:
            return batch.x
        embedded = [e(c) for e, c in zip(self.embeddings, columns, strict=True)]
        return torch.cat([batch.x, *embedded], 1)

    def kernel(self, head: nn.Module, dtype: torch.dtype) -> DenseKernel | None:
        """The kernel from `inputs` to the output of a pooled head; None for any other."""
        if not isinstance(head, PooledHead):
            return None
        layers = self.layers
        linears = [*layers.linears, head.out]
        return DenseKernel(linears, layers.activation, layers.dropout, dtype)
