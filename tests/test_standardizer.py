"""Location and scale of columns, against numpy, scikit-learn and plain repetition."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from lamina import CNNRegressor, DNNRegressor
from lamina.encoders.standardizer import Standardizer
from lamina.exceptions import DataError, DataWarning

CALM = settings(deadline=None, max_examples=30)
TINY = {"hidden_layer_sizes": (4,), "max_iter": 1, "random_state": 0}
KINDS = [np.asarray, sparse.csr_matrix, sparse.csc_array]
NORMAL_RANGE = 1.349


def written(numbers, X):
    x = np.full((X.shape[0], numbers.n_channels), np.nan, np.float32)
    numbers.write(X, x, lambda row, column: f"Row {row}, column {column}")
    return x


def read(X, weight=None, fit_on=None):
    seen = X if fit_on is None else fit_on
    return written(Standardizer().fit(seen, weight), X)


def standardised(X):
    z = StandardScaler().fit_transform(X)
    return np.where(np.abs(z).max(axis=0) > 6, np.arcsinh(z), z)


def of_quartiles(column):
    low, median, high = np.percentile(column, [25, 50, 75], method="inverted_cdf")
    return np.arcsinh((column - median) / (high - low) * NORMAL_RANGE)


def clean(rng, n=500):
    """Columns that no outlier dominates: long and short tails, counts, rare ones."""
    return np.stack(
        [
            rng.normal(3, 5, n),
            rng.uniform(-1, 1, n),
            np.exp(rng.normal(size=n).clip(-3, 3)),
            rng.poisson(2, n),
            np.r_[np.ones(5), np.zeros(n - 5)],
            np.where(rng.random(n) < 0.05, rng.exponential(100, n), 0),
            np.r_[10.0, np.zeros(n - 1)],
            np.where(rng.random(n) < 0.1, 1000, rng.choice([0.0, 1000], n)),
        ],
        axis=1,
    )


@CALM
@given(st.integers(0, 10_000), st.sampled_from(KINDS))
def test_columns_without_outliers_are_standardised_and_long_tails_compressed(
    seed, kind
):
    X = clean(np.random.default_rng(seed))
    numbers = Standardizer().fit(kind(X), None)
    z = np.clip(standardised(X), -6, 6)
    np.testing.assert_allclose(written(numbers, X), z, atol=1e-5)


@CALM
@given(
    st.integers(0, 10_000),
    st.sampled_from([1e3, -1e6, 1e30]),
    st.sampled_from([0.002, 0.01, 0.05, 0.2]),
    st.sampled_from(KINDS),
)
def test_outliers_leave_the_quartiles_as_location_and_scale(seed, far, fraction, kind):
    rng = np.random.default_rng(seed)
    X = rng.normal(3, 5, (500, 3))
    X[: max(1, int(500 * fraction)), 1] = far * 5
    x = written(Standardizer().fit(kind(X), None), X)
    np.testing.assert_allclose(x[:, [0, 2]], standardised(X[:, [0, 2]]), atol=1e-5)
    truth = of_quartiles(X[:, 1].clip(-1e6, 1e6)).clip(-6, 6)
    np.testing.assert_allclose(x[:, 1], truth, atol=1e-5)
    if fraction < 0.1:
        assert 0.5 < x[-400:, 1].std() < 1.1


@pytest.mark.parametrize("kind", KINDS)
def test_an_outlier_does_not_change_a_column_of_mostly_zeros(kind):
    rng = np.random.default_rng(0)
    X = np.where(rng.random((1000, 1)) < 0.04, rng.uniform(1, 2, (1000, 1)), 0.0)
    spoilt = X.copy()
    spoilt[np.flatnonzero(X == 0)[:2]] = 999_999
    truth = Standardizer().fit(
        np.delete(spoilt, spoilt.argsort(axis=0)[-2:], axis=0), None
    )
    numbers = Standardizer().fit(kind(spoilt), None)
    np.testing.assert_allclose(numbers.mean, truth.mean, rtol=1e-9)
    np.testing.assert_allclose(numbers.scale, truth.scale, rtol=1e-9)


def spoilt_columns(rng, n=300):
    X = np.c_[clean(rng, n), rng.standard_cauchy(n), np.full(n, 0.1), clean(rng, n)]
    X[rng.random(X.shape) < 0.01] = 999_999
    X[5:9, 0], X[7:11, 10], X[20, 14] = np.nan, np.nan, np.nan
    return X


@CALM
@given(st.integers(0, 10_000), st.sampled_from(KINDS))
def test_weights_are_repetitions_and_only_their_ratios_count(seed, kind):
    rng = np.random.default_rng(seed)
    X = spoilt_columns(rng)
    times = rng.integers(1, 4, len(X))
    truth = read(X, fit_on=np.repeat(X, times, axis=0))
    for unit in (1, 1000, 1 / 3):
        x = read(X, times * unit, fit_on=kind(X))
        np.testing.assert_allclose(x, truth, atol=1e-6)
    equal = read(X, np.full(len(X), 3.0))
    np.testing.assert_allclose(equal, read(X), atol=1e-6)


@CALM
@given(st.integers(0, 10_000))
def test_sparse_matrices_are_read_as_arrays_and_nan_in_them_is_missing(seed):
    rng = np.random.default_rng(seed)
    X = spoilt_columns(rng)
    truth = Standardizer().fit(X, None)
    assert {0, 10, 14} == set(truth.missing)
    for kind in KINDS[1:]:
        numbers = Standardizer().fit(kind(X), None)
        np.testing.assert_array_equal(numbers.missing, truth.missing)
        np.testing.assert_allclose(written(numbers, X), written(truth, X), atol=1e-6)


def test_a_sparse_matrix_with_nan_is_predicted_as_an_array():
    X = np.random.default_rng(0).integers(0, 3, (40, 3)).astype(float)
    X[3, 1] = np.nan
    thin = sparse.csr_matrix(X)
    network = DNNRegressor(**TINY).fit(thin, np.arange(40.0))
    dense = DNNRegressor(**TINY).fit(X, np.arange(40.0))
    np.testing.assert_allclose(network.predict(thin), dense.predict(X), rtol=1e-5)


def test_infinity_in_a_sparse_matrix_is_refused_by_row_and_column():
    X = np.eye(4)
    X[2, 1] = -np.inf
    with pytest.raises(DataError, match=r"Column 1 .* row 2"):
        Standardizer().fit(sparse.csr_matrix(X), None)


def test_duplicate_entries_of_a_sparse_matrix_are_added():
    parts = ([1.0, 2, 5], ([0, 0, 1], [0, 0, 0]))
    thin = sparse.coo_matrix(parts, shape=(3, 1))
    doubled = sparse.csr_matrix(([1.0, 2, 5], [0, 0, 0], [0, 2, 3, 3]), shape=(3, 1))
    for matrix in (thin, doubled):
        assert Standardizer().fit(matrix, None).mean == pytest.approx(8 / 3)
    assert doubled.nnz == 3


@pytest.mark.parametrize("seed", range(3))
def test_single_and_double_precision_are_read_alike(seed):
    X = spoilt_columns(np.random.default_rng(seed)).astype(np.float32)
    np.testing.assert_allclose(read(X), read(X.astype(np.float64)), atol=1e-6)


@pytest.mark.parametrize("unit", [1e-310, 1e-290, 1e-200, 1e-100, 1e100, 1e200, 1e307])
@pytest.mark.parametrize("kind", KINDS)
def test_tiny_and_huge_numbers_are_standardised_like_others(unit, kind):
    z = np.random.default_rng(0).uniform(-9, 9, (200, 1))
    x = written(Standardizer().fit(kind(z * unit), None), z * unit)
    if unit > 1e-300:
        np.testing.assert_allclose(x, read(z), atol=1e-5)
    assert np.isfinite(x).all()
    assert x.std() > 0


def test_large_whole_numbers_keep_their_differences():
    k = np.random.default_rng(0).integers(0, 100, (1000, 1))
    for large in (10**15, -(2**52)):
        # float64 holds no fraction of a mean that large.
        np.testing.assert_allclose(read(k + large), read(k), atol=0.02)


def test_booleans_are_numbers():
    X = np.random.default_rng(0).random((50, 3)) < 0.3
    np.testing.assert_allclose(read(X), StandardScaler().fit_transform(X), atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 + 0.1, -3e-7, 1e300])
@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_column_becomes_zero(value, kind):
    X = np.full((1000, 1), value)
    assert not written(Standardizer().fit(kind(X), None), X).any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_without_values_warns_by_number_and_becomes_zero(kind):
    X = np.c_[np.arange(5.0), np.full(5, np.nan)]
    with pytest.warns(DataWarning, match="column 1 "):
        numbers = Standardizer().fit(kind(X), None)
    np.testing.assert_array_equal(written(numbers, X)[:, 1:], [[0, 1]] * 5)


def test_numbers_beyond_the_range_of_fit_end_at_six():
    seen = np.random.default_rng(0).normal(size=(1000, 2))
    seen[0, 1] = 999_999
    beyond = np.array([[5.0, 100], [7, 300], [-1e30, -1e37]])
    x = written(Standardizer().fit(seen, None), beyond)
    assert 4.5 < x[0, 0] < 5.5
    assert 5 < x[0, 1] < 5.6
    np.testing.assert_allclose(x[1:], [[6, 6], [-6, -6]])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("huge", [-np.finfo(float).max, 1e300, 1e39])
def test_a_number_that_float32_does_not_hold_once_scaled_is_refused_by_place(
    huge, kind
):
    X = np.random.default_rng(0).normal(size=(30_000, 3))
    X[5, 2] = np.nan
    beyond = X.copy()
    beyond[29_999, 1] = huge
    for seen in (X, beyond):
        with pytest.raises(DataError, match=r"Row 29999, column 1, so far"):
            read(beyond, fit_on=kind(seen))


def test_a_long_tail_that_is_to_be_kept_stays_linear_up_to_the_farthest_number():
    rng = np.random.default_rng(0)
    X = rng.laplace(size=(2000, 3))
    X[:, 2] = rng.normal(size=2000)
    X[1, 0], X[0, 1] = 30, 1e6
    numbers = Standardizer(keeps_tails=True).fit(X, None)
    x, z = written(numbers, X), StandardScaler().fit_transform(X)
    assert np.abs(z[:, 0]).max() > 6
    np.testing.assert_allclose(x[:, [0, 2]], z[:, [0, 2]], atol=1e-5)
    np.testing.assert_allclose(x[:, 1], of_quartiles(X[:, 1]).clip(-6, 6), atol=1e-5)
    beyond = written(numbers, np.full((1, 3), 1e30))[0]
    np.testing.assert_allclose(beyond, [np.abs(z[:, 0]).max(), 6, 6], rtol=1e-6)


PROBLEM = np.random.default_rng(0).normal(size=(600, 2))
TARGET = 3 * PROBLEM[:, 0]


@pytest.mark.parametrize("sentinel", [999_999, -1e30])
def test_a_sentinel_among_inputs_does_not_degrade_a_network(sentinel):
    X = PROBLEM.copy()
    X[0, 0] = sentinel
    network = DNNRegressor(max_iter=20, random_state=0).fit(X, TARGET)
    assert network.score(PROBLEM[1:], TARGET[1:]) > 0.95


@pytest.mark.parametrize("loss", ["absolute_error", "huber", "quantile"])
def test_extreme_targets_do_not_degrade_a_network_of_a_robust_loss(loss):
    y = TARGET.copy()
    y[:6] = [1e6, 1e6, 1e6, 1e6, -1e300, 1e300]
    network = DNNRegressor(loss=loss, max_iter=20, random_state=0).fit(PROBLEM, y)
    assert r2_score(TARGET[6:], network.predict(PROBLEM[6:])) > 0.95


def test_each_of_several_outputs_has_its_own_outliers():
    y = np.c_[TARGET, TARGET, -TARGET]
    spoilt = y.copy()
    spoilt[:6, 1] = 1e6
    network = DNNRegressor(loss="huber", max_iter=20, random_state=0)
    predicted = network.fit(PROBLEM, spoilt).predict(PROBLEM[6:])
    for output, truth in zip(predicted.T, y[6:].T, strict=True):
        assert r2_score(truth, output) > 0.9


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_the_squared_error_and_poisson_learn_the_mean_of_all_targets(loss):
    y = np.r_[np.arange(1.0, 100), 1e6]
    network = DNNRegressor(
        hidden_layer_sizes=(),
        loss=loss,
        max_iter=200,
        learning_rate_init=0.1,
        alpha=0.0,
        batch_size=100,
        max_grad_norm=None,
        random_state=0,
    ).fit(np.zeros((100, 1)), y)
    assert network.predict([[0.0]])[0] == pytest.approx(y.mean(), rel=0.1)


def test_a_target_too_large_for_the_squared_error_of_a_fitted_network_is_refused():
    network = DNNRegressor(**TINY).fit(PROBLEM, TARGET)
    y = TARGET.copy()
    y[7] = 1e300
    with pytest.raises(DataError, match=r"y\[7\] is 1e\+300.*absolute_error"):
        network.partial_fit(PROBLEM, y)


def test_a_sentinel_in_a_series_does_not_degrade_a_network():
    S = np.random.default_rng(0).normal(size=(300, 4, 2))
    y = S[:, :, 0].mean(axis=1) * 4
    spoilt = S.copy()
    spoilt[3, 2, 0] = 999_999
    network = CNNRegressor(n_filters=(8,), max_iter=10, random_state=0)
    assert network.fit(spoilt[:200], y[:200]).score(S[200:], y[200:]) > 0.7


def test_missing_values_of_r_are_read_without_a_warning():
    """They are NaN with a payload, which is "signaling"."""
    r_missing = np.array([0x7FF00000000007A2], np.uint64).view(np.float64)
    X = np.random.default_rng(0).normal(size=(40, 2))
    network = DNNRegressor(max_iter=1, random_state=0).fit(X, X[:, 0])
    X[3, 1], quiet = np.nan, X.copy()
    quiet[3, 1] = np.nan
    X.reshape(-1)[7:8] = r_missing
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", DataWarning)
        np.testing.assert_array_equal(network.predict(X), network.predict(quiet))
        fitted = DNNRegressor(max_iter=1, random_state=0).fit(X, X[:, 0])
    assert np.isfinite(fitted.predict(X)).all()
