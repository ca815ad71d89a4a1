"""Tables: the inputs of the network against scikit-learn, numpy and plain loops."""

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from lamina import DNNClassifier, DNNRegressor
from lamina.encoders.tables.encoder import Rows, TableEncoder
from lamina.encoders.tables.reader import TableParams
from lamina.exceptions import DataError, DataWarning

CALM = settings(deadline=None, max_examples=40)
RNG = np.random.default_rng(0)
TINY = {"hidden_layer_sizes": (4,), "max_iter": 1, "random_state": 0}


def everything(samples):
    return samples.take(torch.arange(len(samples)))


def fitted(X, weight=None):
    encoder = TableEncoder(TableParams())
    return encoder.fit(encoder.read(X), weight)


def samples_of(encoder, X):
    return encoder.encode(encoder.read(X))


def encoded(X, fit_on=None, weight=None):
    encoder = fitted(X if fit_on is None else fit_on, weight)
    return everything(samples_of(encoder, X)).x.numpy()


numbers = arrays(
    np.float64,
    st.tuples(st.integers(2, 12), st.integers(1, 4)),
    elements=st.integers(-1000, 1000).map(float),
)


@CALM
@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 4))
def test_numbers_without_outliers_are_standardised(seed, n, n_columns):
    rng = np.random.default_rng(seed)
    ranks = rng.permuted(np.tile(np.arange(n), (n_columns, 1)), axis=1).T
    X = ranks * rng.uniform(1, 1000, n_columns) + rng.normal(0, 1000, n_columns)
    np.testing.assert_allclose(encoded(X), StandardScaler().fit_transform(X), atol=1e-5)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_matrix])
def test_a_row_of_weight_zero_makes_no_tail_long(kind):
    X = np.random.default_rng(0).standard_normal((200, 2))
    X[7, 0], weight = 100, np.ones(200)
    for last, tails in ((1, [0]), (0, [])):
        weight[7] = last
        network = DNNRegressor(**TINY).fit(kind(X), X[:, 1], sample_weight=weight)
        assert list(network.encoder_.standardizer.long_tailed) == tails


def test_a_missing_number_does_not_hide_a_long_tail():
    X = np.random.default_rng(0).standard_normal((200, 2))
    X[7, 0], X[3] = 100, np.nan
    assert list(fitted(X).standardizer.long_tailed) == [0]


@pytest.mark.parametrize("mean", [0.0, 1 / 3, 1e4, -7e6, 1e37])
@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e5, 1e-42])
def test_single_precision_is_scaled_as_exactly_as_double(mean, scale):
    rng = np.random.default_rng(0)
    X = (mean + scale * rng.standard_normal((500, 3))).astype(np.float32)
    encoder = fitted(X)
    single, double = (samples_of(encoder, a) for a in (X, X.astype(np.float64)))
    rows = torch.arange(len(X))
    np.testing.assert_allclose(single.take(rows).x, double.take(rows).x, atol=1e-6)


@pytest.mark.parametrize("n_missing", [0, 3])
def test_many_rows_are_scaled_like_single_rows_to_the_last_bit(n_missing):
    X = np.random.default_rng(0).normal(3, 50, (9000, 7)).astype(np.float32)
    X[0, 0], X[:, 2:4] = 1e30, X[:, 2:4] ** 7  # long tails
    X[5 : 5 + n_missing, 1] = np.nan
    encoder = fitted(X[1:])
    assert list(encoder.standardizer.long_tailed) == [2, 3]
    together = everything(samples_of(encoder, X)).x
    for i in [*range(9), 8999]:
        single = everything(samples_of(encoder, X[i : i + 1])).x
        np.testing.assert_array_equal(single[0], together[i])


@pytest.mark.parametrize("mean", [0.0, 80.0])
def test_rows_of_a_large_array_are_scaled_like_a_small_one_to_the_last_bit(mean):
    rng = np.random.default_rng(0)
    seen = rng.normal(mean, 50, (9000, 5)).astype(np.float32)
    seen[:, 1] **= 5  # a long tail
    X = seen[:700].copy()
    X[3, 0], X[4, 2], X[5, 1] = 1e30, np.nan, -1e30
    scaling = fitted(seen).standardizer
    truth = np.empty_like(X)
    scaling.write(X, truth, lambda row, column: f"{row}, {column}")
    order = torch.from_numpy(rng.permutation(len(X)))
    before = X.copy()
    read_only = X.copy()
    read_only.flags.writeable = False
    for kind in (X, read_only, np.asfortranarray(X)):
        scaled = Rows(kind, scaling, str).take(order).x.numpy()
        np.testing.assert_array_equal(scaled, truth[order.numpy()])
    np.testing.assert_array_equal(X, before)


SHORT, LONG = np.array([[-1.0], [1.0]]), np.r_[np.zeros(99), 10.0][:, None]


@CALM
@given(
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=20, unique=True),
    st.sampled_from([SHORT, LONG]),
)
def test_numbers_keep_their_order_within_six(values, seen):
    x = encoded(np.sort(values)[:, None], fit_on=seen)[:, 0]
    assert (np.abs(x) <= 6).all()
    assert (np.diff(x) >= -5e-7).all()  # up to the rounding of float32


@pytest.mark.parametrize("seen", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("huge", [1e9, 1e20, 1e30])
def test_an_enormous_number_becomes_six_and_not_zero(huge, seen):
    x = encoded(np.array([[-huge], [huge]]), fit_on=seen)
    np.testing.assert_allclose(x[:, 0], [-6, 6], rtol=1e-6)


@CALM
@given(numbers, st.data())
def test_a_weight_counts_as_repeated_rows(X, data):
    times = data.draw(arrays(int, len(X), elements=st.integers(1, 4)))
    weighted = fitted(X, times.astype(float))
    repeated = fitted(np.repeat(X, times, axis=0))
    np.testing.assert_allclose(
        weighted.standardizer.mean, repeated.standardizer.mean, atol=1e-9
    )
    np.testing.assert_allclose(
        weighted.standardizer.scale, repeated.standardizer.scale, rtol=1e-6
    )


def test_a_weight_counts_as_repeated_rows_where_numbers_are_missing_or_zero():
    X = np.array([[1.0, 0], [np.nan, 5], [4, 0], [7, 2]])
    times = np.array([3, 2, 1, 2])
    truth = np.repeat(X, times, axis=0)
    encoder = fitted(X, times.astype(float))
    np.testing.assert_allclose(encoder.standardizer.mean, np.nanmean(truth, 0))
    np.testing.assert_allclose(encoder.standardizer.scale, np.nanstd(truth, 0))
    complete = np.nan_to_num(X)
    dense = fitted(complete, times.astype(float))
    thin = fitted(sparse.csr_matrix(complete), times.astype(float))
    np.testing.assert_allclose(thin.standardizer.mean, dense.standardizer.mean)
    np.testing.assert_allclose(thin.standardizer.scale, dense.standardizer.scale)


def test_a_missing_number_becomes_the_mean_and_an_indicator_says_so():
    X = np.array([[1.0, 10], [np.nan, 20], [5, 60]])
    x = encoded(X)
    truth = np.nan_to_num(StandardScaler().fit_transform(X))
    np.testing.assert_allclose(x[:, :2], truth, atol=1e-6)
    np.testing.assert_array_equal(x[:, 2:], [[0], [1], [0]])


def test_a_number_missing_only_after_fit_becomes_the_mean_without_indicator():
    with pytest.warns(DataWarning, match=r"Column 0 .* none in fit"):
        x = encoded(np.array([[np.nan, 1.0]]), fit_on=np.array([[1.0, 2], [3, 4]]))
    assert x.shape == (1, 2)
    assert x[0, 0] == 0


def frame(values, extra=None):
    columns = {"n": np.arange(len(values), dtype=float), "c": values}
    return pd.DataFrame(columns | (extra or {}))


def test_names_of_rows_are_left_out_with_a_warning():
    names = [f"row {i}" for i in range(60)]
    X = frame(names, {"few": ["x", "y"] * 30})
    with pytest.warns(
        DataWarning, match="Column 'c' has another category in most rows"
    ):
        encoder = fitted(X)
    np.testing.assert_array_equal(
        everything(samples_of(encoder, X)).x, encoded(X.drop(columns="c"))
    )
    assert everything(samples_of(encoder, X)).codes is None
    # Half of the rows, or few rows, may be distinct.
    assert fitted(frame(names[:30] * 2)).spec.n_categories == (31,)
    assert fitted(frame(names[:49])).spec.n_categories == (50,)
    with pytest.warns(DataWarning), pytest.raises(DataError, match="names of rows"):
        fitted(X[["c"]])


def test_ordered_categories_become_their_positions():
    levels = ["low", "middle", "high", "highest"]
    order = pd.CategoricalDtype(levels, ordered=True)
    values = ["middle", "low", "highest", "middle", None, "low"]
    X = pd.DataFrame({"c": pd.Series(values, dtype=order)})
    positions = np.array([1.0, 0.0, 3.0, 1.0, np.nan, 0.0])
    np.testing.assert_allclose(encoded(X), encoded(positions[:, None]))
    encoder = fitted(X)
    assert encoder.schema.columns[0].categories == tuple(levels)
    # In prediction the texts themselves are enough, and others are missing.
    other = samples_of(encoder, pd.DataFrame({"c": ["high", "low", "extreme"]}))
    known = fitted(positions[:, None])
    truth = samples_of(known, np.array([[2.0], [0.0], [np.nan]]))
    np.testing.assert_allclose(everything(other).x, everything(truth).x)
    nominal = TableEncoder(TableParams(categorical_features=["c"]))
    assert nominal.fit(nominal.read(X)).spec.n_channels == 4


def test_few_categories_become_one_hot_columns():
    values = ["b", "a", "c", "a", "b"]
    x = encoded(frame(values))
    truth = OneHotEncoder(sparse_output=False).fit_transform(np.c_[values])
    np.testing.assert_array_equal(x[:, 1:], truth)


def test_many_categories_become_distinct_codes():
    values = [f"v{i:02}" for i in range(10)] * 2
    encoder = fitted(frame(values))
    batch = everything(samples_of(encoder, frame(values)))
    assert batch.x.shape == (20, 1)
    assert encoder.spec.n_categories == (11,)
    codes = batch.codes[:, 0].tolist()
    assert sorted(set(codes)) == list(range(1, 11))
    assert len(set(zip(codes, values, strict=True))) == 10
    nine = fitted(frame(values[:9]))
    assert nine.spec.n_categories == ()
    assert nine.spec.n_channels == 10


def test_an_unseen_category_is_zeros_in_both_kinds_of_column():
    many = [f"v{i}" for i in range(12)]
    seen = frame(many, {"few": ["x", "y"] * 6})
    encoder = fitted(seen)
    with pytest.warns(DataWarning, match=r"'(c|few)'.*did not occur in fit"):
        batch = everything(samples_of(encoder, frame(["new"], {"few": ["other"]})))
    assert not batch.x[:, 1:].any()
    assert batch.codes.tolist() == [[0]]
    network = DNNClassifier(**TINY).fit(seen, [0, 1] * 6).network_
    assert not network.body.embeddings.categories[0](batch.codes[:, 0]).any()


def test_an_unseen_category_still_has_no_embedding_after_training():
    X = frame([f"v{i}" for i in range(12)])
    network = DNNClassifier(hidden_layer_sizes=(4,), max_iter=5).fit(X, [0, 1] * 6)
    weight = network.network_.body.embeddings.categories[0].weight
    assert not weight[0].any()
    assert weight[1:].any(1).all()


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT])
def test_a_missing_category_is_a_category(missing):
    values = pd.Series(["a", missing, "b", missing], dtype=object)
    x = encoded(frame(values))[:, 1:]
    assert x.shape == (4, 3)
    np.testing.assert_array_equal(x.sum(1), 1)
    np.testing.assert_array_equal(x[1], x[3])
    assert len({tuple(row) for row in x}) == 3


def test_categories_of_mixed_types_are_compared_as_texts():
    x = encoded(frame(pd.Series([1, "1", 2.5, None, "a"], dtype=object)))[:, 1:]
    np.testing.assert_array_equal(x.sum(1), 1)
    assert sorted(x.sum(0)) == [1, 1, 1, 2]
    np.testing.assert_array_equal(x[0], x[1])


DAYS = [dt.datetime(2020, 2, 29, 6), dt.datetime(1969, 7, 20, 20, 17), None]


def date_truth(day):
    seconds = (day - dt.datetime(1970, 1, 1)).total_seconds()
    row = [seconds / 86400]
    for length in (365.2425 * 86400, 7 * 86400, 86400):
        angle = 2 * np.pi * seconds / length
        row += [np.sin(angle), np.cos(angle)]
    return row


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_a_date_becomes_days_and_positions_on_circles(make):
    X = make({"when": DAYS})
    x = encoded(X)
    truth = np.array([date_truth(d) for d in DAYS[:2]])
    z = StandardScaler().fit_transform(truth)
    np.testing.assert_allclose(x[:2, :7], z, atol=1e-4)
    np.testing.assert_array_equal(x[2, :7], 0)
    np.testing.assert_array_equal(x[:, 7:], [[0] * 7, [0] * 7, [1] * 7])


def test_a_plain_date_is_read_as_its_midnight():
    days = [dt.date(2021, 3, 4), dt.date(2022, 5, 6)]
    nights = [dt.datetime(d.year, d.month, d.day) for d in days]
    a, b = pl.DataFrame({"d": days}), pl.DataFrame({"d": nights})
    np.testing.assert_array_equal(encoded(a), encoded(b))


def test_dates_in_a_time_zone_are_read_as_instants():
    zone = dt.timezone(dt.timedelta(hours=5))
    here = [dt.datetime(2020, 1, i, 3, tzinfo=zone) for i in (1, 2, 5)]
    there = [h.astimezone(dt.UTC) for h in here]
    a, b = (pd.DataFrame({"d": pd.to_datetime(d, utc=True)}) for d in (here, there))
    np.testing.assert_array_equal(encoded(a), encoded(b))


COLUMNS = {
    "size": [1.0, 2.0, None, 4.0, 5.5, 6.0],
    "count": [3, 1, 4, 1, 5, 9],
    "yes": [True, False, True, True, False, False],
    "name": ["a", "b", None, "a", "c", "b"],
    "code": list("uvwxyz"),
}


def test_pandas_polars_and_an_object_array_are_read_alike():
    pandas, polars = pd.DataFrame(COLUMNS), pl.DataFrame(COLUMNS)
    objects = np.array(list(zip(*COLUMNS.values(), strict=True)), dtype=object)
    truth = encoded(polars)
    assert truth.shape == (6, 3 + 1 + 4 + 6)
    np.testing.assert_array_equal(encoded(pandas), truth)
    np.testing.assert_array_equal(encoded(objects), truth)


def test_categorical_types_are_read_as_their_values():
    strings = pl.DataFrame({"c": ["b", "a", "b"]})
    truth = encoded(strings)
    typed = [
        pl.DataFrame({"c": pl.Series(["b", "a", "b"], dtype=pl.Categorical)}),
        pl.DataFrame({"c": pl.Series(["b", "a", "b"], dtype=pl.Enum(["b", "a"]))}),
        pd.DataFrame({"c": pd.Categorical(["b", "a", "b"])}),
        pd.DataFrame({"c": pd.array(["b", "a", "b"], dtype="string")}),
    ]
    for other in typed:
        np.testing.assert_array_equal(encoded(other), truth)


def test_nullable_numbers_are_read_as_numbers():
    plain = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [1.0, 0.0, np.nan]})
    nullable = pd.DataFrame(
        {
            "a": pd.array([1, None, 3], dtype="Int64"),
            "b": pd.array([True, False, None], dtype="boolean"),
        }
    )
    np.testing.assert_array_equal(encoded(nullable), encoded(plain))


def test_an_estimator_reads_strings_in_an_object_array():
    X = np.array([["a", 1.0], ["b", 2.0]] * 10, dtype=object)
    y = [0, 1] * 10
    params = {"hidden_layer_sizes": (16,), "max_iter": 30, "random_state": 0}
    network = DNNClassifier(learning_rate_init=0.02, **params)
    assert network.fit(X, y).score(X, y) == 1
    nested = DNNClassifier(learning_rate_init=0.02, **params)
    lists = [["a", "u"], ["b", "v"]] * 10
    assert nested.fit(lists, y).score(lists, y) == 1


thin_numbers = arrays(
    np.float64,
    st.tuples(st.integers(2, 8), st.integers(1, 4)),
    elements=st.sampled_from([0.0, 0.0, 0.0, 1.0, -2.0, 0.1]),
)


@CALM
@given(thin_numbers, st.sampled_from(["csr", "csc", "coo"]))
def test_sparse_and_dense_are_read_alike(X, form):
    thin = sparse.coo_matrix(X).asformat(form)
    np.testing.assert_allclose(encoded(thin), encoded(X), atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.int8, bool])
def test_sparse_of_any_type_is_read_as_dense(dtype):
    X = RNG.integers(0, 2, (50, 3)).astype(dtype)
    X[:, 0] = 1
    np.testing.assert_allclose(encoded(sparse.csr_matrix(X)), encoded(X), atol=1e-5)


def test_sparse_rows_come_in_the_order_asked_for():
    X = RNG.integers(0, 3, (6, 2)).astype(float)
    thin = samples_of(fitted(X), sparse.csr_matrix(X))
    rows = torch.tensor([4, 0, 4])
    np.testing.assert_allclose(
        thin.take(rows).x.numpy(), encoded(X)[rows.numpy()], atol=1e-6
    )


def test_an_estimator_fitted_on_sparse_predicts_the_same_on_dense():
    X = RNG.integers(0, 2, (30, 4)).astype(float)
    network = DNNRegressor(**TINY).fit(sparse.csr_matrix(X), X.sum(1))
    np.testing.assert_allclose(
        network.predict(X), network.predict(sparse.csr_matrix(X)), rtol=1e-5
    )


def test_a_table_fitted_with_missing_numbers_predicts_on_sparse():
    X = RNG.integers(0, 2, (30, 3)).astype(float)
    gaps = X.copy()
    gaps[0, 1] = np.nan
    network = DNNRegressor(**TINY).fit(gaps, X.sum(1))
    np.testing.assert_allclose(
        network.predict(sparse.csr_matrix(X)), network.predict(X), rtol=1e-5
    )


def test_a_sparse_matrix_with_infinity_is_refused_in_fit_and_in_predict():
    X = np.eye(4)
    spoilt = X.copy()
    spoilt[1, 1] = np.inf
    with pytest.raises(ValueError, match="inf"):
        DNNRegressor(**TINY).fit(sparse.csr_matrix(spoilt), np.arange(4))
    network = DNNRegressor(**TINY).fit(sparse.csr_matrix(X), np.arange(4))
    with pytest.raises(ValueError, match="inf"):
        network.predict(sparse.csr_matrix(spoilt))


def test_kinds_are_those_of_fit_and_not_of_what_comes_later():
    seen = pl.DataFrame({"n": [1.0, 2.0], "c": ["1", "2"]})
    encoder = fitted(seen)
    later = pl.DataFrame({"n": [1, 2], "c": ["2", "3"]})
    x = everything(samples_of(encoder, later)).x.numpy()
    np.testing.assert_array_equal(x[:, 1:], [[0, 1], [0, 0]])
    np.testing.assert_allclose(x[:, 0], [-1, 1], rtol=1e-6)


def test_strings_where_fit_saw_numbers_are_refused_by_the_name_of_the_column():
    X = pd.DataFrame({"age": [1.0, 2.0] * 5, "town": ["a", "b"] * 5})
    network = DNNClassifier(**TINY).fit(X, [0, 1] * 5)
    bad = pd.DataFrame({"age": ["old"], "town": ["a"]})
    with pytest.raises(DataError, match="age"):
        network.predict(bad)


def test_columns_in_another_order_are_refused():
    X = pd.DataFrame({"age": [1.0, 2.0] * 5, "town": ["a", "b"] * 5})
    network = DNNClassifier(**TINY).fit(X, [0, 1] * 5)
    assert network.feature_names_in_.tolist() == ["age", "town"]
    with pytest.raises(ValueError, match="order"):
        network.predict(X[["town", "age"]])


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
@pytest.mark.parametrize("bad", [np.inf, -np.inf])
def test_infinity_in_a_frame_of_mixed_columns_is_refused_by_name(make, bad):
    columns = {"age": [1.0, 2.0] * 5, "town": ["a", "b"] * 5}
    y = [0, 1] * 5
    spoilt = make(columns | {"age": [bad, 2.0] * 5})
    network = DNNClassifier(**TINY).fit(make(columns), y)
    with pytest.raises(DataError, match="age"):
        network.predict(spoilt)
    with pytest.raises(DataError, match="age"):
        DNNClassifier(**TINY).fit(spoilt, y)


def test_infinity_in_a_table_of_numbers_is_refused():
    X = pd.DataFrame({"age": [1.0, np.inf] * 5, "size": np.arange(10.0)})
    for bad in (X, X.to_numpy()):
        with pytest.raises(ValueError, match="infinity"):
            DNNClassifier(**TINY).fit(bad, [0, 1] * 5)


def test_a_column_that_is_neither_number_category_nor_date_is_refused_by_name():
    X = pl.DataFrame({"n": [1.0, 2.0], "lists": [[1], [2, 3]]})
    with pytest.raises(DataError, match=r"lists.*\[1\] in row 0"):
        fitted(X)


@CALM
@given(st.integers(0, 1000), st.sampled_from([np.float32, np.float64, np.int32, bool]))
def test_encoding_a_row_does_not_depend_on_the_other_rows(seed, dtype):
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(7, 3)) * 3).astype(dtype)
    encoder = fitted(X)
    whole = everything(samples_of(encoder, X)).x
    for i in range(len(X)):
        single = everything(samples_of(encoder, X[i : i + 1])).x
        torch.testing.assert_close(single[0], whole[i], rtol=0, atol=0)


def test_encoding_leaves_the_input_as_it_was():
    X = np.array([[1.0, np.nan], [2.0, 3.0]])
    before = X.copy()
    encoded(X)
    np.testing.assert_array_equal(X, before)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        encoded(np.broadcast_to(X[1:], (3, 2)))


def large(dtype):
    """More than 2^24 numbers, of which no scaled copy is made."""
    X = RNG.standard_normal((2**20 + 1, 16), dtype=np.float32)
    return (X * 50 + 1000).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_a_large_array_is_scaled_batch_by_batch_alike(dtype, tmp_path):
    X = large(dtype)
    if dtype is not np.int32:
        X[3, 1] = np.nan
    encoder, rows = fitted(X), torch.tensor([7, 3, 7, 39, len(X) - 1])
    expected = everything(samples_of(encoder, X[rows])).x.numpy()
    np.save(tmp_path / "X.npy", X)
    for kept in (X, np.asfortranarray(X), np.load(tmp_path / "X.npy", mmap_mode="r")):
        samples = samples_of(encoder, kept)
        assert np.shares_memory(samples.values, kept)
        np.testing.assert_array_equal(samples.take(rows).x.numpy(), expected)
    n_bytes = 4 * X.shape[0] * expected.shape[1]
    assert samples.resident(torch.device("cpu"), n_bytes - 1) is samples
    moved = samples.resident(torch.device("cpu"), 2 * n_bytes)
    np.testing.assert_array_equal(moved.take(rows).x.numpy(), expected)


def of_rare_categories(effect, n=3000, n_categories=600):
    """Training and test rows, whose categories have random effects of this deviation."""
    rng = np.random.default_rng(1)
    category, x = rng.integers(n_categories, size=n), rng.standard_normal(n)
    y = x + effect * rng.standard_normal(n_categories)[category]
    y += rng.standard_normal(n)
    X = pd.DataFrame({"x": x, "category": pd.Categorical(category.astype(str))})
    return X[:2000], y[:2000], X[2000:], y[2000:]


def test_rare_categories_without_effect_add_little_noise():
    X, y, X_test, y_test = of_rare_categories(effect=0)
    network = DNNRegressor(random_state=0)
    score = network.fit(X, y).score(X_test, y_test)
    without = network.fit(X[["x"]], y).score(X_test[["x"]], y_test)
    assert score > without - 0.01


def test_effects_of_rare_categories_are_learnt_almost_as_by_ridge_regression():
    X, y, X_test, y_test = of_rare_categories(effect=1)
    one_hot = OneHotEncoder(handle_unknown="ignore"), ["category"]
    columns = make_column_transformer(one_hot, remainder="passthrough")
    ridge = make_pipeline(columns, RidgeCV(np.logspace(-2, 3, 12))).fit(X, y)
    network = DNNRegressor(random_state=0).fit(X, y)
    assert network.score(X_test, y_test) > ridge.score(X_test, y_test) - 0.05


@pytest.mark.slow
def test_a_large_table_is_learnt():
    X = large(np.float32)
    y = X[:, 0] > 1000
    network = DNNClassifier(
        hidden_layer_sizes=(16,),
        n_members=2,
        max_iter=1,
        batch_size=1 << 13,
        learning_rate_init=0.01,
        dropout=0.0,
        random_state=0,
    ).fit(X, y)
    assert network.score(X[:1000], y[:1000]) > 0.95
    np.testing.assert_allclose(
        network.predict_proba(X)[:1000], network.predict_proba(X[:1000]), atol=1e-6
    )


def test_a_row_is_checked_like_many_rows():
    X, y = np.random.default_rng(0).normal(size=(2000, 6)), np.arange(2000) % 2
    network = DNNClassifier(hidden_layer_sizes=(4,), max_iter=1).fit(X, y)
    together = network.predict_proba(X)  # too many rows for the fast path
    np.testing.assert_allclose(network.predict_proba(X[:1]), together[:1], atol=1e-6)
    X[1, 2] = np.nan
    with pytest.warns(DataWarning, match="Column 2 has missing values"):
        assert np.isfinite(network.predict_proba(X[:2])).all()
    X[1, 2] = np.inf
    for bad in (X[:2], X[:1, :5], X[:0], X[0]):
        with pytest.raises(ValueError, match=r"infinity|features|sample|2D"):
            network.predict(bad)
    frame = pd.DataFrame(X[:1], columns=[*"abcdef"])
    named = DNNClassifier(hidden_layer_sizes=(4,), max_iter=1)
    named.fit(pd.DataFrame(X[4:], columns=[*"abcdef"]), y[4:]).predict(frame)
    with pytest.warns(UserWarning, match="feature names"):
        named.predict(X[:1])


def test_a_sum_that_overflows_gives_no_warning():
    X = np.array([[0.0, 1.0], [1.0, 2.0]] * 10, dtype=object)
    network = DNNClassifier(max_iter=1).fit(X, [0, 1] * 10)
    for values in (1.7e308, -1.7e308, [1.7e308, -1.7e308] * 10):
        X[:, 0] = values
        with pytest.raises(DataError, match=r"Column 0 contains .* float32"):
            network.predict(X)
