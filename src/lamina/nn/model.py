"""A network: a body that turns a batch into features, and a head that reads them."""

from typing import Any

from torch import nn

from lamina.batch import Batch


class Model(nn.Module):
    """`body(batch) -> Features`, `head(features) -> output`."""

    # A task knows what its own head can be asked.
    body: Any
    head: Any

    def __init__(self, body: nn.Module, head: nn.Module):
        super().__init__()
        self.body, self.head = body, head
        # Asked for at each prediction, where a walk through the modules would be felt.
        self.n_weights: int = sum(p.numel() for p in self.parameters() if p.ndim > 1)

    def forward(self, batch: Batch) -> Any:
        return self.head(self.body(batch))

    def n_parameters(self) -> int:
        """Trainable numbers."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)
