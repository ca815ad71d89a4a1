"""When to stop, and which epoch's network to keep."""

from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass
class Stopping:
    """Watches a figure of merit, greater is better, epoch by epoch."""

    patience: int
    tolerance: float
    best: float = float("-inf")
    waited: int = field(default=0, init=False)

    def is_better(self, merit: float) -> bool:
        """Whether this epoch is the one to keep: of equal ones, the latest."""
        better = merit >= self.best
        # Progress is measured from the last real improvement, so that many small
        # steps add up to one.
        if merit > self._reference + self.tolerance:
            self._reference, self.waited = merit, 0
        else:
            self.waited += 1
        self.best = max(self.best, merit)
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
        self.state: dict[str, Tensor] = {}
        self.take(model)

    def take(self, model: nn.Module) -> None:
        """Remember the state as it is now."""
        for name, tensor in model.state_dict().items():
            if name in self.state:
                self.state[name].copy_(tensor)
            else:
                self.state[name] = tensor.clone()

    def restore(self, model: nn.Module) -> None:
        """Put the remembered state back."""
        model.load_state_dict(self.state)
