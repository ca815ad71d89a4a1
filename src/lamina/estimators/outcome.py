"""What a fit that did not end as planned tells its caller, once its result is published."""

import warnings
from typing import Any

from lamina.exceptions import DivergenceError, InterruptedWarning
from lamina.training.loop import History


def raise_if_diverged(estimator: Any, history: History) -> None:
    """Raise `DivergenceError` that says what is kept."""
    if not history.diverged:
        return
    kept = len(history.epochs)
    remedy = f"The network of epoch {kept}, the last sound one, is kept."
    if not kept:
        remedy = "No epoch was sound: the network is as it was before this call."
    raise DivergenceError(
        f"The loss became NaN or infinite in epoch {kept + 1}. Lower "
        f"learning_rate_init, which is {estimator.learning_rate_init!r}, or clip "
        f"gradients by max_grad_norm, which is {estimator.max_grad_norm!r}. {remedy}"
    )


def raise_if_interrupted(history: History) -> None:
    """Raise `KeyboardInterrupt`, and warn of what is kept.

    An interrupted search must stop, and not go on with a candidate that is half trained.
    """
    if not history.interrupted:
        return
    kept = (
        f"Training was interrupted after {len(history.epochs)} epochs, which are kept."
    )
    try:
        warnings.warn(kept, InterruptedWarning, stacklevel=5)
    finally:  # also where warnings are errors
        raise KeyboardInterrupt(kept)
