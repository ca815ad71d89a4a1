"""The errors and warnings of a fit that diverged or was interrupted."""

import warnings

from lamina.exceptions import DivergenceError, InterruptedWarning
from lamina.training.params import TrainerParams
from lamina.training.progress import History


def raise_if_diverged(params: TrainerParams, history: History) -> None:
    """Raise `DivergenceError` if the loss diverged; the message says what is kept."""
    if not history.diverged:
        return
    kept = len(history.epochs)
    result = f"The network of epoch {kept}, the last with a finite loss, is kept."
    if not kept:
        result = (
            "No epoch had a finite loss: the network is as it was before this call."
        )
    raise DivergenceError(
        f"The loss or a weight became NaN or too large in epoch {kept + 1}. Lower "
        f"learning_rate_init, which is {params.learning_rate_init!r}, or clip "
        f"gradients by max_grad_norm, which is {params.max_grad_norm!r}. {result}"
    )


def raise_if_interrupted(history: History) -> None:
    """Raise `KeyboardInterrupt` if the fit was interrupted, and warn of what is kept.

    The error lets an interrupted search stop, instead of using a half-trained candidate.
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
