"""The values that "auto" stands for in a call of `fit`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lamina.nn.body import Body, Defaults
from lamina.tasks.base import Task
from lamina.training.loader import Loader
from lamina.training.params import TrainerParams

if TYPE_CHECKING:
    from lamina.estimators.base import NeuralEstimator

MAX_EPOCHS = 100
"""The most epochs of `max_iter="auto"`."""
MIN_SELECTING = 50
"""Samples from which some are held out to choose the number of epochs."""
MAX_REFITTED = 50_000
"""Samples up to which the network is fitted again on all of them; of more, those held out
are missed less than the time."""
FEW = 5_000
"""Samples below which more of them are held out."""
N_SPLITS, MAX_SPLIT = 3, 1_000
"""Random splits whose mean score chooses the number of epochs of fewer samples, because the
score of few held-out samples is uncertain."""
STOPPING = f"""True for `max_iter="auto"` and at least {MIN_SELECTING} {{samples}}, with the
loss as score; without `X_val`, and with at most {MAX_REFITTED:,} of them, a network is then
fitted anew on all, for as many epochs as were best"""
SAMPLES = {"table": "rows of a table", "text": "texts"}
"""What the samples of a form of data are called."""


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
    n_splits: int = 1
    """Splits by which the number of epochs is chosen."""

    def seconds(self, max_time: float | None) -> float | None:
        """The limit of time of a training: a search and the fit after it have half each."""
        return max_time / 2 if max_time is not None and self.refits else max_time


def recipe_of(
    params: TrainerParams, defaults: Defaults, n_samples: int, *, is_validated: bool
) -> Recipe:
    """The recipe of a fit with these samples, which may have others to validate by."""
    schedule, averaging = params.schedule, params.averaging
    schedule = defaults.schedule if schedule == "auto" else schedule
    averaging = defaults.averaging if averaging == "auto" else averaging
    stopping, fraction = params.early_stopping, params.validation_fraction
    is_chosen = stopping == "auto"
    if is_chosen:
        is_limit = isinstance(params.max_iter, str) and n_samples >= MIN_SELECTING
        stopping = defaults.chooses_epochs and is_limit
    if isinstance(fraction, str):
        fraction = 0.2 if is_chosen and n_samples < FEW else 0.1
    refits = is_chosen and stopping and not is_validated and n_samples <= MAX_REFITTED
    is_random = isinstance(params.validation_split, str) and (
        params.validation_split == "random"
    )
    n_splits = N_SPLITS if is_random and n_samples < MAX_SPLIT else 1
    return Recipe(schedule, averaging, bool(stopping), refits, fraction, n_splits)


def max_iter(params: TrainerParams, defaults: Defaults, loader: Loader) -> int:
    """The epochs of a fit that is not stopped before."""
    if not isinstance(params.max_iter, str):
        return params.max_iter
    n_epochs = max(defaults.n_steps // loader.n_batches, defaults.min_epochs)
    return min(n_epochs, MAX_EPOCHS)


def batch_size(
    params: TrainerParams, n_samples: int, body: type[Body], task: Task
) -> int:
    """Samples of a batch in training."""
    if not isinstance(params.batch_size, str):
        return min(params.batch_size, n_samples)
    largest = task.largest_batch or body.largest_batch
    size = max(n_samples // body.n_batches, body.smallest_batch)
    return min(size, largest, n_samples)


def with_defaults(doc: str, cls: "type[NeuralEstimator]") -> str:
    """The docstring of an estimator with what "auto" stands for in place of {names}."""
    body, task = cls.body, cls.task
    of_form = {form: cls.defaults(form) for form in cls.forms()}
    texts = {
        "default_steps": _listed({f: f"{d.n_steps:,}" for f, d in of_form.items()}),
        "min_epochs": _listed({f: str(d.min_epochs) for f, d in of_form.items()}),
        "schedule": _listed({f: f'"{d.schedule}"' for f, d in of_form.items()}),
        "averaging": _listed({f: f"{d.averaging:g}" for f, d in of_form.items()}),
        "early_stopping": _stopping(
            [f for f, d in of_form.items() if d.chooses_epochs]
        ),
        "n_batches": str(body.n_batches),
        "smallest_batch": str(body.smallest_batch),
        "largest_batch": str(task.largest_batch or body.largest_batch),
    }
    for name, text in texts.items():
        doc = doc.replace(f"{{{name}}}", text)
    return doc


def _stopping(forms: list[str]) -> str:
    """When `early_stopping="auto"` is True; `forms` are those whose epochs are chosen."""
    if not forms:
        return "False"
    return STOPPING.format(samples=" or ".join(SAMPLES[form] for form in forms))


def _listed(values: dict[str, str]) -> str:
    """The first value, and the forms of data that have another."""
    first, *_ = values.values()
    others = [f"{value} for {form}" for form, value in values.items() if value != first]
    return first + (f" ({', '.join(others)})" if others else "")
