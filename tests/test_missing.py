"""Masked values are missing, and complex ones refused, in X, targets, weights and groups."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch

from lamina import (
    DNNClassifier,
    DNNRegressor,
    Forecaster,
    RNNRegressor,
    SequenceTagger,
)
from lamina.exceptions import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = X[:, 0] + X[:, 1]
LABELS = np.where(Y > 0, "a", "b")
S = RNG.normal(size=(40, 5, 2))
DNN = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
RNN = {"hidden_size": 4, "n_layers": 1, "max_iter": 2, "random_state": 0}
HIDDEN = RNG.random(X.shape) < 0.2


def masked(values, mask, junk):
    """A masked array with other values under its mask."""
    return np.ma.masked_array(np.where(mask, junk, values), mask)


MASKED_TABLES = {
    "array": lambda junk: masked(X, HIDDEN, junk),
    "list of rows": lambda junk: [*map(masked, X, HIDDEN, [junk] * 40)],
    "tuple of rows": lambda junk: tuple(map(masked, X, HIDDEN, [junk] * 40)),
    "dict of columns": lambda junk: dict(
        zip("abc", map(masked, X.T, HIDDEN.T, [junk] * 3), strict=True)
    ),
    "list of lists": lambda _: [
        [np.ma.masked if hidden else x for x, hidden in zip(*row, strict=True)]
        for row in zip(X.tolist(), HIDDEN, strict=True)
    ],
}


@pytest.mark.filterwarnings("ignore:Warning. converting a masked element to nan")
@pytest.mark.parametrize("junk", [0.0, 1e300, np.inf])
@pytest.mark.parametrize("kind", MASKED_TABLES)
def test_masked_values_of_a_table_are_missing(kind, junk):
    truth = DNNRegressor(**DNN).fit(np.where(HIDDEN, np.nan, X), Y)
    X_masked = MASKED_TABLES[kind](junk)
    network = DNNRegressor(**DNN).fit(X_masked, Y)
    expected = truth.predict(np.where(HIDDEN, np.nan, X))
    np.testing.assert_allclose(network.predict(X_masked), expected, rtol=1e-6)


@pytest.mark.parametrize("junk", [0.0, 1e300, np.inf])
@pytest.mark.parametrize("kind", [np.ma.stack, list, tuple])
def test_masked_values_of_series_are_missing(kind, junk):
    hidden = np.random.default_rng(1).random(S.shape) < 0.2
    S_missing = np.where(hidden, np.nan, S)
    S_masked = kind([*map(masked, S, hidden, [junk] * 40)])
    truth = RNNRegressor(**RNN).fit(S_missing, Y)
    network = RNNRegressor(**RNN).fit(S_masked, Y)
    expected = truth.predict(S_missing)
    np.testing.assert_allclose(network.predict(S_masked), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "y",
    [
        masked(Y, np.arange(40) == 7, 0.0),
        [np.ma.masked if i == 7 else v for i, v in enumerate(Y)],
        [masked(np.array([v, v]), [i == 7, False], 0.0) for i, v in enumerate(Y)],
        pd.Series(Y).where(np.arange(40) != 7).convert_dtypes(),
        [np.datetime64("NaT", "s") if i == 7 else v for i, v in enumerate(Y)],
        [Decimal("sNaN") if i == 7 else v for i, v in enumerate(Y)],
    ],
    ids=["array", "list", "rows", "nullable", "NaT", "signalling NaN"],
)
@pytest.mark.filterwarnings("ignore:Warning. converting a masked element to nan")
def test_masked_and_missing_targets_weights_and_groups_are_refused_by_row(y):
    network = DNNRegressor(**DNN).fit(X, Y)
    for call in (
        lambda: network.fit(X, y),
        lambda: network.score(X, y),
        lambda: network.fit(X, Y, None, X, y),
        lambda: network.fit(X, Y, sample_weight=y),
        lambda: DNNRegressor(early_stopping=True).fit(
            X, Y, None, None, None, None, validation_groups=y
        ),
    ):
        with pytest.raises(DataError, match=r"\[?7\]?.*|shape|row 7"):
            call()


OBJECTS = [1j, np.complex64(1), torch.tensor(1j), np.void(b"ab")]


@pytest.mark.parametrize("value", OBJECTS, ids=lambda v: type(v).__name__)
@pytest.mark.parametrize("as_list", [True, False])
def test_complex_numbers_and_raw_memory_are_refused_wherever_they_are(value, as_list):
    def with_value(values):
        array = np.array(values, dtype=object)
        array.reshape(-1)[:] = np.asarray(values, dtype=object).ravel()
        array[(7,) + (0,) * (array.ndim - 1)] = value
        return array.tolist() if as_list else array

    group = {"early_stopping": True}
    calls = {
        "table": lambda: DNNRegressor(**DNN).fit(with_value(X), Y),
        "series": lambda: RNNRegressor(**RNN).fit(with_value(S), Y),
        "numbers": lambda: DNNRegressor(**DNN).fit(X, with_value(Y)),
        "labels": lambda: DNNClassifier(**DNN).fit(X, with_value(np.arange(40) % 2)),
        "weights": lambda: DNNRegressor(**DNN).fit(X, Y, with_value(np.ones(40))),
        "groups": lambda: DNNRegressor(**DNN, **group).fit(
            X, Y, validation_groups=with_value(np.arange(40) % 4)
        ),
        "tags": lambda: SequenceTagger(**RNN).fit(S, with_value(np.ones((40, 5)))),
        "forecasts": lambda: Forecaster(**RNN).fit(with_value(S[:, 0, 0])),
    }
    for what, call in calls.items():
        with pytest.raises(DataError) as caught:
            call()
        assert "cannot be read" not in str(caught.value), what


def test_groups_of_several_types_are_compared_by_equality():
    groups = np.array([[1, "1", 2.5, (3,)][i % 4] for i in range(40)], dtype=object)
    same = np.arange(40) % 4
    networks = [
        DNNRegressor(**DNN, early_stopping=True).fit(X, Y, validation_groups=g)
        for g in (groups, same)
    ]
    np.testing.assert_array_equal(*(n.predict(X) for n in networks))
