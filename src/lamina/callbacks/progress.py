"""The progress of a fit as one line."""

from typing import Any

from sklearn.callback import CallbackContext

from lamina.callbacks.base import EpochCallback
from lamina.callbacks.screen import Screen, line_of, screen_for
from lamina.estimators.base import NeuralEstimator


class Progress(EpochCallback[Screen]):
    """Shows the epoch, the loss, the validation score and the time left.

    In a notebook and in a terminal (which needs the package rich) the line is rewritten
    after each epoch; elsewhere, and in threads and processes of a search, there is one line
    for each epoch. The time left is a limit: it follows from the time of an epoch and from
    `max_time`, and early stopping may end training before.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.callbacks import Progress
    >>> network = DNNClassifier(max_iter=2, random_state=0).set_callbacks(Progress())
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
        return screen_for("Progress")

    def epoch(
        self, run: Screen, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        del estimator
        content: Any = line_of(context, with_bar=run.kind != "lines")
        if run.kind == "notebook":
            from IPython.display import (  # pyright: ignore[reportMissingImports]
                Pretty,
            )

            content = Pretty(content)
        run.show(content)

    def close(self, run: Screen) -> None:
        run.close()
