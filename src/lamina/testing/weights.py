"""Checks of sample weights: 2 is equivalent to twice, 0 to absent; only ratios matter."""

import numpy as np

from lamina.estimators.base import NeuralEstimator
from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import assert_close, exact, outputs

N_EPOCHS = 5
TOLERANCE = 1e-3


def check_weight_two_is_twice(estimator: NeuralEstimator, data: Example) -> None:
    """A sample of weight 2 is equivalent to two samples."""
    weight = np.ones(len(data))
    weight[::3] = 2
    rows = np.repeat(np.arange(len(data)), weight.astype(int))
    weighted = _trained(estimator, data, np.arange(len(data)), weight)
    repeated = _trained(estimator, data, rows)
    assert_close(weighted, repeated, TOLERANCE, "weight 2, and the sample twice")


def check_weight_zero_is_absent(estimator: NeuralEstimator, data: Example) -> None:
    """A sample of weight 0 has no effect, not even on scales."""
    weight = np.ones(len(data))
    weight[::4] = 0
    weighted = _trained(estimator, data, np.arange(len(data)), weight)
    without = _trained(estimator, data, np.flatnonzero(weight))
    assert_close(weighted, without, TOLERANCE / 10, "weight 0, and the sample left out")


def check_only_ratios_of_weights_count(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Equal weights are equivalent to no weights, and a common factor has no effect."""
    rows = np.arange(len(data))
    unweighted = _trained(estimator, data, rows)
    equal = _trained(estimator, data, rows, np.full(len(data), 3.0))
    assert_close(equal, unweighted, TOLERANCE, "weights that are all 3, and none")
    weight = np.linspace(0.5, 2, len(data))
    weighted = _trained(estimator, data, rows, weight)
    scaled = _trained(estimator, data, rows, 1000 * weight)
    assert_close(
        scaled, weighted, TOLERANCE / 10, "weights, and 1000 times the weights"
    )
    assert not np.allclose(weighted, unweighted, atol=1e-6), "Weights have no effect"


def _trained(
    estimator: NeuralEstimator,
    data: Example,
    rows: np.ndarray,
    weight: np.ndarray | None = None,
) -> np.ndarray:
    """Outputs, scaled to about 1, of a network trained on these samples as one batch."""
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
    values = outputs(network, data.X)
    if kind_of(estimator) != "numbers":
        return values
    return values / max(1.0, float(np.abs(data.target(estimator)).max()))
