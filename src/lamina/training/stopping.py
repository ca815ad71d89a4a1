"""When to stop, and which epoch's network to keep."""

from dataclasses import dataclass, field

from torch import nn

from lamina.training.optimizers import fused


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


class Snapshot:
    """A copy of a model's state, kept to go back to."""

    def __init__(self, model: nn.Module):
        # Training changes these tensors in place, and never puts others there.
        self.live = list(model.state_dict().values())
        self.kept = [tensor.clone() for tensor in self.live]

    def take(self) -> None:
        """Remember the state as it is now."""
        fused._foreach_copy_(self.kept, self.live)

    def restore(self) -> None:
        """Put the remembered state back."""
        fused._foreach_copy_(self.live, self.kept)
