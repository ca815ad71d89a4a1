"""scikit-learn's callback protocol: each epoch is a subtask of `fit`.

A fit that chooses its number of epochs has a subtask for each training, "search" and then
"refit", and the epochs are subtasks of these.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sklearn import callback
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackContext

from lamina.nn.model import Model
from lamina.training.loop import Training
from lamina.training.progress import History
from lamina.training.stopping import Epoch
from lamina.training.weights import release

Method = TypeVar("Method", bound=Callable)
Attributes = Callable[[Model, History], dict[str, Any]]
"""The fitted attributes of an estimator that had this network and history."""


def with_callbacks(fit: Method) -> Method:
    """scikit-learn's decorator of methods that call callbacks; the type stays the same."""
    return callback.with_callbacks(fit)


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training has come: `context.progress` in the hooks of a callback.

    Its values are recorded anyway, so that no network is copied for them.
    """

    task_name: str
    """What is trained: "fit", or "search" and then "refit" where `fit` chooses the number
    of epochs."""
    epochs: tuple[Epoch, ...]
    """The `loss`, the `score` and `is_best` of each epoch, also of those before a fit was
    resumed from its checkpoint."""
    n_before: int
    """Epochs of the fits that this one continues, by `partial_fit` or `warm_start`."""
    n_epochs: int
    """Epochs after which training ends at the latest."""
    seconds: float
    """Since training began."""
    seconds_left: float
    """Until training ends at the latest, by the time of an epoch and `max_time`."""

    is_scored: bool
    """Whether epochs have a score on validation samples; of a "fit" with subtasks, whether
    those of its searches have."""
    failed: bool = False
    """Whether training ended because the loss diverged, or by an interrupt."""

    @classmethod
    def of(
        cls, training: Training, task_name: str, n_before: int
    ) -> "TrainingProgress":
        """The progress of a training between two epochs, or after the last."""
        history, clock = training.history, training.clock
        n_epochs = training.n_epochs
        is_over = training.stopping.is_over or len(history.epochs) >= n_epochs
        return cls(
            task_name,
            tuple(history.epochs),
            n_before,
            n_epochs,
            clock.elapsed(),
            0.0 if is_over else clock.seconds_left(),
            training.validate is not None,
            history.diverged or history.interrupted,
        )


class FitTasks:
    """The tree of tasks of one fit."""

    def __init__(
        self,
        estimator: BaseEstimator,
        data: dict[str, object],
        attributes: Attributes,
        n_before: int,
    ):
        self.estimator, self.data = estimator, data
        self.attributes, self.n_before = attributes, n_before
        self.watched = bool(getattr(estimator, "_skl_callbacks", None))

    def begin(self, n_subtasks: int, n_epochs: int, *, is_scored: bool) -> None:
        """Begin the fit, which has at most so many subtasks and epochs."""
        self.root = self.estimator._init_callback_context(max_subtasks=n_subtasks)
        self.root.progress = TrainingProgress(
            "fit", (), self.n_before, n_epochs, 0.0, math.inf, is_scored
        )
        self.root.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def end(self, training: Training, fitted: dict[str, Any]) -> None:
        """End the fit, after which the estimator has these attributes."""
        self.root.progress = TrainingProgress.of(training, "fit", self.n_before)
        self.root.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=fitted, **self.data
        )

    def epochs(self) -> "EpochTasks":
        """The epochs of the only training."""
        return EpochTasks(self, self.root, self.attributes)

    @contextmanager
    def training(self, name: str, n_epochs: int) -> Iterator["EpochTasks"]:
        """The epochs of a training that is a subtask; the network of a search is not kept."""
        context = self.root.subcontext(task_name=name, max_subtasks=n_epochs)
        context.call_on_fit_task_begin(estimator=self.estimator, **self.data)
        yield EpochTasks(self, context, None if name == "search" else self.attributes)
        context.call_on_fit_task_end(estimator=self.estimator, **self.data)


class EpochTasks:
    """Passes each epoch to the estimator's callbacks, and prints it if `verbose`."""

    def __init__(
        self, tasks: FitTasks, context: CallbackContext, attributes: Attributes | None
    ):
        self.tasks, self.context, self.attributes = tasks, context, attributes

    def epoch_begins(self, training: Training) -> None:
        if self.tasks.watched:
            self.epoch = self.context.subcontext(task_name="epoch")
            self._update(training)
            self.epoch.call_on_fit_task_begin(
                estimator=self.tasks.estimator, **self.tasks.data
            )

    def epoch_ends(self, training: Training) -> bool:
        estimator, history = self.tasks.estimator, training.history
        if estimator.verbose:
            print(self._line(history))
        if not self.tasks.watched:
            return False
        self._update(training)
        self.epoch.fitted_estimator = partial(self._fitted, training)
        return self.epoch.call_on_fit_task_end(
            estimator=estimator,
            reconstruction_attributes=partial(self._fitted_attributes, training),
            **self.tasks.data,
        )

    def _fitted(self, training: Training) -> BaseEstimator | None:
        """The estimator as it would be if `fit` ended now; None in a search."""
        attributes = self._fitted_attributes(training)
        if attributes is None:
            return None
        fitted = copy.copy(self.tasks.estimator)
        vars(fitted).update(attributes)
        return fitted

    def _fitted_attributes(self, training: Training) -> dict[str, Any] | None:
        if self.attributes is None:
            return None
        copied = copy.deepcopy(training.model).eval()
        release(copied)
        return self.attributes(copied, training.history)

    def _update(self, training: Training) -> None:
        name, n_before = self.context.task_name, self.tasks.n_before
        self.epoch.progress = TrainingProgress.of(training, name, n_before)

    def _line(self, history: History) -> str:
        n, last = len(history.epochs), history.epochs[-1]
        if self.attributes is None:
            return f"Held-out samples, epoch {n}, score {last.score:.6f}"
        line = f"Epoch {n}, loss {last.loss:.6f}"
        return (
            line if last.score is None else f"{line}, validation score {last.score:.6f}"
        )
