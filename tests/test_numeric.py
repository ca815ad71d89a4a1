"""Numbers of numpy, fractions and tensors count as those of Python, and nothing else does."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamina import DNNClassifier, DNNRegressor, Forecaster, LanguageModel
from lamina.exceptions import DataError, ParameterError
from lamina.numeric import as_floats, float_of, python_numbers
from lamina.params import at_least, check_params, fraction, not_negative, odd, positive

INTEGERS = [np.int8, np.int16, np.int64, np.uint8, np.uint64]
FLOATS = [np.float16, np.float32, np.float64, np.longdouble]
NOT_REAL = [
    Decimal("0.5"),
    True,
    np.True_,
    0.5j,
    np.complex64(0.5),
    np.timedelta64(3, "D"),
    np.array(0.5),
    torch.tensor(0.5),
    "0.5",
    None,
]
X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, 0] + X[:, 1]
SMALL = {"hidden_layer_sizes": (4,), "max_iter": 3}


@given(st.integers(0, 100), st.sampled_from(INTEGERS + FLOATS))
def test_numbers_of_numpy_become_those_of_python(value, dtype):
    kind = int if dtype in INTEGERS else float
    assert type(python_numbers(dtype(value))) is kind
    given = {"a": (dtype(value), [dtype(value), "text"]), dtype(1): np.full(2, value)}
    plain = python_numbers(given)
    assert plain == {"a": (value, [value, "text"]), 1: [value, value]}
    assert type(plain["a"][1][0]) is kind


@given(st.lists(st.integers() | st.text() | st.floats() | st.lists(st.none())))
def test_values_without_other_numbers_are_returned_themselves(value):
    assert python_numbers(value) is value


@pytest.mark.parametrize("rule", [positive(), not_negative(), fraction(), positive(1)])
def test_rules_take_every_real_number_and_nothing_else(rule):
    for value in (Fraction(1, 3), *(dtype(0.5) for dtype in FLOATS)):
        assert rule.accepts(value)
    for value in NOT_REAL:
        assert not rule.accepts(value)


@pytest.mark.parametrize("rule", [at_least(1), at_least(1, most=5), odd()])
def test_rules_take_every_integer_and_nothing_else(rule):
    for dtype in INTEGERS:
        assert rule.accepts(dtype(3))
    for value in (*NOT_REAL, Fraction(3), 3.0, np.float32(3)):
        assert not rule.accepts(value)


@pytest.mark.parametrize("value", [10**400, np.longdouble("1e400"), Fraction(10**400)])
def test_a_number_beyond_the_range_of_floats_is_not_finite(value):
    assert float_of(value) == np.inf
    assert not positive().accepts(value)
    assert not not_negative().accepts(value)
    assert not fraction().accepts(value)


@pytest.mark.parametrize(
    ("name", "value", "plain", "others"),
    [
        ("learning_rate_init", Fraction(1, 50), 0.02, {}),
        ("alpha", np.longdouble(0.25), 0.25, {}),
        ("momentum", np.longdouble(0.5), 0.5, {"optimizer": "sgd"}),
        ("dropout", np.float16(0.5), 0.5, {}),
        ("hidden_layer_sizes", (np.int8(3), np.uint64(4)), (3, 4), {}),
        ("batch_size", np.uint8(7), 7, {}),
        ("batch_size", 10**30, 40, {}),
        ("validation_fraction", Fraction(1, 4), 0.25, {"early_stopping": True}),
        ("random_state", np.uint8(3), 3, {}),
        ("n_threads", np.int16(1), 1, {}),
        ("class_weight", {"a": Fraction(1, 2)}, {"a": 0.5}, {}),
    ],
)
def test_a_fit_reads_equal_numbers_alike(name, value, plain, others):
    labels = np.where(Y > 0, "a", "b")
    probabilities = []
    for given_value in (value, plain):
        params = {**SMALL, "random_state": 0, **others, name: given_value}
        network = DNNClassifier(**params).fit(X, labels)
        assert network.get_params()[name] is given_value
        probabilities.append(network.predict_proba(X))
    np.testing.assert_array_equal(*probabilities)


def test_an_equal_number_of_another_type_is_no_change_of_a_frozen_parameter():
    network = DNNRegressor(hidden_layer_sizes=4, max_iter=1, warm_start=True).fit(X, Y)
    network.set_params(hidden_layer_sizes=np.int64(4), dropout=Fraction(1, 10))
    network.fit(X, Y)
    with pytest.raises(ParameterError, match="no effect"):
        network.set_params(hidden_layer_sizes=np.int64(5)).fit(X, Y)


def test_predictions_read_equal_numbers_alike():
    S = np.random.default_rng(0).normal(size=60).cumsum()
    small = {"horizon": 2, "season": 1, "hidden_size": 4, "max_iter": 1}
    network = Forecaster(**small, quantiles=(Fraction(1, 4),), random_state=0).fit(S)
    lowest = network.predict_quantiles()
    for lower in (Fraction(9, 2), np.float16(4.5), np.longdouble(4.5)):
        bounded = network.set_params(lower=lower).predict_quantiles()
        np.testing.assert_array_equal(bounded, np.maximum(lowest, 4.5))
    with pytest.raises(ParameterError, match="quantiles"):
        Forecaster(quantiles=(Decimal("0.5"),)).fit(S)


def test_arguments_of_generation_read_equal_numbers_alike():
    network = LanguageModel(unit="char", hidden_size=4, max_iter=1, random_state=0)
    network.fit("one two three " * 9)
    texts = {
        network.generate("o", max_length=n, temperature=t, top_p=p, random_state=0)
        for n, t, p in (
            (9, 0.5, 0.75),
            (np.int8(9), Fraction(1, 2), np.float16(0.75)),
            (np.uint64(9), np.longdouble(0.5), Fraction(3, 4)),
        )
    }
    assert len(texts) == 1


def test_every_rule_answers_extreme_values():
    for value in (10**400, -(10**400), 5e-324, 1e308, np.longdouble("1e4000")):
        for name in DNNRegressor().get_params():
            try:
                read = check_params(DNNRegressor(**{name: value}))
            except ParameterError as error:
                assert name in str(error)
            else:
                assert type(getattr(read, name)) in (int, float)


def test_floats_of_objects_are_their_values_and_missing_ones_nan():
    values = [1, Fraction(1, 4), Decimal("0.5"), True, np.float16(2), torch.tensor(3.0)]
    missing = [None, np.nan, np.datetime64("NaT", "s"), Decimal("sNaN"), np.ma.masked]
    array = np.empty(len(values) + len(missing), dtype=object)
    for i, value in enumerate([*values, *missing]):
        array[i] = value
    truth = [1, 0.25, 0.5, 1, 2, 3, *[np.nan] * len(missing)]
    np.testing.assert_array_equal(as_floats(array, "X"), truth)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1j, "Complex data"),
        (np.complex64(1), "Complex data"),
        (torch.tensor(1j), "Complex data"),
        (np.timedelta64(3, "s"), "must be a number"),
        (np.void(b"ab"), "must be a number"),
        (b"1", "must be a number"),
        ("1", "must be a number"),
        (np.ones(2), "must be a number"),
    ],
)
def test_what_is_no_real_number_is_refused_with_its_row(value, words):
    array = np.empty(3, dtype=object)
    array[:] = 1.0
    array[2] = value
    with pytest.raises(DataError, match=f"weights is not .*row 2 is .*{words}"):
        as_floats(array, "weights")
