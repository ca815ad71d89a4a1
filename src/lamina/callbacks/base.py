"""The base of callbacks that follow the epochs of a fit, and what they have in common."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from os import PathLike
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sklearn.callback import CallbackContext

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import ParameterError
from lamina.training.callbacks import TrainingProgress

Run = TypeVar("Run")
"""What a callback keeps of one fit."""


class EpochCallback(ABC, Generic[Run]):
    """Abstract: follows the fits of estimators of lamina, epoch by epoch.

    `clone` shares a callback, so that one may follow several fits, also at the same time.
    What belongs to one of them is a `Run`, which copies and pickles of a callback lack.
    """

    def __init__(self) -> None:
        self._runs: WeakKeyDictionary[Any, Run] = WeakKeyDictionary()

    @abstractmethod
    def begin(
        self, estimator: NeuralEstimator, context: CallbackContext, before: Run | None
    ) -> Run:
        """Begin a fit; `before` is the run of the fit that it continues."""

    @abstractmethod
    def epoch(
        self, run: Run, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        """Follow an epoch, which has ended."""

    def end(
        self, run: Run, estimator: NeuralEstimator, progress: TrainingProgress
    ) -> None:
        """Follow the end of a fit, whose estimator is fitted."""

    def close(self, run: Run) -> None:
        """Release what the run holds, also after a fit that raised an error."""

    def setup(self, estimator: object, context: CallbackContext) -> None:
        """Prepare a fit (called by scikit-learn)."""
        del context
        if not isinstance(estimator, NeuralEstimator):
            name = type(self).__name__
            raise ParameterError(
                f"{name} follows the epochs of an estimator of lamina, and "
                f"{type(estimator).__name__} has none; set it on the estimator within: "
                f"network.set_callbacks({name}(...))."
            )

    def teardown(self, estimator: NeuralEstimator, context: CallbackContext) -> None:
        """End a fit, also one that raised an error (called by scikit-learn)."""
        del context
        if estimator in self._runs:
            self.close(self._runs[estimator])

    def on_fit_task_begin(
        self, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        """Follow the begin of a task (called by scikit-learn)."""
        if context.task_name == "fit":
            before = self._runs.pop(estimator, None)
            if not context.progress.n_before:
                before = None
            self._runs[estimator] = self.begin(estimator, context, before)

    def on_fit_task_end(
        self, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        """Follow the end of a task (called by scikit-learn)."""
        run = self._runs[estimator]
        if context.task_name == "epoch":
            self.epoch(run, estimator, context)
        elif context.task_name == "fit":
            self.end(run, estimator, context.progress)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_runs"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self._runs = WeakKeyDictionary()


class Metrics:
    """The losses and scores of one fit, each of which is logged once."""

    def __init__(self) -> None:
        self.n_logged: dict[str, int] = {}

    def new(self, context: CallbackContext) -> Iterator[tuple[str, float, int]]:
        """Name, value and epoch, from 1 on, of what was not logged before.

        These are also the epochs before a fit was resumed from its checkpoint.
        """
        progress, prefix = context.progress, ""
        if progress.task_name == "search":
            prefix = f"search_{context.parent.task_id + 1}/"
        first = self.n_logged.get(prefix, 0)
        for i, epoch in enumerate(progress.epochs[first:], first + 1):
            yield f"{prefix}loss", epoch.loss, progress.n_before + i
            if epoch.score is not None:
                yield f"{prefix}validation_score", epoch.score, progress.n_before + i
        self.n_logged[prefix] = len(progress.epochs)


def place_of(context: CallbackContext) -> str:
    """The numbers of a fit within those that it is a part of, as in "0-3-1"."""
    ids = [str(context.task_id)]
    while context.parent is not None:
        context = context.parent
        ids.append(str(context.task_id))
    return "-".join(reversed(ids))


def save(estimator: NeuralEstimator, path: str | PathLike[str]) -> None:
    """Save a fitted estimator without its callbacks."""
    copy.copy(estimator).set_callbacks().save(path)
