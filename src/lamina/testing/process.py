"""Checks of what lies around a fit: other threads, the user's settings, the keyboard."""

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from lamina.exceptions import InterruptedWarning
from lamina.testing.examples import Example
from lamina.testing.fitting import assert_same, brief, fit, outputs
from lamina.training.loader import Loader

N_THREADS = 3


def check_threads_give_the_numbers_of_one(estimator: Any, data: Example) -> None:
    """Fits at the same time give what each gives alone, and draw nothing of the user's."""
    expected = outputs(fit(brief(estimator, data), data), data.X)
    before = torch.get_rng_state().tolist(), repr(np.random.get_state())

    def run(_: int) -> np.ndarray:
        return outputs(fit(brief(estimator, data), data), data.X)

    with ThreadPoolExecutor(N_THREADS) as pool:
        for found in pool.map(run, range(N_THREADS)):
            assert_same(found, expected, "predictions of a fit beside other fits")
    after = torch.get_rng_state().tolist(), repr(np.random.get_state())
    assert after == before, "fits in threads changed the process's generators"


def check_settings_change_nothing(estimator: Any, data: Example) -> None:
    """Whatever the user has set in torch and numpy, fit and predict give the same."""
    expected = outputs(fit(brief(estimator, data), data), data.X)
    for name, setting in SETTINGS.items():
        with setting():
            network = fit(brief(estimator, data), data)
            found = outputs(network, data.X)
        assert_same(found, expected, f"predictions under {name}")
        kept = network.network_.state_dict().values()
        assert not any(tensor.is_inference() for tensor in kept), (
            f"weights that cannot be trained, fitted under {name}"
        )


def check_interrupt_is_passed_on(estimator: Any, data: Example) -> None:
    """Ctrl-C in the second epoch keeps the first, and reaches the caller."""
    original, n_epochs = Loader.__iter__, 0

    def interrupted(loader: Loader) -> Iterator[Any]:
        nonlocal n_epochs
        n_epochs += 1
        if n_epochs == 2:
            raise KeyboardInterrupt
        return original(loader)

    network = brief(estimator, data)
    with (
        patch.object(Loader, "__iter__", interrupted),
        warnings.catch_warnings(),
        suppress(KeyboardInterrupt),
    ):
        warnings.simplefilter("ignore", InterruptedWarning)
        fit(network, data)
        raise AssertionError("An interrupt did not leave fit.")
    assert network.n_iter_ == len(network.loss_curve_) == 1
    assert np.isfinite(outputs(network, data.X)).all()


@contextmanager
def _default_dtype() -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


SETTINGS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "the default dtype float64": _default_dtype,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "the default device meta": lambda: torch.device("meta"),
    "numpy's errors raised": lambda: np.errstate(all="raise"),
}
"""What the user may have set around a call."""
