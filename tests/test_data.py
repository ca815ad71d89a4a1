"""Targets, weights, validation samples and axes that are passed to estimators."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, mean_absolute_error
from sklearn.model_selection import GroupKFold, PredefinedSplit

from lamina import (
    CNNClassifier,
    DNNClassifier,
    DNNRegressor,
    Forecaster,
    RNNClassifier,
    RNNRegressor,
)
from lamina.exceptions import DataError, DataWarning, ParameterError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3))
Y = np.arange(40) % 2
NAMES = np.array(["ant", "bee"])[Y]
TINY = {"hidden_layer_sizes": (4,), "max_iter": 2, "random_state": 0}
TINY_RNN = {"hidden_size": 4, "n_layers": 1, "max_iter": 1, "random_state": 0}


def classifier(**params):
    return DNNClassifier(**(TINY | params))


def regressor(**params):
    return DNNRegressor(**(TINY | params))


# Targets


LABELS = {
    "list": list,
    "objects": lambda y: np.array(y, dtype=object),
    "pandas": pd.Series,
    "pandas category": lambda y: pd.Series(pd.Categorical(y)),
    "pandas string": lambda y: pd.Series(y, dtype="string"),
    "one column": lambda y: pd.DataFrame({"label": y})["label"],
    "polars": pl.Series,
    "pyarrow": pa.array,
    "pyarrow chunks": lambda y: pa.chunked_array([y[:7], y[7:]]),
    "pyarrow dictionary": lambda y: pa.array(y).dictionary_encode(),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_container_are_learnt_and_scored_alike(kind):
    truth = classifier().fit(X, NAMES)
    y = LABELS[kind](NAMES.tolist())
    network = classifier().fit(X, y)
    np.testing.assert_array_equal(network.predict_proba(X), truth.predict_proba(X))
    accuracy = (truth.predict(X) == NAMES).mean()
    assert truth.score(X, y) == network.score(X, NAMES) == accuracy > 0


NUMBERS = {
    "list": list,
    "pandas": pd.Series,
    "pandas nullable": lambda y: pd.Series(y, dtype="Float64"),
    "polars": pl.Series,
    "pyarrow": pa.array,
    "tensor": lambda y: torch.tensor(y, dtype=torch.float64),
    "objects": lambda y: np.array(y, dtype=object),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_of_any_container_are_learnt_and_scored_alike(kind):
    y = NUMBERS[kind](X[:, 0].tolist())
    truth = regressor().fit(X, X[:, 0])
    network = regressor().fit(X, y)
    np.testing.assert_array_equal(network.predict(X), truth.predict(X))
    assert truth.score(X, y) == truth.score(X, X[:, 0])


def test_numbers_may_come_in_half_precision():
    y = torch.tensor(X[:, 0]).bfloat16()
    truth = regressor().fit(X, y.double().numpy())
    np.testing.assert_array_equal(regressor().fit(X, y).predict(X), truth.predict(X))


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_several_outputs_may_come_as_a_frame(library):
    y = np.c_[X[:, 0], X[:, 1]]
    frame = library.DataFrame({"a": y[:, 0], "b": y[:, 1]})
    truth = regressor().fit(X, y)
    network = regressor().fit(X, frame)
    np.testing.assert_array_equal(network.predict(X), truth.predict(X))
    assert network.score(X, frame) == truth.score(X, y)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_a_missing_target_is_named(make, missing):
    y = [*X[:5, 0], missing, *X[6:, 0]]
    y = [v if v is missing else float(v > 0) for v in y]
    with pytest.raises(DataError, match=r"y\[5\]"):
        make().fit(X, y)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize(
    "make",
    [
        list,
        pd.Series,
        lambda y: pd.Series(y, dtype="str"),
        lambda y: pd.Series(y, dtype="string"),
        lambda y: pd.Series(y, dtype="category"),
        lambda y: pd.DataFrame({"a": y, "b": y}),
        lambda y: pl.Series([v if isinstance(v, str) else None for v in y]),
        lambda y: pa.array([v if isinstance(v, str) else None for v in y]),
        lambda y: np.array(y, dtype=object),
    ],
    ids=[
        "list",
        "pandas",
        "str",
        "string",
        "category",
        "frame",
        "polars",
        "arrow",
        "numpy",
    ],
)
def test_a_missing_label_is_no_class(make, missing):
    y = make([*NAMES[:5].tolist(), missing, *NAMES[6:].tolist()])
    for call in (classifier().fit, classifier().fit(X, NAMES).score):
        with pytest.raises(DataError, match=r"y\[5\].*without a value"):
            call(X, y)


@pytest.mark.parametrize("bad", [None, "abc", 3, {"a": 1}, {1, 2}, (v for v in Y)])
@pytest.mark.parametrize("make", [classifier, regressor])
def test_what_is_no_list_of_targets_is_refused(make, bad):
    network = make().fit(X, Y)
    for call in (network.fit, network.score, network.partial_fit):
        with pytest.raises(DataError, match="y"):
            call(X, bad)


def test_targets_that_would_be_ignored_are_refused():
    series = [np.sin(np.arange(60.0)) + i for i in range(3)]
    network = Forecaster(horizon=2, max_iter=1, random_state=0)
    with pytest.raises(DataError, match="learns from X alone"):
        network.fit(series, [1, 2, 3])


def test_labels_beside_numbers_are_not_converted_to_text():
    with pytest.raises(DataError, match=r"y\[1\] is 1"):
        classifier().fit(X, ["a", 1] * 20)


# Fitted attributes


def test_no_attribute_of_an_earlier_fit_is_left():
    network = RNNClassifier(**TINY_RNN)
    table = pd.DataFrame(RNG.normal(size=(10, 4)), columns=list("abcd"))
    network.fit(table, Y[:10], X_val=table, y_val=Y[:10])
    assert network.n_features_in_ == 4
    assert network.feature_names_in_.tolist() == list("abcd")
    assert len(network.validation_scores_) == 1
    network.fit(["a b", "c"] * 5, Y[:10])
    assert not hasattr(network, "n_features_in_")
    assert not hasattr(network, "feature_names_in_")
    assert network.validation_scores_ is None
    assert network.form_ == "text"


# Parameters that are set after a fit


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (classifier, {"hidden_layer_sizes": (5,)}),
        (classifier, {"activation": "tanh"}),
        (classifier, {"dropout": 0.9}),
        (classifier, {"categorical_features": [0]}),
        (regressor, {"loss": "huber"}),
    ],
)
def test_parameters_of_the_network_cannot_change_in_a_resumed_fit(make, change):
    (name,) = change
    network = make(warm_start=True).fit(X, Y)
    before = network.predict(X)
    network.set_params(**change)
    with pytest.raises(ParameterError, match=f"{name}=.* has no effect"):
        network.fit(X, Y)
    network.set_params(warm_start=False)
    with pytest.raises(ParameterError, match=f"{name}=.* has no effect"):
        network.partial_fit(X, Y)
    np.testing.assert_array_equal(network.predict(X), before)
    network.fit(X, Y)
    assert network.n_iter_ == 2


def test_parameters_of_training_may_change_in_a_resumed_fit():
    network = classifier(warm_start=True).fit(X, Y)
    network.set_params(max_iter=3, alpha=0.0, batch_size=40, learning_rate_init=0.5)
    assert network.fit(X, Y).n_iter_ == 5


def test_bounds_of_forecasts_count_at_once():
    series = [np.abs(np.sin(np.arange(60.0))) for _ in range(2)]
    network = Forecaster(horizon=3, max_iter=1, random_state=0).fit(series)
    free = np.array(network.predict(series))
    cut = float(np.median(free))
    bounded = network.set_params(lower=cut).predict(series)
    np.testing.assert_array_equal(bounded, np.maximum(free, cut))


# Weights


def _spoilt(value):
    weight = np.ones(40)
    weight[7] = value
    return weight


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (_spoilt(-1), r"{}\[7\] is -1"),
        (_spoilt(np.nan), r"{}\[7\] is nan"),
        (_spoilt(np.inf), r"{}\[7\] is inf"),
        (np.ones(39), "{} has 39 weights for 40 samples"),
        (np.ones((40, 1)), r"{} has shape \(40, 1\)"),
        (np.zeros(40), "{} is zero for every sample"),
        (["heavy"] * 40, "{} is not an array of numbers"),
        ([None] * 40, r"{}"),
    ],
    ids=["negative", "NaN", "inf", "short", "2-D", "zero", "texts", "None"],
)
def test_weights_are_checked_alike_wherever_they_are_passed(weight, message):
    network = classifier().fit(X, Y)
    before = network.predict_proba(X)
    calls = {
        "fit": lambda: network.fit(X, Y, sample_weight=weight),
        "partial_fit": lambda: network.partial_fit(X, Y, sample_weight=weight),
        "score": lambda: network.score(X, Y, sample_weight=weight),
        "X_val": lambda: network.fit(X, Y, None, X, Y, sample_weight_val=weight),
    }
    for where, call in calls.items():
        name = "sample_weight_val" if where == "X_val" else "sample_weight"
        with pytest.raises(DataError, match=message.format(name)):
            call()
    np.testing.assert_array_equal(network.predict_proba(X), before)


@pytest.mark.parametrize("make", [list, pd.Series, pl.Series, pa.array, torch.tensor])
def test_weights_may_come_in_any_container(make):
    weight = RNG.uniform(0.5, 2, 40)
    given = make(weight.tolist()) if make is not torch.tensor else torch.tensor(weight)
    truth = classifier().fit(X, Y, sample_weight=weight)
    network = classifier().fit(X, Y, sample_weight=given)
    np.testing.assert_array_equal(network.predict_proba(X), truth.predict_proba(X))
    right = network.predict(X) == Y
    expected = np.average(right, weights=weight)
    assert network.score(X, Y, sample_weight=given) == pytest.approx(expected)


def test_a_sample_of_weight_zero_is_absent_from_a_score():
    weight = (np.arange(40) % 3 > 0).astype(float)
    for network, y in ((classifier().fit(X, Y), Y), (regressor().fit(X, Y), X[:, 0])):
        expected = network.score(X[weight > 0], y[weight > 0])
        assert network.score(X, y, sample_weight=weight) == pytest.approx(expected)


def test_weights_count_across_calls_of_partial_fit():
    """Twenty times the weight in one of two calls is odds of 20 to 1."""
    flat = np.zeros((20, 1))
    network = DNNClassifier(
        hidden_layer_sizes=(), learning_rate_init=0.1, batch_size=20, random_state=0
    )
    network.set_params(alpha=0.0, optimizer="sgd", momentum=0.0, max_grad_norm=None)
    network.set_params(n_members=1)
    for _ in range(80):
        network.partial_fit(
            flat, np.ones(20, int), classes=[0, 1], sample_weight=np.full(20, 20.0)
        )
        network.partial_fit(flat, np.zeros(20, int))
    assert network.predict_proba(flat)[0, 1] == pytest.approx(20 / 21, abs=0.02)


def test_other_classes_in_a_later_call_of_partial_fit_are_refused():
    network = classifier().partial_fit(X, Y, classes=[0, 1, 2])
    network.partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(DataError, match="classes="):
        network.partial_fit(X, Y, classes=[0, 1])


@pytest.mark.parametrize("bad", [-1, 0, np.nan, np.inf, "heavy", None, True, 10**400])
def test_the_weight_of_a_class_is_a_finite_number_above_zero(bad):
    with pytest.raises(ParameterError, match=r"class_weight\['bee'\] is"):
        classifier(class_weight={"ant": 1, "bee": bad}).fit(X, NAMES)


def test_a_weight_of_an_unknown_class_is_refused():
    with pytest.raises(ParameterError, match=r"label 'cow'.*'ant', 'bee'"):
        classifier(class_weight={"cow": 2}).fit(X, NAMES)


def test_a_class_left_out_has_weight_one():
    a = classifier(class_weight={"bee": 3}).fit(X, NAMES)
    b = classifier(class_weight={"ant": 1, "bee": 3}).fit(X, NAMES)
    np.testing.assert_array_equal(a.predict_proba(X), b.predict_proba(X))


@pytest.mark.parametrize(
    "outputs",
    [np.c_[Y, X[:, 0] > 0], np.c_[NAMES, np.where(X[:, 0] > 0, "yes", "no")]],
    ids=["indicators", "labels"],
)
def test_weights_of_several_outputs_are_a_dict_each_and_multiply(outputs):
    flat = np.zeros((40, 1))  # whose scale has nothing to do with weights
    chosen, weight = [], np.ones(40)
    for column, of_second in zip(outputs.T, (3.0, 5.0), strict=True):
        first, second = np.unique(column).tolist()
        chosen.append({first: 1.0, second: of_second})
        weight *= np.where(column == second, of_second, 1)
    a = classifier(class_weight=chosen).fit(flat, outputs)
    b = classifier().fit(flat, outputs, sample_weight=weight)
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=1e-6)
    with pytest.raises(ParameterError, match="list with a dict"):
        classifier(class_weight=chosen[0]).fit(X, outputs)
    with pytest.raises(ParameterError, match=r"3 dicts for 2 output\(s\)"):
        classifier(class_weight=[*chosen, {}]).fit(X, outputs)


# Validation


def held_out_by(network, y=None, **given):
    """The targets, all of them different, of the samples that a fit holds out."""
    seen = []

    def scorer(estimator, samples, targets):
        assert len(estimator.predict(samples)) == len(targets)
        seen.append(sorted(targets))
        return 0.0

    y = np.arange(40.0) if y is None else y
    network.set_params(scoring=scorer).fit(X, y, **given)
    assert len(seen) == network.n_iter_
    assert all(targets == seen[0] for targets in seen)
    return np.array(seen[0], int)


def test_groups_are_held_out_as_a_whole():
    groups = np.arange(40) % 7
    network = regressor(early_stopping=True, validation_fraction=0.3)
    rows = held_out_by(network, validation_groups=groups)
    chosen = set(groups[rows])
    assert 0 < len(chosen) < 7
    assert set(rows) == {i for i in range(40) if groups[i] in chosen}


def test_groups_are_those_of_the_samples_that_count():
    groups, weight = np.arange(40) % 7, (np.arange(40) % 2).astype(float)
    network = regressor(early_stopping=True, validation_fraction=0.3, scoring=None)
    seen = []

    def scorer(estimator, samples, targets, sample_weight):
        del estimator, samples
        assert (sample_weight == 1).all()
        seen.extend(targets)
        return 0.0

    network.set_params(scoring=scorer, max_iter=1)
    network.fit(X, np.arange(40.0), sample_weight=weight, validation_groups=groups)
    rows = np.array(seen, int)
    assert (rows % 2 == 1).all()
    kept = np.setdiff1d(np.arange(1, 40, 2), rows)
    assert not set(groups[rows]) & set(groups[kept])


@pytest.mark.parametrize("groups", [np.arange(39), np.ones((40, 2)), "abc"])
def test_groups_that_are_not_one_a_sample_are_refused(groups):
    with pytest.raises(DataError, match="validation_groups"):
        regressor(early_stopping=True).fit(X, Y, validation_groups=groups)


def test_groups_without_effect_are_refused():
    with pytest.raises(DataError, match="validation_groups has no effect"):
        regressor().fit(X, Y, validation_groups=Y)
    with pytest.raises(DataError, match="validation_groups has no effect"):
        regressor(early_stopping=True).fit(X, Y, None, X, Y, validation_groups=Y)


def test_the_last_samples_are_held_out():
    network = regressor(
        early_stopping=True, validation_split="last", validation_fraction=0.25
    )
    assert held_out_by(network).tolist() == list(range(30, 40))


def test_the_first_split_of_a_splitter_is_held_out():
    fold = np.full(40, -1)
    fold[[3, 5, 8, 13]] = 0
    network = regressor(early_stopping=True, validation_split=PredefinedSplit(fold))
    assert held_out_by(network).tolist() == [3, 5, 8, 13]


def test_a_splitter_gets_the_groups():
    groups = np.arange(40) % 7
    fold = GroupKFold(3)
    network = regressor(early_stopping=True, validation_split=fold)
    _, held_out = next(fold.split(X, groups=groups))
    rows = held_out_by(network, validation_groups=groups)
    assert rows.tolist() == held_out.tolist()


def test_an_impossible_split_is_a_data_error():
    network = regressor(early_stopping=True, validation_split=GroupKFold(3))
    with pytest.raises(DataError, match="groups"):
        network.fit(X, Y)
    with pytest.raises(DataError, match="train set"):
        regressor(early_stopping=True).fit(X, Y, validation_groups=np.zeros(40))
    everything = PredefinedSplit(np.zeros(40))
    with pytest.raises(DataError, match="0 samples are left to train on"):
        regressor(early_stopping=True, validation_split=everything).fit(X, Y)
    with pytest.raises(DataError, match="train set"):
        regressor(early_stopping=True, validation_fraction=0.9).fit(X[:2], Y[:2])


def test_the_last_samples_are_no_groups():
    network = regressor(early_stopping=True, validation_split="last")
    with pytest.raises(ParameterError, match=r"validation_split='last' has no effect"):
        network.fit(X, Y, validation_groups=Y)


def test_a_class_may_be_missing_among_few_samples_that_are_held_out():
    y = np.arange(40) % 4
    network = classifier(early_stopping=True, validation_fraction=0.05)
    assert network.fit(X, y).n_iter_ == 2


@pytest.mark.parametrize("split", ["first", 3, None, lambda n: n])
def test_what_splits_nothing_is_refused(split):
    with pytest.raises(ParameterError, match="validation_split"):
        regressor(early_stopping=True, validation_split=split).fit(X, Y)


def test_classes_are_held_out_in_equal_proportion():
    y = np.repeat([0, 1], [30, 10])
    network = classifier(early_stopping=True, validation_fraction=0.2, max_iter=1)
    counts = []

    def scorer(estimator, samples, targets):
        del estimator, samples
        counts.append(np.bincount(targets).tolist())
        return 0.0

    network.set_params(scoring=scorer).fit(X, y)
    assert counts == [[6, 2]]


@pytest.mark.parametrize("name", ["neg_mean_absolute_error", "r2"])
def test_a_score_may_be_given_by_name(name):
    y = X[:, 0] * 100
    network = regressor(scoring=name).fit(X, y, X_val=X[:9], y_val=y[:9])
    predicted = network.predict(X[:9])
    truth = {
        "neg_mean_absolute_error": -mean_absolute_error(y[:9], predicted),
        "r2": network.score(X[:9], y[:9]),
    }[name]
    assert network.validation_scores_[-1] == pytest.approx(truth)
    assert network.best_validation_score_ == max(network.validation_scores_)


def test_a_score_may_be_any_callable():
    def scorer(estimator, samples, targets):
        return balanced_accuracy_score(targets, estimator.predict(samples))

    network = classifier(scoring=scorer).fit(X, NAMES, X_val=X[:9], y_val=NAMES[:9])
    truth = balanced_accuracy_score(NAMES[:9], network.predict(X[:9]))
    assert network.validation_scores_[-1] == pytest.approx(truth)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_a_score(weighted):
    y = X[:, 0] * 100 + 7
    weight = RNG.uniform(0.5, 2, 9) if weighted else None
    network = regressor(scoring="loss", dropout=0.5)
    network.fit(X, y, X_val=X[:9], y_val=y[:9], sample_weight_val=weight)
    squares = ((network.predict(X[:9]) - y[:9]) / y.std()) ** 2
    truth = -np.average(squares, weights=weight)
    assert network.validation_scores_[-1] == pytest.approx(truth, rel=1e-4)


@pytest.mark.parametrize("bad", ["accurate", 3, ["r2"]])
def test_an_unknown_score_is_refused(bad):
    with pytest.raises(ParameterError, match="scoring"):
        regressor(scoring=bad).fit(X, Y, X_val=X, y_val=Y)


def test_a_score_without_validation_samples_is_refused():
    with pytest.raises(ParameterError, match="scoring='r2' has no effect"):
        regressor(scoring="r2").fit(X, Y)


def test_the_loss_decides_if_the_score_is_always_nan():
    y = X[:, 0]
    params = {"max_iter": 5, "learning_rate_init": 0.02}
    plain = regressor(**params).fit(X[:39], y[:39])
    with pytest.warns(DataWarning, match="is NaN"):
        network = regressor(
            early_stopping=True, scoring=lambda *_: np.nan, **params
        ).fit(X[:39], y[:39], X_val=X[39:], y_val=y[39:])
    assert network.n_iter_ == 5
    np.testing.assert_array_equal(network.predict(X), plain.predict(X))


def test_an_epoch_with_a_score_of_nan_is_not_kept():
    scores = [0.5, np.nan, 0.25]
    network = regressor(early_stopping=True, max_iter=3, n_iter_no_change=9)
    network.set_params(scoring=lambda *_: scores[len(predictions) - 1])
    predictions = []

    def scorer(estimator, samples, targets):
        del targets
        predictions.append(estimator.predict(samples))
        return scores[len(predictions) - 1]

    network.set_params(scoring=scorer).fit(X, X[:, 0], X_val=X, y_val=X[:, 0])
    np.testing.assert_allclose(network.predict(X), predictions[0], atol=1e-6)
    assert network.best_validation_score_ == 0.5


def test_weights_of_validation_samples_are_applied_in_their_score():
    weight = RNG.uniform(0, 2, 9)
    network = classifier()
    network.fit(X, Y, X_val=X[:9], y_val=Y[:9], sample_weight_val=weight)
    truth = np.average(network.predict(X[:9]) == Y[:9], weights=weight)
    assert network.validation_scores_[-1] == pytest.approx(truth)


def test_weights_of_validation_samples_need_validation_samples():
    with pytest.raises(DataError, match="sample_weight_val has no effect"):
        classifier().fit(X, Y, sample_weight_val=np.ones(40))


def test_class_weights_are_applied_in_the_score_that_stops_a_classifier():
    weight = {0: 1.0, 1: 9.0}
    network = classifier(class_weight=weight)
    network.fit(X, Y, X_val=X[:9], y_val=Y[:9])
    truth = np.average(
        network.predict(X[:9]) == Y[:9], weights=[weight[k] for k in Y[:9]]
    )
    assert network.validation_scores_[-1] == pytest.approx(truth)


def test_a_fit_of_a_robust_loss_is_stopped_by_this_loss():
    y = X[:, 0]
    network = regressor(loss="quantile", quantiles=0.9)
    network.fit(X, y, X_val=X[:9], y_val=y[:9])
    over = (y[:9] - network.predict(X[:9])) / network.task_.scale
    truth = -np.maximum(0.9 * over, -0.1 * over).mean()
    assert network.validation_scores_[-1] == pytest.approx(truth, rel=1e-4)


# Single samples, and axes that may be exchanged


def test_one_sample_is_not_read_as_many():
    series = RNG.normal(size=(10, 15, 2))
    network = RNNRegressor(**TINY_RNN).fit(series, np.arange(10.0))
    with pytest.raises(DataError, match=r"pass X\[None\]"):
        network.predict(series[0])
    assert network.predict(series[0][None]).shape == (1,)
    flat = RNNRegressor(**TINY_RNN).fit(series[:, :, 0], np.arange(10.0))
    for fitted, sample in ((flat, series[0, :, 0]), (regressor().fit(X, Y), X[0])):
        with pytest.raises(DataError, match="Expected 2D array"):
            fitted.predict(sample)


@pytest.mark.parametrize("sample", ["a text", b"RIFF", None])
def test_one_text_or_file_is_not_read_as_a_list(sample):
    network = RNNClassifier(**TINY_RNN).fit(["a b", "c"] * 5, Y[:10])
    for call in (network.predict, lambda s: network.fit(s, [0])):
        with pytest.raises(DataError, match=r"pass a list|X is None"):
            call(sample)


@pytest.mark.parametrize("texts", [{"a": 1}, {"a b": ["x"], "c": ["y"]}])
def test_the_keys_of_a_dict_are_not_read_as_samples(texts):
    with pytest.raises(DataError, match="X is a dict"):
        RNNClassifier(**TINY_RNN).fit(texts, [0, 1])


def test_a_generator_is_refused_with_the_remedy():
    with pytest.raises(DataError, match=r"pass list\(X\)"):
        RNNClassifier(**TINY_RNN).fit((x for x in X), Y)
    with pytest.raises(DataError, match=r"pass list\(X\)"):
        classifier().fit((x for x in X), Y)


def test_channels_that_seem_to_be_first_give_a_warning():
    series = RNG.normal(size=(10, 40, 3))
    RNNClassifier(**TINY_RNN).fit(series, Y[:10])
    with pytest.warns(DataWarning, match=r"3 steps and 40 channels.*transpose"):
        RNNClassifier(**TINY_RNN).fit(series.transpose(0, 2, 1), Y[:10])


def test_lists_of_token_ids_give_a_warning():
    with pytest.warns(DataWarning, match="tokens as strings"):
        RNNClassifier(**TINY_RNN).fit([[5, 7], [9, 3, 1]] * 5, Y[:10])
    RNNClassifier(**TINY_RNN).fit([[5.5, 7], [9, 3, 1]] * 5, Y[:10])


def test_waveforms_without_a_rate_give_a_warning():
    waves = RNG.uniform(-1, 1, size=(4, 2500))
    network = CNNClassifier(n_filters=(2,), max_iter=1, random_state=0)
    for given in (waves, [w[: 2400 + i] for i, w in enumerate(waves)]):
        with pytest.warns(DataWarning, match="sampling_rate="):
            network.fit(given, Y[:4])
        assert network.form_ == "series"
        again = CNNClassifier(n_filters=(2,), max_iter=1, sampling_rate=8000)
        assert again.fit(given, Y[:4]).form_ == "audio"


def test_the_form_that_was_chosen_is_shown():
    network = RNNClassifier(**TINY_RNN)
    assert "text" not in repr(network)
    assert "fitted on text data" in repr(network.fit(["a b", "c"] * 5, Y[:10]))
