"""Forecasts: scales of series, missing steps, scores, forms of data."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.model_selection import TimeSeriesSplit, cross_val_score

from lamina import Forecaster
from lamina.encoders.forecasting.seasons import season_of
from lamina.exceptions import DataError
from lamina.tasks.forecasting import scaled_error

SMALL = {"horizon": 4, "season": 3, "hidden_size": 8, "n_layers": 1, "random_state": 0}


def waves(n, steps, seed=0, noise=0.1):
    rng = np.random.default_rng(seed)
    t = np.arange(steps)
    phases = rng.uniform(0, 2 * np.pi, n)[:, None]
    return np.sin(2 * np.pi * t / 12 + phases) + noise * rng.normal(size=(n, steps))


X = [series[: 20 + 3 * i] for i, series in enumerate(waves(8, 60))]


@pytest.fixture(scope="module")
def network():
    return Forecaster(max_iter=3, quantiles=(0.9, 0.1), **SMALL).fit(X)


def test_forecasts_have_the_scale_of_each_series(network):
    plain = network.predict(X)
    moved = network.predict([1000 * x - 7 for x in X])
    np.testing.assert_allclose(moved, 1000 * plain - 7, rtol=1e-4, atol=1e-2)


def test_a_window_is_cut_from_the_series(network):
    x = [np.concatenate([np.full(50, 1e6), X[7]])]
    # Only the seasonal baseline depends on steps before the window.
    np.testing.assert_allclose(network.predict(x), network.predict(X[7:]), atol=0.5)


def test_training_windows_are_those_of_a_loop(network):
    samples = network.encoder_.encode(network.encoder_.read(X)).in_training()
    batch = samples.take(torch.arange(len(samples)))
    row = 0
    for i, x in enumerate(X):
        for end in range(4, len(x) - 3):
            history = x[max(0, end - network.encoder_.window) : end]
            level = history[-3:].mean()
            scale = history.std()
            n = len(history)
            assert (
                int(samples.sample_index[row]) == i and int(batch.lengths[row]) == n + 4
            )
            np.testing.assert_allclose(
                batch.x[row, :n, 0], (history - level) / scale, atol=1e-4
            )
            np.testing.assert_allclose(
                batch.target[row], (x[end : end + 4] - level) / scale, atol=1e-4
            )
            seasons = [x[first : first + 3] for first in range(end - 3, -1, -3)]
            usual = np.median([part - part.mean() for part in seasons], axis=0)
            np.testing.assert_allclose(
                batch.x[row, n : n + 4, 4], np.resize(usual, 4) / scale, atol=1e-4
            )
            naive = [history[n - 3 + h % 3] for h in range(4)]
            np.testing.assert_allclose(
                batch.level_and_scale[row], [level, scale], atol=1e-5
            )
            np.testing.assert_allclose(
                batch.x[row, n : n + 4, 3], (naive - level) / scale, atol=1e-4
            )
            assert not batch.x[row, n:, :2].any() and not batch.x[row, n + 4 :].any()
            row += 1
    assert row == len(samples)


def test_missing_steps_have_no_effect(network):
    holes = [x.copy() for x in X]
    for x in holes:
        x[[2, 7, -2]] = np.nan
    assert np.isfinite(network.predict(holes)).all()
    samples = network.encoder_.encode(network.encoder_.read(holes)).in_training()
    batch = samples.take(torch.arange(len(samples)))
    assert batch.target.isnan().any()
    net, task = network.network_, network.task_
    loss = task.loss(net, batch)
    known = ~batch.target.isnan()
    with torch.inference_mode():
        net.eval()
        output = task.output(net, batch)[..., 0]
    errors = (output - batch.target).abs()
    assert known.any(1).all() and np.isfinite(loss.item())
    means = [e[k].mean() for e, k in zip(errors, known, strict=True)]
    median = Forecaster(max_iter=1, **SMALL).fit(holes)
    assert np.isfinite(median.loss_curve_).all() and len(means) == len(samples)
    loss.backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())
    score = network.score(holes)
    assert np.isfinite(score)


def test_score_is_mase_of_the_held_out_steps(network):
    forecasts = network.predict([x[:-4] for x in X])
    errors = []
    for x, forecast in zip(X, forecasts, strict=True):
        scale = np.mean([abs(x[t] - x[t - 3]) for t in range(3, len(x) - 4)])
        errors.append(
            np.mean([abs(x[len(x) - 4 + h] - forecast[h]) for h in range(4)]) / scale
        )
    assert network.score(X) == pytest.approx(-np.mean(errors), rel=1e-5)
    y = np.stack([x[-4:] for x in X])
    assert network.score([x[:-4] for x in X], y) == pytest.approx(network.score(X))
    weight = np.arange(8)
    wanted = -np.average(errors, weights=weight)
    assert network.score(X, sample_weight=weight) == pytest.approx(wanted, rel=1e-5)


def test_series_that_never_change_have_no_scale():
    assert np.isnan(scaled_error(np.ones(20), np.ones(4), 4, 3))
    network = Forecaster(max_iter=1, **SMALL).fit([np.ones(20), X[0]])
    np.testing.assert_allclose(network.predict([np.full(9, 5.0)]), 5.0, rtol=0.2)
    with pytest.raises(DataError, match="No series"):
        network.score([np.ones(20)])


def test_quantiles_rise_and_keep_their_order(network):
    quantiles = network.predict_quantiles(X)
    assert quantiles.shape == (8, 4, 2)
    assert (quantiles[:, :, 0] >= quantiles[:, :, 1]).all()  # .9 was asked for first
    assert network.predict_quantiles(X[0]).shape == (4, 2)


def test_padding_changes_nothing_forward_or_backward(network):
    net, task = network.network_, network.task_
    batch = (
        network.encoder_.encode(network.encoder_.read(X))
        .in_training()
        .take(torch.arange(20))
    )
    garbage = batch.x.clone()
    garbage[torch.arange(batch.x.shape[1]) >= batch.lengths[:, None]] = 1e3
    results = []
    for x in (batch.x, garbage):
        net.zero_grad()
        loss = task.loss(net, replace(batch, x=x))
        loss.backward()
        results.append([loss.detach(), *(p.grad.clone() for p in net.parameters())])
    for one, two in zip(*results, strict=True):
        torch.testing.assert_close(one, two)


def test_missing_steps_of_a_short_series_are_missing_targets(network):
    short = X[0][:6]
    samples = network.encoder_.encode(
        network.encoder_.read([X[1], short])
    ).in_training()
    (row,) = (samples.sample_index == 1).nonzero()[:, 0].tolist()
    batch = samples.take(torch.tensor([row]))
    level, scale = batch.level_and_scale[0]
    future = batch.target[0] * scale + level
    np.testing.assert_allclose(future[:2], short[4:], atol=1e-5)
    assert future[2:].isnan().all()


def test_seasons_are_found():
    rng = np.random.default_rng(0)
    t = np.arange(120)
    monthly = [
        np.sin(2 * np.pi * t / 12) + 0.3 * rng.normal(size=120) for _ in range(5)
    ]
    assert season_of(monthly) == 12
    assert season_of([x + 0.5 * rng.normal(size=120) for x in monthly * 9]) == 12
    assert season_of([rng.normal(size=240)]) == 1
    assert season_of([rng.normal(size=120).cumsum() for _ in range(20)]) == 1
    assert season_of([np.ones(50), t * 1.0]) == 1


def test_forms_of_data_are_the_same():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    rows = [
        {"shop": f"s{i}", "day": t, "sold": v, "rain": float(t % 3)}
        for i, x in enumerate(X)
        for t, v in enumerate(x)
    ]
    order = np.random.default_rng(0).permutation(len(rows))
    mixed = [rows[j] for j in sorted(order, key=lambda j: rows[j]["shop"])]
    arrays = [np.stack([x, np.arange(len(x)) % 3], 1) for x in X]
    expected = Forecaster(max_iter=1, **SMALL).fit(arrays).predict(arrays)
    columns = {"id_column": "shop", "time_column": "day", "value_column": "sold"}
    for frame in (pandas.DataFrame(mixed), polars.DataFrame(mixed)):
        network = Forecaster(max_iter=1, **columns, **SMALL).fit(frame)
        forecast = network.predict(frame)
        assert type(forecast) is type(frame) and list(forecast.columns) == [
            "shop",
            "day",
            "sold",
        ]
        values = forecast["sold"].to_numpy().reshape(8, 4)
        np.testing.assert_allclose(values, expected, atol=1e-5)
    with pytest.raises(DataError, match="value_column"):
        Forecaster(**SMALL).fit(pandas.DataFrame(rows))
    with pytest.raises(DataError, match="'sole' is not a column"):
        Forecaster(value_column="sole", **SMALL).fit(pandas.DataFrame(rows))
    with pytest.raises(ValueError, match="id_column"):
        Forecaster(id_column="shop", **SMALL).fit(X)


def test_a_single_series_gives_a_single_forecast():
    series = waves(1, 120)[0]
    network = Forecaster(max_iter=1, **SMALL).fit(series)
    assert network.predict(series).shape == (4,)
    assert network.predict(series.tolist()).shape == (4,)
    assert (network.predict() == network.predict(series)).all()
    assert network.predict(series[None]).shape == (1, 4)
    cv = TimeSeriesSplit(n_splits=3, test_size=12)
    scores = cross_val_score(Forecaster(max_iter=1, **SMALL), series, cv=cv)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ([X[0], X[0][:4]], "Series 1 has 4 steps"),
        ([X[0], []], "Series 1 has no value"),
        ([X[0], np.full(30, np.nan)], "Series 1 has no value"),
        ([X[0], [1.0, np.inf] * 20], "Series 1 contains inf"),
        ([X[0], ["a"] * 20], "Series 1 is not an array of numbers"),
        ([X[0], np.ones((30, 2))], "Series 1 has 2 columns"),
        ([], "0 sample"),
    ],
)
def test_what_cannot_be_forecast_is_refused_by_number(series, words):
    with pytest.raises(DataError, match=words):
        Forecaster(**SMALL).fit(series)


def test_early_stopping_and_validation_series():
    network = Forecaster(max_iter=2, early_stopping=True, **SMALL).fit(X)
    assert len(network.validation_scores_) == 2
    network = Forecaster(max_iter=2, **SMALL).fit(X, X_val=X[:3])
    assert network.validation_scores_[-1] == pytest.approx(
        network.score(X[:3]), rel=1e-5
    )


@pytest.mark.slow
def test_a_sine_is_forecast_to_the_noise_and_quantiles_cover():
    noise = 0.1
    train, test = waves(60, 120, noise=noise), waves(60, 120, seed=1, noise=noise)
    network = Forecaster(horizon=12, quantiles=(0.1, 0.9), random_state=0)
    network.fit(train)
    assert network.task_.season == 12
    truth, histories = test[:, -12:], test[:, :-12]
    error = np.abs(network.predict(histories) - truth).mean()
    floor = noise * np.sqrt(2 / np.pi)
    assert error < 1.15 * floor
    low, high = np.moveaxis(network.predict_quantiles(histories), 2, 0)
    assert np.mean((truth > low) & (truth < high)) == pytest.approx(0.8, abs=0.07)
