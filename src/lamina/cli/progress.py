"""The progress of a fit: epoch, loss, score and the time that is left."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

SECONDS = 5.0
"""The least time between two lines where the output is not a terminal."""


class EpochProgress:
    """A callback of scikit-learn that shows each epoch on the standard error.

    The epochs of a search for their number are not passed to callbacks: until the first
    epoch after it, the elapsed time is shown.
    """

    def __init__(self, console: Console, max_time: float | None):
        self.console, self.max_time = console, max_time
        self.bar: Progress | None = None

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin to show progress."""
        del estimator, context
        self.start = self.shown = time.monotonic()
        self.first: float | None = None
        if self.console.is_terminal:
            self.bar = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                console=self.console,
                transient=True,
            )
            self.row = self.bar.add_task("training begins", total=None)
            self.bar.start()

    def on_fit_task_begin(self, estimator: Any, context: Any) -> None:
        """Count the epochs that the fit may take."""
        del estimator
        if context.parent is None:
            self.n_epochs = context.max_subtasks or 0
        elif self.first is None:
            self.first = time.monotonic()

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None
    ) -> None:
        """Show an epoch."""
        del estimator
        if context.parent is None or fitted_estimator is None:
            return
        now, epoch = time.monotonic(), context.task_id + 1
        line = self._line(fitted_estimator, epoch, now)
        if self.bar is not None:
            self.bar.update(
                self.row, description=line, completed=epoch, total=self.n_epochs
            )
        elif now - self.shown >= SECONDS:
            self.shown = now
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Remove the bar."""
        del estimator, context
        if self.bar is not None:
            self.bar.stop()

    def _line(self, fitted: Any, epoch: int, now: float) -> str:
        line = f"epoch {epoch} of at most {self.n_epochs}, loss {fitted.loss_curve_[-1]:.4g}"
        if fitted.validation_scores_:
            line += f", score {fitted.validation_scores_[-1]:.4g}"
        assert self.first is not None
        left = (now - self.first) / epoch * (self.n_epochs - epoch)
        if self.max_time is not None:
            left = min(left, max(self.max_time - (now - self.start), 0.0))
        return f"{line}, at most {duration(left)} left"


def duration(seconds: float) -> str:
    """A time in words."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"
