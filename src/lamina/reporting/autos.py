"""What the value "auto" of a parameter stands for in a fitted estimator."""

from collections.abc import Callable
from typing import Any

from lamina.bodies.convolutional import KERNEL_SIZES
from lamina.estimators.base import NeuralEstimator
from lamina.reporting.blocks import Block, Cell, Paragraph, Table
from lamina.tasks.schemes import scheme_of
from lamina.training.optimizers import alpha_of
from lamina.training.precision import device_of


def _batch_size(estimator: NeuralEstimator) -> str:
    body, task = type(estimator).body, type(estimator).task
    largest = task.largest_batch or body.largest_batch
    return (
        f"a {body.n_batches}th of the training samples, from {body.smallest_batch} to "
        f"{largest}"
    )


def _early_stopping(estimator: NeuralEstimator) -> str:
    defaults = type(estimator).defaults(estimator.form_)
    scored = estimator.validation_scores_ is not None
    if scored and defaults.chooses_epochs and estimator.max_iter == "auto":
        return "on: the number of epochs was chosen on held-out samples"
    return "off"


AUTO: dict[str, Callable[[Any], str]] = {
    "alpha": lambda e: f"{alpha_of(e):g}",
    "averaging": lambda e: f"{type(e).defaults(e.form_).averaging:g}",
    "batch_size": _batch_size,
    "device": lambda _: device_of("auto").type,
    "early_stopping": _early_stopping,
    "form": lambda e: e.form_,
    "kernel_size": lambda e: str(KERNEL_SIZES[e.encoder_.spec.n_space]),
    "linear_path": lambda e: "linear" if e.task_.n_linear else "none",
    "max_iter": lambda e: f"{e.n_iter_} epochs",
    "max_length": lambda e: f"{e.task_.limit - 1} units",
    "n_threads": lambda _: "the cores of the process, in each call",
    "numeric_embedding": lambda e: (
        "piecewise_linear" if e.encoder_.spec.edges else "none"
    ),
    "pooling": lambda e: "none" if e.encoder_.spec.n_tokens else "max",
    "precision": lambda _: "by the device, in each call",
    "schedule": lambda e: type(e).defaults(e.form_).schedule,
    "scheme": lambda e: scheme_of(e.classes_.tolist()) or "none",
    "season": lambda e: f"{e.season_} steps",
    "token_unit": lambda e: e.schema_.unit if e.form_ == "text" else "not used",
    "validation_fraction": lambda e: (
        "0.1; 0.2 where the number of epochs of few samples is chosen"
    ),
    "window": lambda e: f"{e.encoder_.window} steps",
}
"""For each parameter that may be "auto", what it became."""


def parameters(estimator: NeuralEstimator) -> list[Block]:
    """The parameters that are not at their defaults, and those that are "auto"."""
    params = estimator.get_params(deep=False)
    defaults = type(estimator)().get_params(deep=False)
    changed: list[list[Cell]] = [
        [name, repr(value), repr(defaults[name])]
        for name, value in params.items()
        if repr(value) != repr(defaults[name])
    ]
    autos: list[list[Cell]] = [
        [name, AUTO[name](estimator)]
        for name, value in params.items()
        if isinstance(value, str) and value == "auto"
    ]
    blocks: list[Block] = []
    if changed:
        header = ["Parameter", "Value", "Default"]
        blocks.append(Table("Parameters that were set", header, changed))
    else:
        blocks.append(Paragraph("All parameters are at their defaults."))
    if autos:
        header = ["Parameter", "What “auto” became"]
        blocks.append(Table("Parameters that lamina chose", header, autos))
    return blocks
