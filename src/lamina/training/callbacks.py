"""scikit-learn's callback protocol: an epoch is a subtask of `fit`."""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

from sklearn import callback
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackContext

from lamina.nn.model import Model
from lamina.training.progress import History
from lamina.training.weights import release

Method = TypeVar("Method", bound=Callable)


def with_callbacks(fit: Method) -> Method:
    """scikit-learn's decorator of methods that call callbacks; the type stays the same."""
    return callback.with_callbacks(fit)


class EpochTasks:
    """Passes each epoch to the estimator's callbacks, and prints it if `verbose`."""

    def __init__(
        self,
        estimator: BaseEstimator,
        context: CallbackContext,
        data: dict[str, object],
        fitted: Callable[[Model, History], dict[str, Any]],
    ):
        self.estimator, self.context, self.data = estimator, context, data
        self.fitted = fitted
        self.watched = bool(getattr(estimator, "_skl_callbacks", None))

    def epoch_begins(self, model: Model) -> None:
        del model
        if self.watched:
            self.epoch = self.context.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self.data)

    def epoch_ends(self, model: Model, history: History) -> bool:
        if self.estimator.verbose:
            print(self._line(history))
        if not self.watched:
            return False

        def reconstruct() -> dict[str, Any]:
            copied = copy.deepcopy(model).eval()
            release(copied)
            return self.fitted(copied, history)

        return self.epoch.call_on_fit_task_end(
            estimator=self.estimator, reconstruction_attributes=reconstruct, **self.data
        )

    @staticmethod
    def _line(history: History) -> str:
        line = f"Epoch {len(history.loss_curve)}, loss {history.loss_curve[-1]:.6f}"
        if history.validation_scores:
            line += f", validation score {history.validation_scores[-1]:.6f}"
        return line
