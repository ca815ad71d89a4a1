"""Values that float32 does not hold once they are scaled are refused by their place."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from lamina import CNNClassifier, CNNRegressor, DNNRegressor, Forecaster, RNNRegressor
from lamina.encoders.tables import encoder as table_encoder
from lamina.exceptions import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X[:, 0] + X[:, 1]
S = RNG.normal(size=(40, 5, 2))
DNN = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
RNN = {"hidden_size": 4, "n_layers": 1, "max_iter": 2, "random_state": 0}


def spoilt(array, at, value):
    copied = np.array(array)
    copied[at] = value
    return copied


TOO_FAR = [1e300, -1e39, np.finfo(np.float64).max]


@pytest.mark.parametrize("value", TOO_FAR)
def test_a_number_of_a_table_beyond_float32_is_refused_by_column_and_row(value):
    weight = np.ones(40)
    weight[:9] = 0
    words = rf"'b' contains {value} in row 30, so far".replace("+", r"\+")
    bad = pd.DataFrame(spoilt(X, (30, 1), value), columns=list("abc"))
    good = pd.DataFrame(X, columns=list("abc"))
    network = DNNRegressor(**DNN).fit(good, Y)
    for call in (
        lambda: network.predict(bad),
        lambda: network.score(bad, Y),
        lambda: network.fit(bad, Y),
        lambda: network.fit(bad, Y, weight),
        lambda: DNNRegressor(**DNN, early_stopping=True).fit(bad, Y, weight),
        lambda: network.fit(good, Y, None, bad, Y),
    ):
        with pytest.raises(DataError, match=words):
            call()


@pytest.mark.parametrize("kind", [sparse.csr_matrix, np.float32, np.asarray])
def test_rows_that_are_scaled_for_each_batch_are_refused_by_column_and_row(
    kind, monkeypatch
):
    monkeypatch.setattr(table_encoder, "LARGE", 0)
    X_constant = np.c_[X, np.zeros(40)]
    X_constant[:, 3] = 1e-35 * np.arange(40)
    network = DNNRegressor(**DNN).fit(kind(X_constant), Y)
    bad = kind(spoilt(X_constant, (30, 3), 1e37))
    for call in (lambda: network.predict(bad), lambda: network.fit(bad[9:], Y[9:])):
        with pytest.raises(DataError, match=r"Column 3 contains .* in row (30|21)"):
            call()


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble])
def test_numbers_of_half_and_more_than_double_precision_are_read(dtype):
    values = X.astype(np.float16)
    truth = DNNRegressor(**DNN).fit(values.astype(np.float64), Y)
    network = DNNRegressor(**DNN).fit(values.astype(dtype), Y)
    expected = truth.predict(values.astype(np.float64))
    np.testing.assert_allclose(network.predict(values.astype(dtype)), expected, 1e-6)
    if dtype is np.longdouble:
        with pytest.raises(DataError, match="Column 0 contains infinity in row 0"):
            network.predict(X.astype(dtype) * np.longdouble("1e4000"))


@pytest.mark.parametrize("value", TOO_FAR)
def test_a_number_of_series_beyond_float32_is_refused_by_sample_and_channel(value):
    network = RNNRegressor(**RNN).fit(S, Y)
    bad = spoilt(S, (30, 2, 1), value)
    words = rf"Sample 30 of X contains {value} in step 2, channel 1".replace("+", r"\+")
    for data in (bad, list(bad)):
        with pytest.raises(DataError, match=words):
            network.predict(data)
        with pytest.raises(DataError, match=words):
            RNNRegressor(**RNN, early_stopping=True).fit(data, Y)


@pytest.mark.parametrize("value", [1e300, -1e45])
@pytest.mark.parametrize("column", [0, 1])
def test_a_number_of_histories_beyond_float32_is_refused_by_series_and_step(
    value, column
):
    histories = np.random.default_rng(0).normal(size=(3, 40, 2)).cumsum(1)
    small = {**RNN, "horizon": 2, "season": 1}
    network = Forecaster(**small).fit(list(histories))
    bad = list(spoilt(histories, (1, 30, column), value))
    with pytest.raises(DataError, match=r"Series 1 has -?1e\+\d+ in step 30"):
        Forecaster(**small).fit(bad)
    if column == 1:
        with pytest.raises(DataError, match=r"Series 1 has -?1e\+\d+ in step 30"):
            network.predict(bad)
    else:
        assert np.isfinite(network.predict(bad)).all()
    with pytest.raises(DataError, match="Series 1 contains 1e\\+307 in step 30"):
        network.predict(list(spoilt(histories, (1, 30, column), 1e307)))


def test_an_image_beyond_float32_is_refused_by_sample():
    flat = 1e25 * np.random.default_rng(0).random((20, 6, 6, 3))
    flat[..., 2] *= 1e-45
    network = CNNClassifier(n_filters=2, max_iter=1).fit(flat, np.arange(20) % 2)
    with pytest.raises(DataError, match="Sample 3 of X contains 9e\\+24 in channel 2"):
        network.predict(spoilt(flat, (3, 0, 0, 2), 9e24))
    half = np.random.default_rng(0).random((20, 6, 6, 3)).astype(np.float16)
    network = CNNRegressor(n_filters=2, max_iter=1).fit(half, np.arange(20.0))
    for call in (network.predict, lambda X: network.fit(X, np.arange(20.0))):
        with pytest.raises(DataError, match="Sample 3 of X contains inf"):
            call(spoilt(half, (3, 0, 0, 2), np.inf))


@pytest.mark.parametrize("value", [1.1e300, -np.finfo(float).max, np.inf, 10**400])
def test_a_target_whose_predictions_could_overflow_is_refused_by_row(value):
    y = [*Y[:7], value, *Y[8:]]
    network = DNNRegressor(**DNN, loss="absolute_error").fit(X, Y)
    for call in (network.fit, network.score):
        with pytest.raises(DataError, match=r"y\[7\] is .*divide y by a constant"):
            call(X, y)
    largest = np.where(np.arange(40) % 2, 1e300, -1e300)
    assert np.isfinite(network.fit(X, largest).predict(10 * X)).all()


def test_targets_of_another_shape_are_refused_in_score_too():
    network = DNNRegressor(**DNN).fit(X, Y)
    with pytest.raises(DataError, match=r"fitted on targets of shape"):
        network.score(X, np.c_[Y, Y])


@pytest.mark.parametrize("ratio", [1e-31, 1e-90, 5e-324])
def test_a_weight_that_float32_would_lose_beside_others_is_refused_by_row(ratio):
    weight = np.ones(40)
    weight[7] = ratio
    with pytest.raises(DataError, match=r"sample_weight\[7\].*1e-30 times"):
        DNNRegressor(**DNN).fit(X, Y, weight)
    weight[7] = 1e-29
    assert np.isfinite(DNNRegressor(**DNN).fit(X, Y, 1e-60 * weight).loss_curve_).all()
