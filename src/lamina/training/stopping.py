"""When to stop, and which epoch's network to keep."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from torch import nn

from lamina.kernels import private


@dataclass
class Stopping:
    """Watches a score, greater is better, epoch by epoch."""

    patience: int
    tolerance: float
    best: float = float("-inf")
    waited: int = field(default=0, init=False)

    def is_better(self, score: float) -> bool:
        """Whether this epoch is the one to keep: of equal ones, the latest."""
        better = score >= self.best
        # Progress is measured from the last real improvement, so that many small
        # steps add up to one.
        if score > self._reference + self.tolerance:
            self._reference, self.waited = score, 0
        else:
            self.waited += 1
        self.best = max(self.best, score)
        return better

    @property
    def is_over(self) -> bool:
        """Whether patience has run out."""
        return self.waited >= self.patience

    def __post_init__(self) -> None:
        self._reference = self.best


class Epoch(NamedTuple):
    """What one epoch ended with."""

    loss: float
    score: float | None
    """Of the validation samples; None without any."""
    is_best: bool
    """Whether its network is the one to keep."""


class Snapshot:
    """A copy of a model's state as it was after the best epoch, kept to go back to."""

    def __init__(self, model: nn.Module):
        # Training changes these tensors in place, and never puts others there.
        self.live = list(model.state_dict().values())
        self.kept = [tensor.clone() for tensor in self.live]
        self.n_epochs = 0

    def follow(self, epochs: Sequence[Epoch]) -> None:
        """Copy the model after the last epoch if it is the best and was not yet seen.

        An interrupted call can be repeated while the model is as it was.
        """
        if self.n_epochs < len(epochs):
            if epochs[-1].is_best:
                private.copy_all(self.kept, self.live)
            self.n_epochs = len(epochs)

    def restore(self) -> None:
        """Put the copied state back."""
        private.copy_all(self.live, self.kept)
