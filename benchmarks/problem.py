"""The problem that all contenders of a benchmark solve, with equal settings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Problem:
    """Samples, a network, and its training: Adam at 1e-3 without regularisation.

    `module`, `keras` and `ours` build the same network: as an nn.Module that maps `X` to
    logits, as a Keras model, and as an estimator of lamina.
    """

    X: Any
    y: np.ndarray
    X_test: Any
    y_test: np.ndarray
    n_epochs: int
    batch_size: int
    module: Callable[[], Any] | None = None
    keras: Callable[[Any], Any] | None = None
    ours: Callable[[], Any] | None = None
    flops: float = 0.0
    """Floating-point operations of the matrix products of a fit."""

    @property
    def n_classes(self) -> int:
        return int(self.y.max()) + 1


EQUAL = {
    "optimizer": "adam",
    "learning_rate_init": 1e-3,
    "alpha": 0.0,
    "dropout": 0.0,
    "schedule": "constant",
    "max_grad_norm": None,
    "n_iter_no_change": 10_000,
    "random_state": 0,
}
"""Parameters that make an estimator of lamina equal to the other contenders."""

PLAIN = {"n_members": 1, "numeric_embedding": "none"}
"""Those of a dense network: one member, and numbers as they are."""


def split(
    X: Any, y: np.ndarray, n_test: int
) -> tuple[Any, np.ndarray, Any, np.ndarray]:
    """The last samples are the test set."""
    return X[:-n_test], y[:-n_test], X[-n_test:], y[-n_test:]
