"""The training loop, the same for all architectures and tasks."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import torch

from lamina.exceptions import warn_of_data
from lamina.nn.model import Model
from lamina.training.gradients import Gradients
from lamina.training.loader import Loader
from lamina.training.optimizers import Optimizer
from lamina.training.plan import ExecutionPlan
from lamina.training.schedules import SCHEDULES
from lamina.training.step import Step, TrainStep, fastest
from lamina.training.stopping import Epoch, Snapshot, Stopping

if TYPE_CHECKING:
    from lamina.training.params import TrainerParams

START_UP = 0.02
"""Fraction of a time limit that is not counted: start-up time."""

LARGEST_WEIGHT = 1e5
"""A fit has diverged if a weight is larger: products of some layers overflow."""


class Monitor(Protocol):
    """Is called at each epoch, and may end the fit."""

    def epoch_begins(self, model: Model) -> None: ...

    def epoch_ends(self, model: Model, history: "History") -> bool:
        """Whether to stop."""
        ...


@dataclass
class History:
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
class Clock:
    """The progress of a fit, in steps or in time, whichever is further.

    Elapsed time must not affect the result unless the limit is near, so that a fit under
    a limit can be repeated: it counts from `START_UP` on.
    """

    n_steps: int
    seconds: float | None
    step: int = 0

    def __post_init__(self) -> None:
        self._start = time.perf_counter()

    def progress(self) -> float:
        """From 0 to 1."""
        progress = self.step / self.n_steps
        if self.seconds is not None:
            elapsed = (time.perf_counter() - self._start) / self.seconds
            progress = max(progress, (elapsed - START_UP) / (1 - START_UP))
        return min(progress, 1.0)


@dataclass
class Training:
    """One fit of a network."""

    model: Model
    loader: Loader
    gradients: Gradients
    optimizer: Optimizer
    plan: ExecutionPlan
    params: "TrainerParams"
    n_epochs: int
    monitor: Monitor
    n_macs: float
    """Multiply-accumulates of a forward pass over a batch, approximately."""
    validate: Callable[[Model], float] | None = None
    schedule: str = "constant"

    def __post_init__(self) -> None:
        # Whether the network of the best epoch is kept, and not that of the last.
        self.selects = self.validate is not None and self.params.early_stopping

    def run(self) -> History:
        """Train the model in place; it ends in evaluation mode."""
        history = History()
        kept = Snapshot(self.model)
        try:
            with self.plan.active():
                self._epochs(self._step(), history, kept)
        except KeyboardInterrupt:
            if not history.epochs:
                raise
            history.interrupted = True
            # Nothing was trained between the record of an epoch and its snapshot.
            kept.follow(history.epochs)
        kept.restore()
        self.gradients.end()
        if self.plan.device.type == "cpu":
            self.plan.team.warn_if_slowed()
        self.model.eval()
        return history

    def _step(self) -> TrainStep:
        step = Step(self.gradients, self.optimizer, self.params.max_grad_norm)
        return fastest(step, self.model.body, self.plan.device, self.n_macs)

    def _epochs(self, step: TrainStep, history: History, kept: Snapshot) -> None:
        clock = Clock(self.n_epochs * self.loader.n_batches, self.params.max_time)
        stopping = Stopping(self.params.n_iter_no_change, self.params.tol)
        for _ in range(self.n_epochs):
            self.monitor.epoch_begins(self.model)
            loss = self._epoch(clock, step)
            if not math.isfinite(loss) or not self._is_bounded():
                history.diverged = True
                break
            score = self._validation_score()
            value = self._stopping_value(loss, score, is_first=not history.epochs)
            is_best = stopping.is_better(value) or not self.selects
            # An interrupt leaves an epoch recorded completely or not at all.
            history.epochs.append(Epoch(loss, score, is_best))
            kept.follow(history.epochs)
            stop = self.monitor.epoch_ends(self.model, history)
            if stop or stopping.is_over or clock.progress() >= 1:
                break

    def _epoch(self, clock: Clock, step: TrainStep) -> float:
        """One pass over the samples; returns the mean loss per sample."""
        if not self.model.training:  # the call visits all modules
            self.model.train()
        factor = SCHEDULES[self.schedule]
        losses, sizes = [], []
        device, team = self.plan.device, self.plan.team
        for batch in self.loader:
            progress = clock.progress()
            if progress >= 1 and losses:
                break
            rate = self.params.learning_rate_init * factor(progress)
            with team.step(batch.x.numel()):
                losses.append(step(batch.to(device), rate))
            sizes.append(len(batch))
            clock.step += 1
        # One read an epoch: each read waits for the device.
        mean = torch.stack(losses) @ torch.tensor(sizes, device=device).float()
        return (mean / sum(sizes)).item()

    def _is_bounded(self) -> bool:
        """Whether no weight is too large; the losses were computed before each step."""
        largest = [
            torch.linalg.vector_norm(values, math.inf)
            for values in self.gradients.weights.values
        ]
        return bool((torch.stack(largest) <= LARGEST_WEIGHT).all())

    def _validation_score(self) -> float | None:
        if self.validate is None:
            return None
        self.model.eval()
        return self.validate(self.model)

    def _stopping_value(
        self, loss: float, score: float | None, *, is_first: bool
    ) -> float:
        """The value that `Stopping` compares, greater is better."""
        if self.selects and score is not None and is_first:
            self._refuse_nan(score)
        if not self.selects or score is None:
            return -loss
        return -math.inf if math.isnan(score) else score

    def _refuse_nan(self, score: float) -> None:
        """Select by the loss if the score is NaN, by which no epoch would be the best."""
        if math.isnan(score):
            warn_of_data(
                "The score of the validation samples is NaN, as R^2 of a single sample is; "
                "training stops by its loss instead. Pass more samples, or scoring=."
            )
            self.selects = False
