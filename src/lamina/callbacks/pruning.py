"""Trials of Optuna that are pruned by the validation scores of epochs."""

from typing import TYPE_CHECKING, Any

from sklearn.callback import CallbackContext

from lamina.callbacks.base import EpochCallback
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import MissingExtraError, ParameterError

if TYPE_CHECKING:
    from optuna.trial import Trial


class OptunaPruning(EpochCallback[None]):
    """Reports the validation score of each epoch to a trial, and ends a pruned one.

    Greater scores are better, so that the study has to maximise. The scores are those of
    `X_val`, or of the samples that `early_stopping` holds out. Where `fit` chooses the
    number of epochs by several splits, those of the first split are reported. A fit without
    validation samples is refused before its first epoch, because its losses do not say what
    was learnt; Optuna's own integrations warn there after each epoch and prune nothing. A
    pruned fit raises `optuna.TrialPruned` and leaves the estimator as it was. Needs Optuna
    (`pip install 'lamina[optuna]'`).

    Parameters
    ----------
    trial : optuna.trial.Trial
        The trial, which is used for one fit.

    Raises
    ------
    ParameterError
        The fit has no validation scores, or the study minimises.
    MissingExtraError
        Optuna is not installed.

    Examples
    --------
    >>> import optuna
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.callbacks import OptunaPruning
    >>> X, y = load_iris(return_X_y=True)
    >>> def objective(trial):
    ...     rate = trial.suggest_float("learning_rate_init", 1e-4, 1e-1, log=True)
    ...     network = DNNClassifier(learning_rate_init=rate, max_iter=3, random_state=0)
    ...     network.set_callbacks(OptunaPruning(trial))
    ...     return network.fit(
    ...         X[::2], y[::2], X_val=X[1::2], y_val=y[1::2]
    ...     ).best_validation_score_
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> study = optuna.create_study(direction="maximize")
    >>> study.optimize(objective, n_trials=2)
    """

    def __init__(self, trial: "Trial"):
        super().__init__()
        self.trial = trial

    def begin(
        self, estimator: NeuralEstimator, context: CallbackContext, before: None
    ) -> None:
        del before
        optuna = _optuna()
        if optuna.study.StudyDirection.MINIMIZE in self.trial.study.directions:
            raise ParameterError(
                "OptunaPruning reports scores, of which greater ones are better, and the "
                'study minimises; use optuna.create_study(direction="maximize").'
            )
        if not context.progress.is_scored:
            raise ParameterError(
                f"OptunaPruning needs a validation score of each epoch, and this fit of "
                f"{type(estimator).__name__} has none; pass X_val and y_val to fit, or set "
                f"early_stopping=True."
            )

    def epoch(
        self, run: None, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        del run, estimator
        progress = context.progress
        is_first = progress.task_name == "fit" or (
            progress.task_name == "search" and context.parent.task_id == 0
        )
        if not is_first:
            return
        number = len(progress.epochs)
        self.trial.report(progress.epochs[-1].score, progress.n_before + number)
        if self.trial.should_prune():
            raise _optuna().TrialPruned(f"Pruned after epoch {number}.")


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("OptunaPruning", "optuna", "optuna") from None
    return optuna
