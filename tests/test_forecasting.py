"""Containers of forecasts, known futures, bounds, gaps and frozen values."""

import numpy as np
import pytest
from sklearn.model_selection import KFold, TimeSeriesSplit, cross_val_score

from lamina import Forecaster
from lamina.exceptions import DataError, DataWarning, ParameterError

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

SMALL = {"horizon": 3, "season": 2, "hidden_size": 4, "max_iter": 1, "random_state": 0}
MONTHS = pd.date_range("2024-01-31", periods=60, freq="ME")
Y = np.sin(np.arange(60.0)) + 5


def fit(X, **params):
    return Forecaster(**(SMALL | params)).fit(X)


def long_frame():
    parts = [pd.DataFrame({"id": i, "t": MONTHS, "y": Y * i}) for i in (7, 3)]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("index", "after"),
    [
        (MONTHS, pd.date_range("2029-01-31", periods=3, freq="ME")),
        (pd.period_range("2024-01", periods=60, freq="M"), None),
        (pd.date_range("2024-02-20", periods=60, tz="Europe/Berlin"), None),
        (pd.date_range("2024-01-01", periods=60, freq="B", unit="ns"), None),
        (pd.RangeIndex(100, 160), pd.RangeIndex(160, 163)),
        (pd.RangeIndex(60), pd.RangeIndex(60, 63)),
        (
            MONTHS.strftime("%Y-%m-%d"),
            pd.Index(["2029-01-31", "2029-02-28", "2029-03-31"]),
        ),
    ],
)
def test_a_forecast_of_a_series_is_a_series(index, after):
    series = pd.Series(Y, index.rename("when"), name="sales")
    network = fit(series, quantiles=(0.1, 0.9))
    forecast = network.predict()
    if after is None:
        after = index[-1:].union(index.shift(3))[-3:]
    assert forecast.name == "sales" and forecast.index.name == "when"
    assert forecast.index.dtype == index.dtype
    assert list(forecast.index) == list(after)
    expected = fit(Y, quantiles=(0.1, 0.9)).predict(Y)
    np.testing.assert_allclose(forecast.to_numpy(), expected, atol=1e-5)
    quantiles = network.predict_quantiles(series)
    assert list(quantiles.columns) == ["0.1", "0.9"] and len(quantiles) == 3
    assert (quantiles.index == forecast.index).all()


def test_forecasts_of_a_frame_are_a_frame_of_the_same_library():
    frame = long_frame()
    columns = {"id_column": "id", "time_column": "t", "value_column": "y"}
    expected = fit([Y * 7, Y * 3], quantiles=(0.5,)).predict()
    future = pd.date_range("2029-01-31", periods=3, freq="ME")
    for X in (frame, pl.from_pandas(frame), pa.Table.from_pandas(frame)):
        network = fit(X, **columns, quantiles=(0.5,))
        forecast = network.predict(X)
        assert type(forecast) is type(X)
        plain = forecast if isinstance(forecast, pd.DataFrame) else forecast.to_pandas()
        assert list(plain.columns) == ["id", "t", "y"]
        assert plain.id.tolist() == [7] * 3 + [3] * 3
        assert plain.t.tolist() == [*future, *future]
        np.testing.assert_allclose(
            plain.y.to_numpy().reshape(2, 3), expected, rtol=1e-4
        )
        quantiles = network.predict_quantiles()
        names = quantiles.column_names if isinstance(X, pa.Table) else quantiles.columns
        assert list(names) == ["id", "t", "0.5"]
    levels = frame.set_index(["id", "t"])
    forecast = fit(levels).predict()
    assert forecast.index.names == ["id", "t"] and forecast.columns.tolist() == ["y"]
    assert forecast.loc[3].index.tolist() == list(future)
    steps = fit(frame.drop(columns="t"), id_column="id").predict()
    assert steps.step.tolist() == [1, 2, 3] * 2
    single = fit(frame[:60].drop(columns="id"), time_column="t").predict()
    assert list(single.columns) == ["t", "y"] and single.t.tolist() == list(future)
    assert fit(pl.Series("y", Y)).predict().name == "y"


def test_one_series_of_several_is_forecast_alone():
    frame = long_frame()
    columns = {"id_column": "id", "time_column": "t", "value_column": "y"}
    network = fit(frame, **columns)
    whole, part = network.predict(frame), network.predict(frame[frame.id == 3])
    np.testing.assert_allclose(part.y, whole.y[3:], rtol=1e-4)
    assert network.predict(frame[:60]).id.tolist() == [7] * 3


def test_y_of_score_is_matched_by_id_and_stamp():
    frame = long_frame()
    columns = {"id_column": "id", "time_column": "t", "value_column": "y"}
    network = fit(frame, **columns)
    expected = network.score(frame)
    is_last = frame.t > MONTHS[-4]
    history, y = frame[~is_last], frame[is_last]
    assert network.score(history, y[::-1]) == pytest.approx(expected, rel=1e-6)
    assert network.score(history, y.y.to_numpy().reshape(2, 3)) == pytest.approx(
        expected
    )
    with pytest.raises(DataError, match="lacks the time 2028-12-31"):
        network.score(history, y[y.t < MONTHS[-1]])
    with pytest.raises(DataError, match="no steps of the series 3"):
        network.score(history, y[y.id == 7])
    with pytest.raises(DataError, match="shape"):
        network.score(history, [1.0, 2.0])


def promotions(n=300):
    rng = np.random.default_rng(0)
    promo = rng.integers(0, 2, n).astype(float)
    y = 10 + 20 * promo + 0.1 * rng.normal(size=n)
    days = pd.date_range("2024", periods=n)
    return pd.DataFrame(
        {"y": y, "noise": rng.normal(size=n), "promo": promo}, index=days
    )


def test_the_future_of_known_columns_is_used():
    frame = promotions()
    params = {"value_column": "y", "season": 1, "known_columns": ["promo"]}
    network = fit(frame[:290], **params, max_iter=30, hidden_size=16)
    future = frame[290:]
    forecast = network.predict(frame[:290], future=future[["promo"]])
    assert np.abs(forecast.y - future.y[:3]).max() < 3
    assert network.score(frame) > network.score(frame.assign(promo=1 - frame.promo))
    again = network.predict(future=future[["promo"]][::-1])
    np.testing.assert_allclose(again, forecast)
    as_array = network.predict(future=future.promo.to_numpy()[:3])
    np.testing.assert_allclose(as_array, forecast)
    score = network.score(frame[:290], future.y[:3], future=future[["promo"]])
    assert score == pytest.approx(network.score(frame[:293]), rel=1e-5)
    assert network.score(frame[:290], future) == pytest.approx(score)


def test_known_columns_of_arrays_are_numbers():
    array = promotions().to_numpy()
    params = {"season": 1, "known_columns": (2,), "max_iter": 30, "hidden_size": 16}
    network = fit([array[:290], array[:200]], **params)
    future = np.stack([array[290:293, 2], array[200:203, 2]])
    forecast = network.predict(future=future)
    truth = np.stack([array[290:293, 0], array[200:203, 0]])
    assert np.abs(forecast - truth).max() < 3
    other = network.predict(future=1 - future)
    assert np.abs(other - truth).min() > 10


@pytest.mark.parametrize(
    ("future", "words"),
    [
        (None, r"\['promo'\] are known_columns"),
        (promotions()[290:][["noise"]].assign(a=1), r"lacks the columns \['promo'\]"),
        (promotions()[290:][["promo"]].assign(sun=1), r"\['sun'\], which X does not"),
        (promotions()[291:][["promo"]], "lacks the time 2024-10-17"),
        (promotions()[290:292][["promo"]], "lacks the time 2024-10-19"),
        (np.ones(4), "has shape"),
        ([1.0, "a", 2.0], "future"),
    ],
)
def test_a_wrong_future_is_refused_by_name(future, words):
    params = {"value_column": "y", "season": 1, "known_columns": ["promo"]}
    network = fit(promotions()[:290], **params)
    with pytest.raises(DataError, match=words):
        network.predict(future=future)


def test_a_future_without_known_columns_is_refused():
    with pytest.raises(DataError, match="known_columns was empty"):
        fit(Y).predict(future=Y)


def test_bounds_clip_forecasts_and_quantiles():
    series = np.abs(np.random.default_rng(0).normal(size=80))
    network = fit(series, quantiles=(0.001, 0.999), max_iter=3)
    free = network.predict_quantiles()
    network.set_params(lower=0.0, upper=0.5)
    np.testing.assert_allclose(network.predict_quantiles(), np.clip(free, 0, 0.5))
    assert network.predict().max() <= 0.5
    with pytest.raises(DataError, match=r"beyond lower=1\.0"):
        fit(series, lower=1.0)
    with pytest.raises(ParameterError, match="lower"):
        network.set_params(lower="a").score(series)
    with pytest.raises(ParameterError, match="not below"):
        fit(series, lower=1.0, upper=1.0)


def test_a_weekly_pattern_continues_after_a_gap():
    y = np.where(np.arange(203) % 7 >= 5, 100.0, 10.0)
    for gap in (slice(196, 199), slice(190, 203), slice(100, 160)):
        holes = y.copy()
        holes[gap] = np.nan
        network = Forecaster(horizon=7, season=7, max_iter=5, random_state=0).fit(holes)
        np.testing.assert_allclose(
            network.predict(), [10, 10, 10, 10, 10, 100, 100], atol=1
        )


def test_missing_steps_of_other_columns_are_no_error():
    X = [np.stack([Y, np.arange(60.0)], 1) for _ in range(3)]
    X[1][4:9, 1] = np.nan
    assert np.isfinite(fit(X).predict()).all()


def test_a_warm_fit_forecasts_the_series_it_saw_last():
    a, b = [np.arange(60.0) % 2 + 10] * 2, [np.arange(60.0) % 2 + 1000]
    network = fit(a, horizon=1, warm_start=True).fit(b)
    assert network.predict().shape == (1, 1)
    np.testing.assert_allclose(network.predict(), 1000, atol=3)
    network.set_params(warm_start=False, season="auto").fit(
        [np.resize([1.0, 5, 2], 60)]
    )
    assert network.season_ == 3


def test_values_of_fit_stay_until_the_next_fit():
    network = fit(Y).set_params(horizon=6, quantiles=(0.5,), season=5)
    assert network.predict(Y).shape == (3,)
    expected = fit(Y).score(Y)
    assert network.score(Y) == pytest.approx(expected)
    assert network.score(Y[:-3], Y[-3:]) == pytest.approx(expected)


def test_a_horizon_that_cannot_be_learnt_is_refused():
    with pytest.raises(DataError, match="needs at least 62"):
        fit(5.0 * np.arange(30), horizon=60, season=1)
    with pytest.raises(DataError, match=r"Series 0 has 5 steps.*at least 6"):
        Forecaster(**SMALL).fit([Y], X_val=[Y[:5]])


def test_a_single_series_with_stamps_is_cross_validated():
    series = pd.Series(Y, MONTHS)
    cv = TimeSeriesSplit(n_splits=3, test_size=6)
    scores = cross_val_score(Forecaster(**SMALL), series, cv=cv)
    assert np.isfinite(scores).all()
    with pytest.warns(DataWarning, match="TimeSeriesSplit"):
        cross_val_score(Forecaster(**SMALL), series, cv=KFold(3))


def test_quantiles_are_distinct_and_there_are_some():
    for quantiles in ((0.1, 0.1), ("a",), (2,)):
        with pytest.raises(ParameterError, match="quantiles"):
            fit(Y, quantiles=quantiles)
    with pytest.raises(ParameterError, match="quantiles"):
        fit(Y).predict_quantiles()


def test_y_is_refused_in_fit():
    with pytest.raises(DataError, match="y would be ignored"):
        Forecaster(**SMALL).fit(np.arange(60.0), Y)


def test_a_fold_with_a_gap_gives_a_warning():
    series = pd.Series(Y, MONTHS)
    with pytest.warns(DataWarning, match="TimeSeriesSplit"):
        fit(series.drop(MONTHS[20:40]))
