"""Callbacks of scikit-learn's protocol, for `estimator.set_callbacks(...)`."""

from lamina.callbacks.checkpoint import Checkpoint
from lamina.callbacks.curve import LiveCurve
from lamina.callbacks.mlflow import MLflow
from lamina.callbacks.progress import Progress
from lamina.callbacks.pruning import OptunaPruning
from lamina.callbacks.tensorboard import TensorBoard

__all__ = [
    "Checkpoint",
    "LiveCurve",
    "MLflow",
    "OptunaPruning",
    "Progress",
    "TensorBoard",
]
