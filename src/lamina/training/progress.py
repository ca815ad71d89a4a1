"""How far a fit has come: its clock, its epochs, and the losses of the current one."""

import math
import time
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from lamina.state import Stored
from lamina.training.stopping import Epoch

START_UP = 0.02
"""Fraction of a time limit that is not counted: start-up time."""


@dataclass
class History(Stored):
    """The results of each epoch, and how the fit ended."""

    epochs: list[Epoch] = field(default_factory=list)
    diverged: bool = False
    interrupted: bool = False
    """Whether the keyboard interrupted the fit after the last epoch."""

    @property
    def loss_curve(self) -> list[float]:
        """The loss of each epoch."""
        return [epoch.loss for epoch in self.epochs]

    @property
    def validation_scores(self) -> list[float]:
        """The score of each epoch, empty without validation samples."""
        return [epoch.score for epoch in self.epochs if epoch.score is not None]


@dataclass
class Clock(Stored):
    """The progress of a fit, in steps or in time, whichever is further.

    Elapsed time must not affect the result unless the limit is near, so that a fit under
    a limit can be repeated: it counts from `START_UP` on. A resumed fit counts the seconds
    before as well.
    """

    n_steps: int
    seconds: float | None
    step: int = 0

    def __post_init__(self) -> None:
        self._start = time.perf_counter()

    def to_state(self) -> dict[str, Any]:
        return {**vars(self), "_start": None, "elapsed": self.elapsed()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        clock = cls(state["n_steps"], state["seconds"], state["step"])
        clock._start -= state["elapsed"]
        return clock

    def progress(self) -> float:
        """From 0 to 1."""
        progress = self.step / self.n_steps
        if self.seconds is not None:
            elapsed = self.elapsed() / self.seconds
            progress = max(progress, (elapsed - START_UP) / (1 - START_UP))
        return min(progress, 1.0)

    def elapsed(self) -> float:
        """Seconds since the fit began."""
        return time.perf_counter() - self._start

    def seconds_left(self) -> float:
        """Seconds until the fit ends at the latest; infinite before the first step."""
        elapsed = self.elapsed()
        left = elapsed * (self.n_steps / self.step - 1) if self.step else math.inf
        if self.seconds is not None:
            left = min(left, self.seconds - elapsed)
        return max(left, 0.0)


@dataclass
class Losses(Stored):
    """The loss and the size of each batch of an epoch so far."""

    values: list[Tensor] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    def add(self, loss: Tensor, size: int) -> None:
        """Record a batch."""
        self.values.append(loss)
        self.sizes.append(size)

    def mean(self) -> float:
        """The mean loss of the samples."""
        # One read an epoch: each read waits for the device.
        values = torch.stack(self.values)
        sizes = torch.tensor(self.sizes, device=values.device).float()
        return (values @ sizes / sum(self.sizes)).item()

    def to_state(self) -> dict[str, Any]:
        values = torch.stack(self.values) if self.values else None
        return {"values": values, "sizes": self.sizes}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        values = state["values"]
        return cls([] if values is None else list(values.unbind()), state["sizes"])

    def to(self, device: torch.device) -> "Losses":
        """The same on a device."""
        return Losses([value.to(device) for value in self.values], list(self.sizes))
