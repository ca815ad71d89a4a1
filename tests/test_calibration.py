"""Reliability curves and the expected calibration error."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from lamina.reporting.calibration import calibration_error, reliability


def test_bins_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.001, 0.999, size=500)
    right = rng.random(500) < p
    numbers, means, accuracies = reliability(p, right)
    wanted, wanted_means = calibration_curve(right, p, n_bins=10)
    np.testing.assert_allclose(accuracies[numbers > 0], wanted)
    np.testing.assert_allclose(means[numbers > 0], wanted_means)
    gaps = np.abs(wanted - wanted_means)
    error = (gaps * numbers[numbers > 0]).sum() / 500
    assert calibration_error(p, right) == pytest.approx(error)


def test_certain_and_right_has_no_error():
    assert calibration_error(np.ones(5), np.ones(5, bool)) == 0
    assert calibration_error(np.ones(5), np.zeros(5, bool)) == 1
