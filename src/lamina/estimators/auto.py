"""The values of `max_iter="auto"` and `batch_size="auto"`."""

from lamina.nn.body import Body
from lamina.tasks.base import Task
from lamina.training.loader import Loader
from lamina.training.params import TrainerParams

MIN_EPOCHS, MAX_EPOCHS = 5, 100
"""Bounds of `max_iter="auto"`."""
MIN_BATCHES = 40
"""`batch_size="auto"` makes 40 batches an epoch, or fewer that are not too small."""


def max_iter(params: TrainerParams, default_steps: int, loader: Loader) -> int:
    """Epochs of a fit."""
    if not isinstance(params.max_iter, str):
        return params.max_iter
    return min(max(default_steps // loader.n_batches, MIN_EPOCHS), MAX_EPOCHS)


def batch_size(
    params: TrainerParams, n_samples: int, body: type[Body], task: Task
) -> int:
    """Samples of a batch in training."""
    if not isinstance(params.batch_size, str):
        return min(params.batch_size, n_samples)
    size = max(n_samples // MIN_BATCHES, body.smallest_batch)
    return min(size, task.largest_batch, n_samples)
