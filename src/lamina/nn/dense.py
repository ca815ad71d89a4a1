"""Dense layers: x (B, C) -> h (B, D)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from lamina.kernels.activations import ACTIVATIONS
from lamina.kernels.products import apply_linear
from lamina.nn.dropout import Dropout


class DenseLayers(nn.Module):
    """Linear layers with an activation and dropout after each: x (B, C) -> h (B, D)."""

    def __init__(self, widths: Sequence[int], activation: str, dropout: float):
        super().__init__()
        self.activation, self.dropout = activation, dropout
        linears = [nn.Linear(*w) for w in pairwise(widths)]
        for linear in linears:
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)
        # A ModuleList does not declare the type of its items.
        self.linears = cast("Sequence[nn.Linear]", nn.ModuleList(linears))
        self.drop = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        activate = ACTIVATIONS[self.activation].apply
        for linear in self.linears:
            x = activate(apply_linear(linear, x))
            # In the prediction of a single row even a call that does nothing is measurable.
            if self.training:
                x = self.drop(x)
        return x
