"""The one training loop. It knows models, batches and tasks; no architecture and no task."""

import math
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lamina.exceptions import InterruptedWarning
from lamina.nn.model import Model
from lamina.tasks.base import Task
from lamina.training.loader import Loader
from lamina.training.precision import arithmetic
from lamina.training.schedules import SCHEDULES
from lamina.training.stopping import Snapshot, Stopping


class Monitor(Protocol):
    """Is told of every epoch and may end the fit."""

    def epoch_begins(self, model: Model) -> None: ...

    def epoch_ends(self, model: Model, history: "History") -> bool: ...


@dataclass
class History:
    """What happened, epoch by epoch."""

    loss_curve: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    diverged: bool = False


@dataclass
class Clock:
    """How far the fit is, in steps or in time, whichever is further."""

    n_steps: int
    seconds: float | None
    step: int = 0

    def __post_init__(self) -> None:
        self._start = time.perf_counter()

    def done(self) -> float:
        """The share of the fit that lies behind, from 0 to 1."""
        share = self.step / self.n_steps
        if self.seconds is not None:
            share = max(share, (time.perf_counter() - self._start) / self.seconds)
        return min(share, 1.0)


@dataclass
class Training:
    """Everything that one fit of a network needs."""

    model: Model
    task: Task
    loader: Loader
    optimizer: Optimizer
    params: Any
    n_epochs: int
    monitor: Monitor
    device: torch.device
    validate: Callable[[Model], float] | None = None
    schedule: str = "constant"

    def run(self) -> History:
        """Train the model in place; it ends in evaluation mode."""
        history = History()
        clock = Clock(self.n_epochs * self.loader.n_batches, self.params.max_time)
        stopping = Stopping(self.params.n_iter_no_change, self.params.tol)
        kept = Snapshot(self.model)
        context = arithmetic(self.model, self.device, self.params.precision)
        try:
            for _ in range(self.n_epochs):
                self.monitor.epoch_begins(self.model)
                loss = self._epoch(clock, context)
                if not math.isfinite(loss):
                    history.diverged = True
                    break
                history.loss_curve.append(loss)
                if stopping.is_better(self._merit(history)) or not self._selects:
                    kept.take(self.model)
                ended = self.monitor.epoch_ends(self.model, history)
                if ended or stopping.is_over or clock.done() >= 1:
                    break
        except KeyboardInterrupt:
            if not history.loss_curve:
                raise
            warnings.warn(
                f"Training was interrupted after {len(history.loss_curve)} epochs.",
                InterruptedWarning,
                stacklevel=2,
            )
        kept.restore(self.model)
        self.model.eval()
        return history

    def _epoch(self, clock: Clock, context: Callable[[], Any]) -> float:
        """One pass over the samples; returns the mean loss per sample."""
        self.model.train()
        factor = SCHEDULES[self.schedule]
        total = torch.zeros((), device=self.device)
        n_seen = 0
        for batch in self.loader:
            done = clock.done()
            if done >= 1 and n_seen:
                break
            for group in self.optimizer.param_groups:
                group["lr"] = self.params.learning_rate_init * factor(done)
            loss = self._step(batch.to(self.device), context)
            total += loss * len(batch)
            n_seen += len(batch)
            clock.step += 1
        return (total / n_seen).item()

    def _step(
        self, batch: Any, context: Callable[[], AbstractContextManager]
    ) -> Tensor:
        with context():
            loss = self.task.loss(self.model, batch)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.params.max_grad_norm is not None:
            nn.utils.clip_grad_norm_(
                self.model.parameters(), self.params.max_grad_norm, foreach=True
            )
        self.optimizer.step()
        return loss.detach()

    @property
    def _selects(self) -> bool:
        """Whether the best epoch is kept, and not the last."""
        return self.validate is not None and self.params.early_stopping

    def _merit(self, history: History) -> float:
        if self.validate is not None:
            self.model.eval()
            history.validation_scores.append(self.validate(self.model))
        if self._selects:
            return history.validation_scores[-1]
        return -history.loss_curve[-1]
