"""The training loop, the same for all architectures and tasks."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from lamina.exceptions import warn_of_data
from lamina.nn.model import Model
from lamina.seeding import Generators
from lamina.training import optimizers
from lamina.training.averaging import WeightAverage
from lamina.training.checkpoint import Checkpoint, TrainingState
from lamina.training.gradients import Gradients
from lamina.training.interrupts import Interrupts
from lamina.training.loader import Loader
from lamina.training.optimizers import Optimizer
from lamina.training.plan import ExecutionPlan
from lamina.training.progress import Clock, History, Losses
from lamina.training.schedules import SCHEDULES
from lamina.training.step import Step, TrainStep, fastest
from lamina.training.stopping import Epoch, Snapshot, Stopping

if TYPE_CHECKING:
    from lamina.training.params import TrainerParams

LARGEST_WEIGHT = 1e5
"""A fit has diverged if a weight is larger: products of some layers overflow."""


class Monitor(Protocol):
    """Is called at each epoch, and may end the fit."""

    def epoch_begins(self, training: "Training") -> None: ...

    def epoch_ends(self, training: "Training") -> bool:
        """Whether to stop."""
        ...


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
    stream: Generators
    """The random stream of the fit."""
    validate: Callable[[Model], float] | None = None
    selects: bool = False
    """Whether the network of the best epoch by `validate` is kept, and not the last."""
    stops: bool = True
    """Whether it ends where the loss, or the score, no longer improves."""
    schedule: str = "constant"
    averaging: float = 0.0
    """Epochs over which weights are averaged; 0 for none."""
    seconds: float | None = None
    """A limit of the time of the fit."""
    checkpoint: Checkpoint | None = None

    def __post_init__(self) -> None:
        self.history, self.kept = History(), Snapshot(self.model)
        patience = self.params.n_iter_no_change if self.stops else self.n_epochs
        self.stopping = Stopping(patience, self.params.tol)
        n_steps = self.n_epochs * self.loader.n_batches
        self.clock, self.losses = Clock(n_steps, self.seconds), Losses()
        self.average: WeightAverage | None = None
        if self.averaging:
            n_steps_averaged = self.averaging * self.loader.n_batches
            values = self.gradients.weights.values
            self.average = WeightAverage(values, n_steps_averaged)

    def run(self) -> History:
        """Train the model in place; it ends in evaluation mode."""
        with Interrupts() as interrupts:
            self._run(interrupts)
        # One that came after the last step is passed on as well.
        self.history.interrupted |= interrupts.is_pending
        return self.history

    def _run(self, interrupts: Interrupts) -> None:
        history, kept = self.history, self.kept
        try:
            with self.plan.active():
                self._epochs(self._step(), interrupts)
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

    @property
    def is_cut(self) -> bool:
        """Whether an interrupt left fewer epochs than were planned."""
        history = self.history
        return history.interrupted and len(history.epochs) < self.n_epochs

    def state(self) -> TrainingState:
        """What training continues from, after a step or an epoch."""
        return TrainingState(
            live=self.kept.live,
            kept=self.kept.kept,
            optimizer=self.optimizer.state(),
            gradients=self.gradients.state(),
            stream=self.stream.state(),
            place=self.loader.state(),
            losses=self.losses,
            clock=self.clock,
            history=self.history,
            stopping=self.stopping,
            selects=self.selects,
            average=None if self.average is None else self.average.state(),
        )

    def restore(self, state: TrainingState) -> None:
        """Continue from a state, before `run`."""
        self.history, self.stopping = state.history, state.stopping
        self.clock, self.selects = state.clock, state.selects
        self.losses = state.losses.to(self.plan.device)
        self.loader.restore(state.place, self.plan.device)
        self.stream.restore(state.stream)
        self.gradients.restore(state.gradients)
        optimizers.restore(self.optimizer, state.optimizer)
        self.kept.resume(state.live, state.kept, len(state.history.epochs))
        if self.average is not None and state.average is not None:
            self.average.restore(state.average)

    def _step(self) -> TrainStep:
        step = Step(self.gradients, self.optimizer, self.params.max_grad_norm)
        return fastest(step, self.model.body, self.plan.device, self.n_macs)

    def _epochs(self, step: TrainStep, interrupts: Interrupts) -> None:
        history, clock, stopping = self.history, self.clock, self.stopping
        for _ in range(len(history.epochs), self.n_epochs):
            self.monitor.epoch_begins(self)
            loss = self._epoch(step, interrupts)
            if not math.isfinite(loss) or not self._is_bounded():
                history.diverged = True
                break
            with nullcontext() if self.average is None else self.average.in_place():
                stop = self._epoch_ends(loss)
            if stop or stopping.is_over or clock.progress() >= 1:
                break
            self._save(epoch_ended=True)

    def _epoch_ends(self, loss: float) -> bool:
        """Record an epoch; returns whether a callback stops training."""
        history = self.history
        score = self._validation_score()
        value = self._stopping_value(loss, score, is_first=not history.epochs)
        is_best = self.stopping.is_better(value) or not self.selects
        # An interrupt leaves an epoch recorded completely or not at all.
        history.epochs.append(Epoch(loss, score, is_best))
        self.kept.follow(history.epochs)
        return self.monitor.epoch_ends(self)

    # What overflows makes the loss or a weight infinite or NaN, which ends the fit after the
    # epoch, whether a kernel computes by torch or by numpy, which warns where torch does not.
    @np.errstate(over="ignore", invalid="ignore")
    def _epoch(self, step: TrainStep, interrupts: Interrupts) -> float:
        """The rest of a pass over the samples; returns the mean loss of all of them."""
        if not self.model.training:  # the call visits all modules
            self.model.train()
        factor, clock, losses = SCHEDULES[self.schedule], self.clock, self.losses
        device, team = self.plan.device, self.plan.team
        for batch in self.loader:
            interrupts.check()
            progress = clock.progress()
            if progress >= 1 and losses.sizes:
                break
            rate = self.params.learning_rate_init * factor(progress)
            with team.step(batch.x.numel()):
                losses.add(step(batch.to(device), rate), len(batch))
            if self.average is not None:
                self.average.update()
            clock.step += 1
            self._save()
        self.losses = Losses()
        return losses.mean()

    def _save(self, *, epoch_ended: bool = False) -> None:
        if self.checkpoint is not None:
            self.checkpoint.save_if_due(self.state, epoch_ended=epoch_ended)

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
