"""Early stopping, and the network of the best epoch."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from lamina.kernels import private
from lamina.state import Stored


@dataclass
class Stopping(Stored):
    """Decides by a score of each epoch, greater is better, when to stop."""

    patience: int
    tolerance: float
    best: float = float("-inf")
    waited: int = field(default=0, init=False)

    def is_better(self, score: float) -> bool:
        """Whether this epoch is the best so far; of equal ones, the latest is."""
        better = score >= self.best
        # Compared with the last score that improved by more than the tolerance, so that
        # small improvements add up.
        if score > self._reference + self.tolerance:
            self._reference, self.waited = score, 0
        else:
            self.waited += 1
        self.best = max(self.best, score)
        return better

    @property
    def is_over(self) -> bool:
        """Whether there was no improvement for `patience` epochs."""
        return self.waited >= self.patience

    def __post_init__(self) -> None:
        self._reference = self.best


@dataclass(frozen=True)
class Epoch(Stored):
    """The result of one epoch."""

    loss: float
    score: float | None
    """Score of the validation samples; None without any."""
    is_best: bool
    """Whether its network is the best so far."""


@dataclass(frozen=True)
class Choice(Stored):
    """What held-out samples determine of a fit on all samples."""

    n_epochs: int
    scores: list[float]
    """Their score after each epoch."""
    temperature: float = 1.0
    """By which logits are divided."""


class Snapshot:
    """A copy of a model's state after its best epoch."""

    def __init__(self, model: nn.Module):
        # Training changes these tensors in place and never replaces them.
        self.live = list(model.state_dict().values())
        self.kept = [tensor.clone() for tensor in self.live]
        self.n_epochs = 0

    def follow(self, epochs: Sequence[Epoch]) -> None:
        """Copy the model after the last epoch if it is the best and was not yet copied.

        An interrupted call can be repeated as long as the model has not changed.
        """
        if self.n_epochs < len(epochs):
            if epochs[-1].is_best:
                private.copy_all(self.kept, self.live)
            self.n_epochs = len(epochs)

    def restore(self) -> None:
        """Restore the copied state."""
        private.copy_all(self.live, self.kept)

    def resume(self, live: list[Tensor], kept: list[Tensor], n_epochs: int) -> None:
        """Restore the state of a model after a step, and the one copied by then."""
        private.copy_all(self.live, live)
        private.copy_all(self.kept, kept)
        self.n_epochs = n_epochs
