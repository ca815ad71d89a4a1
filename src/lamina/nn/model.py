"""A network: a body that turns a batch into features, and a head that reads them."""

from typing import Any, Generic, Self, TypeVar

from torch import nn

from lamina.batch import Batch
from lamina.nn.body import Body

Head = TypeVar("Head", bound=nn.Module)
"""The class of the heads of a task."""


class Model(nn.Module, Generic[Head]):
    """`body(batch) -> Features`, `head(features) -> output`."""

    body: Body
    head: Head

    def __init__(self, body: Body, head: Head):
        super().__init__()
        self.body, self.head = body, head
        # Stored because each prediction reads it, and counting visits all modules. The
        # embeddings of n-grams are added, and take no products.
        added = {m.weight for m in self.modules() if isinstance(m, nn.EmbeddingBag)}
        multiplied = [p for p in self.parameters() if p.ndim > 1 and p not in added]
        self.n_weights: int = sum(p.numel() for p in multiplied) * body.n_members

    def forward(self, batch: Batch) -> Any:
        return self.head(self.body(batch))

    def train(self, mode: bool = True) -> Self:
        """Switch to training or evaluation; a frozen body stays in evaluation.

        Its statistics of normalisation change in training, and its features are dropped.
        """
        super().train(mode)
        parameters = list(self.body.parameters())
        if parameters and not any(p.requires_grad for p in parameters):
            self.body.eval()
        return self

    def n_parameters(self) -> int:
        """The number of trainable values."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad)
