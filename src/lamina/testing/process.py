"""Checks of a fit beside other threads, under the user's settings, and interrupted."""

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

import numpy as np
import torch

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import InterruptedWarning
from lamina.testing.examples import Example
from lamina.testing.fitting import RaiseInEpoch, assert_same, brief, fit, outputs

N_THREADS = 3


def check_threads_give_the_numbers_of_one(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Simultaneous fits give the same results, and do not use the global generators."""
    expected = outputs(fit(brief(estimator, data), data), data.X)
    before = torch.get_rng_state().tolist(), repr(np.random.get_state())

    def run(_: int) -> np.ndarray:
        return outputs(fit(brief(estimator, data), data), data.X)

    with ThreadPoolExecutor(N_THREADS) as pool:
        for actual in pool.map(run, range(N_THREADS)):
            assert_same(actual, expected, "predictions of a fit beside other fits")
    after = torch.get_rng_state().tolist(), repr(np.random.get_state())
    assert after == before, "fits in threads changed the process's generators"


def check_settings_change_nothing(estimator: NeuralEstimator, data: Example) -> None:
    """Settings of torch and numpy by the user have no effect on fit and predict."""
    expected = outputs(fit(brief(estimator, data), data), data.X)
    for name, setting in SETTINGS.items():
        with setting():
            network = fit(brief(estimator, data), data)
            actual = outputs(network, data.X)
        assert_same(actual, expected, f"predictions under {name}")
        weights = network.network_.state_dict().values()
        assert not any(tensor.is_inference() for tensor in weights), (
            f"weights that cannot be trained, fitted under {name}"
        )


def check_interrupt_is_passed_on(estimator: NeuralEstimator, data: Example) -> None:
    """Ctrl-C in the second epoch keeps the first, and is raised from `fit`."""
    network = brief(estimator, data)
    network.set_callbacks(RaiseInEpoch(KeyboardInterrupt, epoch=2))
    with warnings.catch_warnings(), suppress(KeyboardInterrupt):
        warnings.simplefilter("ignore", InterruptedWarning)
        fit(network, data)
        raise AssertionError("fit did not raise KeyboardInterrupt.")
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
"""Settings that a user may have made."""
