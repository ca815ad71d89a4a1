"""The values that "auto" stands for in a call of `fit`."""

from dataclasses import dataclass
from typing import Any

from lamina.nn.body import Body
from lamina.tasks.base import Task
from lamina.training.loader import Loader
from lamina.training.params import TrainerParams

MIN_EPOCHS, MAX_EPOCHS = 5, 100
"""Bounds of `max_iter="auto"`."""
MIN_SELECTING = 50
"""Samples from which some are held out to choose the number of epochs."""
MAX_REFITTED = 50_000
"""Samples up to which the network is fitted again on all of them; of more, those held out
are missed less than the time."""
FEW = 5_000
"""Samples below which more of them are held out."""
EARLY_STOPPING = f"""True for `max_iter="auto"` and at least {MIN_SELECTING} samples, with the
loss as score; without `X_val`, and with at most {MAX_REFITTED:,} samples, a network is then
fitted anew on all of them, for as many epochs as were best"""
"""The meaning of `early_stopping="auto"` for a body that chooses the number of epochs."""


@dataclass(frozen=True)
class Recipe:
    """How a fit trains."""

    schedule: str
    averaging: float
    selects: bool
    """Whether the network of the best epoch is kept."""
    refits: bool = False
    """Whether another network is then fitted on all samples, for as many epochs."""
    validation_fraction: float = 0.1


def recipe_of(
    params: Any, n_samples: int, *, is_validated: bool, resumes: bool
) -> Recipe:
    """The recipe of a fit with these samples, which may have others to validate by."""
    body = params.body
    schedule = body.schedule if params.schedule == "auto" else params.schedule
    averaging = body.averaging if params.averaging == "auto" else params.averaging
    stopping, fraction = params.early_stopping, params.validation_fraction
    is_chosen = stopping == "auto"
    if is_chosen:
        is_limit = body.chooses_epochs and isinstance(params.max_iter, str)
        stopping = is_limit and not resumes and n_samples >= MIN_SELECTING
    if isinstance(fraction, str):
        fraction = 0.2 if is_chosen and n_samples < FEW else 0.1
    refits = is_chosen and stopping and not is_validated and n_samples <= MAX_REFITTED
    return Recipe(schedule, averaging, bool(stopping), refits, fraction)


def max_epochs(params: Any, loader: Loader) -> int:
    """The epochs of a fit that is not stopped before."""
    if not isinstance(params.max_iter, str):
        return params.max_iter
    n_steps = type(params).default_steps()
    return min(max(n_steps // loader.n_batches, MIN_EPOCHS), MAX_EPOCHS)


def batch_size(
    params: TrainerParams, n_samples: int, body: type[Body], task: Task
) -> int:
    """Samples of a batch in training."""
    if not isinstance(params.batch_size, str):
        return min(params.batch_size, n_samples)
    largest = task.largest_batch or body.largest_batch
    size = max(n_samples // body.n_batches, body.smallest_batch)
    return min(size, largest, n_samples)
