"""The progress of a fit on the standard error: epoch, loss, score and the time left."""

import time
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.text import Text
from sklearn.callback import CallbackContext

from lamina.callbacks.base import EpochCallback
from lamina.callbacks.screen import line_of
from lamina.estimators.base import NeuralEstimator

SECONDS = 5.0
"""The least time between two lines where the output is not a terminal."""


@dataclass
class Shown:
    """What a fit shows: a line that is rewritten, or some lines."""

    live: Live | None
    last: float
    """When the last line was printed."""


class EpochProgress(EpochCallback[Shown]):
    """Rewrites a line after each epoch in a terminal, and prints some lines elsewhere."""

    def __init__(self, console: Console):
        super().__init__()
        self.console = console

    def begin(
        self, estimator: NeuralEstimator, context: CallbackContext, before: Shown | None
    ) -> Shown:
        del estimator, context, before
        live = None
        if self.console.is_terminal:
            live = Live(console=self.console, auto_refresh=False, transient=True)
            live.start()
        return Shown(live, time.monotonic())

    def epoch(
        self, run: Shown, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        del estimator
        now = time.monotonic()
        if run.live is not None:
            line = Text(line_of(context, with_bar=True), no_wrap=True)
            run.live.update(line, refresh=True)
        elif now - run.last >= SECONDS:
            run.last = now
            self.console.print(line_of(context), markup=False, highlight=False)

    def close(self, run: Shown) -> None:
        if run.live is not None:
            run.live.stop()
