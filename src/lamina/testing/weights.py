"""Checks of sample weights: 2 counts as twice, 0 as absent, and only ratios count."""

from typing import Any

import numpy as np

from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import assert_close, exact, outputs

N_EPOCHS = 5
TOLERANCE = 1e-3


def check_weight_two_is_twice(estimator: Any, data: Example) -> None:
    """A sample of weight 2 counts as much as one that is there twice."""
    weight = np.ones(len(data))
    weight[::3] = 2
    rows = np.repeat(np.arange(len(data)), weight.astype(int))
    weighted = _trained(estimator, data, np.arange(len(data)), weight)
    repeated = _trained(estimator, data, rows)
    assert_close(weighted, repeated, TOLERANCE, "weight 2, and the sample twice")


def check_weight_zero_is_absent(estimator: Any, data: Example) -> None:
    """A sample of weight 0 has no part in anything, not even in scales."""
    weight = np.ones(len(data))
    weight[::4] = 0
    weighted = _trained(estimator, data, np.arange(len(data)), weight)
    without = _trained(estimator, data, np.flatnonzero(weight))
    assert_close(weighted, without, TOLERANCE / 10, "weight 0, and the sample left out")


def check_only_ratios_of_weights_count(estimator: Any, data: Example) -> None:
    """Weights that are all 3 are no weights, and their unit does not matter."""
    everything = np.arange(len(data))
    plain = _trained(estimator, data, everything)
    equal = _trained(estimator, data, everything, np.full(len(data), 3.0))
    assert_close(equal, plain, TOLERANCE, "weights that are all 3, and none")
    weight = np.linspace(0.5, 2, len(data))
    some = _trained(estimator, data, everything, weight)
    larger = _trained(estimator, data, everything, 1000 * weight)
    assert_close(larger, some, TOLERANCE / 10, "weights, and a thousand times as much")
    assert not np.allclose(some, plain, atol=1e-6), "Weights change nothing"


def _trained(
    estimator: Any, data: Example, rows: np.ndarray, weight: Any = None
) -> np.ndarray:
    """Outputs, on a scale of 1, of a network that saw these samples in one batch."""
    n_present = len(rows) if weight is None else np.count_nonzero(weight)
    network = exact(
        estimator,
        data,
        max_iter=N_EPOCHS,
        max_grad_norm=None,
    )
    if kind_of(estimator) != "nothing":
        network.set_params(batch_size=int(n_present))
    y = data.target(estimator, rows)
    network.fit(data.rows(rows), y, sample_weight=weight)
    return outputs(network, data.X) / max(1.0, float(np.abs(data.numbers).max()))
