"""Fits as runs of MLflow: parameters, the losses of epochs, and the fitted estimator."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Any

from sklearn.callback import CallbackContext

from lamina.callbacks.base import EpochCallback, Metrics, save
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import MissingExtraError
from lamina.training.callbacks import TrainingProgress

MAX_VALUE = 500
"""Characters of a parameter's value, of which MLflow limits the number."""


@dataclass
class MLflowRun:
    """The run of one fit."""

    id: str
    metrics: Metrics
    status: str = "FAILED"


class MLflow(EpochCallback[MLflowRun]):
    """Logs the parameters, the loss and score of each epoch and the fitted estimator.

    Each fit is a run of its own, within the active run if there is one. `partial_fit` and
    `warm_start` continue the run of the fit before. Where it is logged is what
    `mlflow.set_tracking_uri` and `mlflow.set_experiment` say. The estimator is the artifact
    "model.lamina", for `lamina.load`. Needs MLflow (`pip install 'lamina[mlflow]'`).

    Parameters
    ----------
    run_name : str, default=None
        The name of the runs; None takes that of the estimator's class.
    log_model : bool, default=True
        Whether to log the fitted estimator.

    Examples
    --------
    >>> from lamina import DNNClassifier
    >>> from lamina.callbacks import MLflow
    >>> network = DNNClassifier().set_callbacks(MLflow(run_name="first"))
    """

    def __init__(self, *, run_name: str | None = None, log_model: bool = True):
        super().__init__()
        self.run_name, self.log_model = run_name, log_model

    def begin(
        self,
        estimator: NeuralEstimator,
        context: CallbackContext,
        before: MLflowRun | None,
    ) -> MLflowRun:
        mlflow = _mlflow()
        if before is not None:
            mlflow.start_run(run_id=before.id, nested=True)
            return MLflowRun(before.id, Metrics())
        name = self.run_name or context.estimator_name
        run = MLflowRun(
            mlflow.start_run(run_name=name, nested=True).info.run_id, Metrics()
        )
        self._runs[estimator] = run  # so that it is ended if a parameter is refused
        params = estimator.get_params(deep=False).items()
        mlflow.log_params({n: shorten(repr(v), MAX_VALUE) for n, v in params})
        return run

    def epoch(
        self, run: MLflowRun, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        del estimator
        for name, value, number in run.metrics.new(context):
            _mlflow().log_metric(name, value, step=number, run_id=run.id)

    def end(
        self, run: MLflowRun, estimator: NeuralEstimator, progress: TrainingProgress
    ) -> None:
        if self.log_model:
            with TemporaryDirectory() as folder:
                path = Path(folder, "model.lamina")
                save(estimator, path)
                _mlflow().log_artifact(str(path), run_id=run.id)
        run.status = "FAILED" if progress.failed else "FINISHED"

    def close(self, run: MLflowRun) -> None:
        _mlflow().end_run(run.status)


def _mlflow() -> Any:
    try:
        import mlflow
    except ImportError:
        raise MissingExtraError("MLflow", "mlflow-skinny", "mlflow") from None
    return mlflow
