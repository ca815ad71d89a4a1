"""Seasons are detected, and noise has none."""

import numpy as np
import pytest

from lamina.encoders.forecasting.seasons import forward_fill, season_of

T = np.arange(720)
SEEDS = [np.random.default_rng(i) for i in range(15)]


def rate(make, season, **candidates):
    rngs = [np.random.default_rng(i) for i in range(15)]
    return np.mean([season_of([make(rng)], **candidates) == season for rng in rngs])


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("trend", [0.0, 0.05])
def test_the_period_of_a_sine_is_found(noise, trend):
    def sine(rng):
        return np.sin(T * np.pi / 12) + trend * T + noise * rng.normal(size=720)

    assert rate(sine, 24) == 1


@pytest.mark.parametrize("season", [2, 7, 12, 52])
def test_any_pattern_is_found(season):
    def pattern(rng):
        steps = np.arange(10 * season + 40)
        return np.resize(rng.normal(size=season), len(steps)) + 0.3 * rng.normal(
            size=len(steps)
        )

    assert rate(pattern, season) >= 0.9


def test_a_season_on_a_random_walk_is_found():
    def walk(rng):
        return np.sin(T * np.pi / 12) + 0.2 * rng.normal(size=720).cumsum()

    assert rate(walk, 24) == 1


def test_hours_with_day_and_week_have_one_of_the_two():
    def load(rng):
        weekend = T // 24 % 7 >= 5
        curve = np.sin(T * np.pi / 12) * np.where(weekend, 0.4, 1)
        return curve + 0.2 * rng.normal(size=720)

    for candidates in (None, [24, 168]):
        seasons = {season_of([load(rng)], candidates) for rng in SEEDS}
        assert seasons <= {24, 168}


def test_five_years_of_months_are_enough_where_months_are_known():
    def months(rng):
        pattern = np.resize(rng.normal(size=12), 60)
        return pattern + 0.03 * np.arange(60) + 0.4 * rng.normal(size=60)

    assert rate(months, 12, candidates=[12]) >= 0.9


@pytest.mark.parametrize("phi", [0.0, 0.7, 0.95, 1.0, -0.7])
def test_noise_has_no_season(phi):
    def noise(rng):
        values = np.zeros(300)
        for step in range(1, 300):
            values[step] = phi * values[step - 1] + rng.normal()
        return values

    seasons = [season_of([noise(np.random.default_rng(i))]) for i in range(60)]
    assert np.mean(np.array(seasons) == 1) >= 0.9


def test_series_without_noise_or_change():
    assert season_of([np.ones(50), T * 1.0]) == 1
    assert season_of([np.arange(60) % 2 + 10.0]) == 2
    assert season_of([np.where(np.arange(203) % 7 >= 5, 100.0, 10.0)]) == 7
    assert season_of([np.ones(3)]) == 1


def test_missing_steps_are_filled_from_the_season_before_only():
    values = np.resize([1.0, 2.0, 3.0], 12)
    holes = values.copy()
    holes[[4, 7, 10, 11]] = np.nan
    np.testing.assert_array_equal(forward_fill(holes, 3), values)
    start = np.array([np.nan, 5.0, np.nan, 7.0])
    np.testing.assert_array_equal(forward_fill(start), [5, 5, 5, 7])
    rng = np.random.default_rng(0)
    series = np.sin(T * np.pi / 12) + 0.1 * rng.normal(size=720)
    series[rng.choice(720, 60, replace=False)] = np.nan
    assert season_of([series]) == 24
