"""What a fit leaves on an estimator, and what it goes on from."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lamina.exceptions import DivergenceError, InterruptedWarning
from lamina.nn.model import Model
from lamina.training.loop import History


@dataclass(frozen=True)
class Mode:
    """Whether to go on from the fitted network, and whether for one epoch only."""

    go_on: bool
    once: bool = False
    classes: Any = None


@contextmanager
def unchanged_on_error(estimator: Any) -> Iterator[None]:
    """The estimator's attributes are as before when an exception leaves the block."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise


def reporter(before: Any = None) -> Callable[[Model, History], dict[str, Any]]:
    """What turns a model and its history into fitted attributes; `before` goes on."""
    losses = before.loss_curve_ if before else []
    scores = (before.validation_scores_ if before else None) or []

    def fitted(model: Model, history: History) -> dict[str, Any]:
        curve = [*losses, *history.loss_curve]
        validated = [*scores, *history.validation_scores] or None
        return {
            "network_": model,
            "loss_curve_": curve,
            "validation_scores_": validated,
            "best_validation_score_": max(validated) if validated else None,
            "best_loss_": min(curve, default=float("nan")),
            "n_iter_": len(curve),
            "n_parameters_": model.n_parameters(),
        }

    return fitted


def raise_if_diverged(estimator: Any, history: History) -> None:
    """Raise `DivergenceError` and say what is kept."""
    if not history.diverged:
        return
    kept = len(history.loss_curve)
    if not kept:
        remedy = "No epoch was sound: the network is as it was before this call."
    else:
        remedy = f"The network of epoch {kept}, the last sound one, is kept."
    raise DivergenceError(
        f"The loss became NaN or infinite in epoch {kept + 1}. Lower learning_rate_init, "
        f"which is {estimator.learning_rate_init!r}, or cut gradients by max_grad_norm, "
        f"which is {estimator.max_grad_norm!r}. {remedy}"
    )


def raise_if_interrupted(history: History) -> None:
    """Raise `KeyboardInterrupt` once what was learnt is kept, and warn that it is.

    The exception also ends a search, which must not go on with a half-trained candidate.
    """
    if not history.interrupted:
        return
    n_epochs = len(history.epochs)
    kept = f"Training was interrupted after {n_epochs} epochs; what was learnt is kept."
    try:
        warnings.warn(kept, InterruptedWarning, stacklevel=4)
    finally:  # also where warnings are errors
        raise KeyboardInterrupt(kept)
