"""Dense network: each unit is connected to all features of the layer below.

Chosen here: piecewise linear embeddings of numbers (Gorishniy et al. 2022), an embedding for
each column with many categories (width 8, as RealMLP), another for the bag of n-grams of a
text (`nn/bags.py`), members that share the layers (TabM, Gorishniy et al. 2025), the
initialisation of Glorot & Bengio (2010) as in scikit-learn's MLP, dropout after each layer
(Srivastava et al. 2014). Members that share only the layers, and not factors of each layer
(BatchEnsemble), are as accurate in two thirds of the time.

    x (B, C), codes (B, K) and bags of B texts -> h (B, M, D)
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec
from lamina.kernels.activations import ActivationName
from lamina.kernels.dense import DenseKernel
from lamina.kernels.members import MembersKernel
from lamina.nn.body import OF_TEXTS, Defaults, KernelBody
from lamina.nn.columns import ColumnEmbeddings
from lamina.nn.dense import DenseLayers
from lamina.nn.heads import MembersHead, PooledHead
from lamina.nn.members import MemberInputs
from lamina.params import Params, Use, at_least, fraction, sizes, sizes_of


class DenseParams(Params, use=Use.FROZEN):
    """The architecture of a dense network."""

    hidden_layer_sizes: Annotated[
        int | Sequence[int], sizes(), "Width of each hidden layer."
    ] = (128, 128)
    activation: Annotated[ActivationName, "Activation of the hidden layers."] = "relu"
    dropout: Annotated[
        float, fraction(), "Fraction of hidden units dropped at each training step."
    ] = 0.1
    n_members: Annotated[
        int,
        at_least(1),
        """Networks that are trained together, share the hidden layers, and whose predictions
        are averaged: the probabilities of classifiers, the values of regressors.""",
    ] = 8
    linear_path: Annotated[
        Literal["auto", "linear", "none"],
        """"linear" adds to the outputs of the layers those of a linear model of the columns of
        a table, which `fit` computes before it trains: ridge regression, and of classes
        logistic regression of its scores. It needs `loss="squared_error"` or "cross_entropy",
        20 rows, and at most 4,000 numbers and one-hot categories. "auto" does so where it can
        and the columns are collinear, as the points of spectra are: where their effective
        rank (Roy & Vetterli 2007) is below a tenth of their number.""",
    ] = "auto"


class DenseBody(KernelBody):
    """x (B, C) -> h (B, M, D)."""

    forms: ClassVar = ("table", "text")
    default_steps: ClassVar = 5_000
    defaults_of_form: ClassVar = {
        "table": Defaults(5_000, "constant", averaging=3.0, chooses_epochs=True),
        "text": replace(OF_TEXTS, min_epochs=10),
    }
    smallest_batch: ClassVar = 32
    largest_batch: ClassVar = 256
    n_batches: ClassVar = 20
    is_reentrant: ClassVar = True
    has_static_steps: ClassVar = True

    def __init__(self, spec: Spec, params: DenseParams):
        super().__init__(spec, params)
        self.embeddings = ColumnEmbeddings(spec)
        widths = [self.embeddings.width, *sizes_of(params.hidden_layer_sizes)]
        self.width, self.n_members = widths[-1], int(params.n_members)
        self.members: MemberInputs | None = None
        if self.n_members > 1:
            self.members = MemberInputs(self.n_members, widths[0])
        self.layers = DenseLayers(widths, params.activation, params.dropout)

    def forward(self, batch: Batch) -> Features:
        return self.features(self.inputs(batch), batch.x)

    def features(self, x: Tensor, numbers: Tensor | None = None) -> Features:
        """The features (B, M, D) of `inputs`, beside the numbers (B, C) of the batch."""
        if self.members is None:
            return Features(self.layers(x).unsqueeze(1), x=numbers)
        return Features(self.layers(self.members(x)).transpose(0, 1), x=numbers)

    def inputs(self, batch: Batch) -> Tensor:
        """X (B, C) with the embeddings of numbers, categories and bags."""
        return self.embeddings(batch)

    def kernel(
        self, head: nn.Module, dtype: torch.dtype
    ) -> DenseKernel | MembersKernel | None:
        """The kernel from `inputs` to the output of a pooled head; None for any other."""
        layers = self.layers
        settings = layers.activation, layers.dropout, dtype
        if self.members is None and isinstance(head, PooledHead):
            return DenseKernel([*layers.linears, head.out], *settings)
        if self.members is None or not isinstance(head, MembersHead):
            return None
        if not len(layers.linears):
            return None
        dense = DenseKernel(layers.linears, *settings, activates_last=True)
        return MembersKernel(self.members, dense, head.out)
