"""Confidence intervals of scores."""

from math import sqrt

import numpy as np
import pytest

from lamina.reporting.intervals import Intervals


def test_wilson_is_the_formula():
    n, k, z = 50, 45, 1.959964
    p = k / n
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    score = Intervals(n, 0.95, 10, 0).of_fraction("", k, n)
    assert score.value == p
    assert score.interval == pytest.approx((centre - half, centre + half), abs=1e-6)


def test_bootstrap_of_a_mean_is_that_of_normal_values():
    values = np.random.default_rng(0).normal(size=400)
    score = Intervals(400, 0.9, 2_000, 0).of_mean("", values)
    half = 1.645 * values.std() / sqrt(400)
    mean = values.mean()
    assert score.interval == pytest.approx((mean - half, mean + half), abs=0.01)


def test_one_sample_has_no_interval():
    score = Intervals(1, 0.95, 10, 0).of_mean("", np.ones(1))
    assert (score.interval, score.method) == (None, "none")


def test_undefined_resamples_are_left_out():
    def defined_with_the_first(rows):
        return float(rows.mean()) if 0 in rows else np.nan

    score = Intervals(20, 0.95, 100, 0).of_rows("", defined_with_the_first)
    assert score.interval is not None
    score = Intervals(20, 0.95, 100, 0).of_rows("", lambda rows: np.nan)
    assert score.interval is None
