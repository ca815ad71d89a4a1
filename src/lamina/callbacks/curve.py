"""The losses and validation scores of a fit while it runs."""

import shutil
from collections.abc import Sequence
from io import BytesIO
from math import isfinite
from typing import Any

from sklearn.callback import CallbackContext

from lamina.callbacks.base import EpochCallback
from lamina.callbacks.screen import Screen, line_of, screen_for
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import MissingExtraError
from lamina.training.callbacks import TrainingProgress

BLOCKS = " ▁▂▃▄▅▆▇█"
HEIGHT, MAX_WIDTH = 6, 72
"""Rows and columns of a chart in a terminal."""
MARGIN = 12


class LiveCurve(EpochCallback[Screen]):
    """Draws the loss and the validation score of all epochs, again after each epoch.

    In a notebook it is a figure (which needs the package matplotlib), in a terminal a chart
    of characters (which needs rich). Elsewhere, and in threads and processes of a search,
    there is one line for each epoch, as of `Progress`.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.callbacks import LiveCurve
    >>> network = DNNClassifier(max_iter=2, random_state=0).set_callbacks(LiveCurve())
    >>> _ = network.fit(*load_iris(return_X_y=True))
    epoch 1 of 2, loss ..., ... s, at most ... s left
    epoch 2 of 2, loss ..., ... s, at most 0.0 s left
    """

    def begin(
        self,
        estimator: NeuralEstimator,
        context: CallbackContext,
        before: Screen | None,
    ) -> Screen:
        del estimator, context, before
        return screen_for("LiveCurve")

    def epoch(
        self, run: Screen, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        del estimator
        line, curves = line_of(context), _curves(context.progress)
        if run.kind == "notebook":
            run.show(_figure(line, curves))
        elif run.kind == "terminal":
            run.show("\n".join([*_charts(curves), line]))
        else:
            run.show(line)

    def close(self, run: Screen) -> None:
        run.close()


def _curves(progress: TrainingProgress) -> dict[str, list[float]]:
    """The value of each epoch, by the name of the curve."""
    curves = {"loss": [epoch.loss for epoch in progress.epochs]}
    scores = [epoch.score for epoch in progress.epochs if epoch.score is not None]
    return curves | ({"validation score": scores} if scores else {})


def _charts(curves: dict[str, list[float]]) -> list[str]:
    """The lines of a chart for each curve, as wide as the terminal allows."""
    width = min(shutil.get_terminal_size().columns - MARGIN, MAX_WIDTH)
    lines = []
    for name, values in curves.items():
        rows = chart(values, max(width, 1), HEIGHT)
        finite = [v for v in values if isfinite(v)] or [float("nan")]
        labels = [f"{max(finite):.4g}", *[""] * (HEIGHT - 2), f"{min(finite):.4g}"]
        lines.append(name)
        lines += [
            f"{a:>{MARGIN - 1}} {row}" for a, row in zip(labels, rows, strict=True)
        ]
    return lines


def chart(values: Sequence[float], width: int, height: int) -> list[str]:
    """The rows of a chart with a bar for each value, or for the last of several.

    The smallest value has the lowest bar, the largest one the highest; a value that is not
    finite has none.

    >>> chart([1, 2, 3], width=9, height=2)
    [' ▁█', '▁██']
    """
    n_columns = min(len(values), width)
    last = [len(values) * (i + 1) // n_columns - 1 for i in range(n_columns)]
    shown = [values[i] for i in last]
    finite = [v for v in shown if isfinite(v)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 0.0)
    n_levels = height * (len(BLOCKS) - 1)
    levels = [
        1 + round((n_levels - 1) * (v - low) / ((high - low) or 1))
        if isfinite(v)
        else 0
        for v in shown
    ]
    size = len(BLOCKS) - 1
    return [
        "".join(BLOCKS[min(max(level - size * row, 0), size)] for level in levels)
        for row in reversed(range(height))
    ]


def _figure(title: str, curves: dict[str, list[float]]) -> Any:
    """An image with axes for each curve."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        purpose = "LiveCurve in a notebook"
        raise MissingExtraError(purpose, "matplotlib", "plot") from None
    from IPython.display import Image  # pyright: ignore[reportMissingImports]

    figure = Figure(figsize=(4.5 * len(curves), 3), layout="constrained")
    for i, (name, values) in enumerate(curves.items()):
        ax = figure.add_subplot(1, len(curves), i + 1)
        ax.plot(range(1, len(values) + 1), values, color=f"C{i}", marker=".")
        ax.set(xlabel="epoch", ylabel=name)
        ax.locator_params("x", integer=True)
    figure.suptitle(title, fontsize="small")
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return Image(buffer.getvalue())
