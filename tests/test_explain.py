"""Explanations of tables against differences of predictions, fine sums, and scikit-learn."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression

import lamina
from lamina import DNNClassifier, DNNRegressor, Forecaster, SequenceTagger
from lamina.batch import Batch
from lamina.encoders.tables.encoder import TableEncoder
from lamina.encoders.tables.reader import TableParams
from lamina.exceptions import AttributionWarning, DataError, ParameterError
from lamina.inspection import explain

CALM = settings(deadline=None, max_examples=20)
QUICK = {"hidden_layer_sizes": (16,), "max_iter": 6, "random_state": 0}
QUICK |= {"learning_rate_init": 0.01, "n_members": 2}
LEVELS = {
    "size": [np.nan, -1.5, -0.2, 0.0, 0.4, 3.0],
    "price": [0.1, 2.0, 50.0, 4000.0],
    "shop": ["north", "south", None],
    "seller": [f"s{i}" for i in range(12)],
    "day": list(pd.date_range("2024-01-30", periods=9, freq="37D")),
}
"""Values of the columns of a table: numbers, one-hot and embedded categories, dates."""


def table(rng, n):
    drawn = {c: [v[i] for i in rng.integers(len(v), size=n)] for c, v in LEVELS.items()}
    return pd.DataFrame(drawn)


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(0)
    X = table(rng, 200)
    late = X["day"].dt.month.to_numpy() > 6
    score = X["size"].fillna(2) + late + (X["shop"] == "north") + rng.normal(size=200)
    y = np.where(score > score.median(), "yes", "no")
    return DNNClassifier(**QUICK).fit(X, y)


rows = st.fixed_dictionaries({c: st.sampled_from(v) for c, v in LEVELS.items()})


def frame(samples):
    return pd.DataFrame(samples)[list(LEVELS)].astype({"size": float, "shop": object})


def numbers(n=120, n_columns=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, n_columns)) * 3 + 5


def sums_up(attribution, rtol=1e-3):
    total = attribution.values.sum(1) + attribution.base_value
    bound = rtol * np.abs(attribution.values).sum(1)
    return (np.abs(total - attribution.output) <= bound + 1e-4).all()


def test_a_linear_network_gives_weight_times_difference():
    X = numbers()
    network = DNNRegressor(
        hidden_layer_sizes=(), numeric_embedding="none", n_members=1, max_iter=5
    ).fit(X, X @ [1.0, -2.0, 0.5, 0.0])
    base, unit = X[:1], np.eye(4)
    weights = network.predict(base + unit) - network.predict(base)
    attribution = explain(network, X, baseline=base, n_steps=1)
    np.testing.assert_allclose(attribution.values, weights * (X - base), atol=1e-4)
    average = explain(network, X)
    np.testing.assert_allclose(
        average.values, weights * (X - X.mean(0)), atol=1e-4 * np.abs(weights).max()
    )


@CALM
@given(st.lists(rows, min_size=1, max_size=4), st.lists(rows, min_size=1, max_size=2))
def test_values_add_up_from_the_baseline_to_the_output(mixed, samples, baseline):
    X, base = frame(samples), frame(baseline)
    attribution = explain(mixed, X, baseline=base)
    assert attribution.values.shape == (len(X), len(LEVELS))
    decision, of_base = mixed.decision_function(X), mixed.decision_function(base)
    np.testing.assert_allclose(attribution.output, decision, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        attribution.base_value, of_base.mean(), rtol=1e-5, atol=1e-5
    )
    assert sums_up(attribution)
    assert sums_up(explain(mixed, X))


@CALM
@given(rows, st.data())
def test_the_only_column_that_differs_has_the_whole_difference(mixed, sample, data):
    column = data.draw(st.sampled_from(sorted(LEVELS)))
    other = sample | {column: data.draw(st.sampled_from(LEVELS[column]))}
    X, base = frame([other]), frame([sample])
    (values,) = explain(mixed, X, baseline=base).values
    difference = mixed.decision_function(X)[0] - mixed.decision_function(base)[0]
    at = list(LEVELS).index(column)
    # The network is not linear, and its bends are met at finitely many steps.
    assert values[at] == pytest.approx(difference, rel=2e-3, abs=1e-4)
    assert not np.delete(values, at).any()


def test_values_are_integrals_of_the_gradient_in_the_data():
    X = numbers()
    y = np.sin(X[:, 0]) * X[:, 1]
    network = DNNRegressor(**QUICK).fit(X, y)
    sample, base = X[:1], X[1:2]
    z = [network.encoder_.encode(network.encoder_.read(v)).x for v in (sample, base)]
    end, start = (v.double() for v in z)
    t = (torch.arange(20_000) + 0.5)[:, None] / 20_000
    line = (start + t * (end - start)).requires_grad_()
    model = network.network_.double()
    network.task_.predicted(model(Batch(line))).sum().backward()
    truth = (line.grad.mean(0) * (end - start)[0]).numpy()
    model.float()
    (values,) = explain(network, sample, baseline=base, n_steps=2000).values
    np.testing.assert_allclose(values, truth, atol=2e-3 * np.abs(truth).sum())


@pytest.mark.slow
def test_a_planted_column_ranks_first():
    hits = []
    for seed in range(10):
        X = numbers(300, 8, seed)
        y = (X[:, seed % 8] > 5) ^ (np.random.default_rng(seed).random(300) < 0.1)
        network = DNNClassifier(**(QUICK | {"random_state": seed})).fit(X, y)
        hits.append(explain(network, X[:100]).importances.argmax() == seed % 8)
    assert sum(hits) >= 9


def test_importances_rank_as_permutation_importance():
    X = numbers(600, 10)
    y = 3 * X[:, 2] + 2 * np.abs(X[:, 5] - 5) - X[:, 7]
    network = DNNRegressor(**(QUICK | {"max_iter": 20})).fit(X, y)
    truth = permutation_importance(network, X, y, n_repeats=3, random_state=0)
    importances = explain(network, X[:200], baseline=X[200:210]).importances
    informative = [2, 5, 7]
    assert set(importances.argsort()[-3:]) == set(informative)
    of_truth = truth.importances_mean[informative]
    assert spearmanr(importances[informative], of_truth).statistic == 1


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_a_regressor_is_explained_in_the_units_of_the_target(loss):
    X = numbers()
    y = np.stack([np.exp(X[:, 0] / 3), 1000 + 100 * X[:, 1]], 1)
    network = DNNRegressor(loss=loss, **QUICK).fit(X, y)
    for target in (0, 1):
        attribution = explain(network, X[:20], target=target)
        np.testing.assert_allclose(
            attribution.output, network.predict(X[:20])[:, target], rtol=1e-5
        )
        assert sums_up(attribution)


def test_targets_are_labels():
    X = numbers()
    y = np.array(["ant", "bee", "cow"])[np.digitize(X[:, 0], [3, 7])]
    network = DNNClassifier(**QUICK).fit(X, y)
    logits = network.decision_function(X)
    at_bee = explain(network, X, target="bee")
    np.testing.assert_allclose(at_bee.output, logits[:, 1], atol=1e-5)
    np.testing.assert_allclose(explain(network, X).output, logits.max(1), atol=1e-5)
    two = DNNClassifier(**QUICK).fit(X, y == "bee")
    np.testing.assert_array_equal(
        explain(two, X, target=False).values, -explain(two, X).values
    )


def test_targets_of_several_outputs_are_pairs():
    X = numbers()
    y = np.stack([np.digitize(X[:, 0], [3, 7]), X[:, 1] > 5], 1)
    network = DNNClassifier(**QUICK).fit(X, y)
    attribution = explain(network, X, target=(0, 2))
    assert attribution.importances.shape == (4,)
    with pytest.raises(ParameterError, match=r"target=None.*\(1, 0\)"):
        explain(network, X)


def test_a_sparse_matrix_and_an_array_have_the_same_values():
    X = numbers() * (np.random.default_rng(1).random((120, 4)) < 0.5)
    network = DNNRegressor(**QUICK).fit(X, X.sum(1))
    dense = explain(network, X).values
    np.testing.assert_allclose(
        explain(network, sparse.csr_matrix(X)).values, dense, atol=1e-6
    )


def test_one_row_has_the_values_that_it_has_among_others(mixed):
    X = table(np.random.default_rng(2), 60)
    of_all, of_one = explain(mixed, X), explain(mixed, X[7:8])
    np.testing.assert_allclose(of_one.values[0], of_all.values[7], atol=1e-5)


def test_a_saved_network_has_the_same_explanation(mixed, tmp_path):
    X = table(np.random.default_rng(3), 5)
    mixed.save(tmp_path / "network.lamina")
    loaded = lamina.load(tmp_path / "network.lamina")
    np.testing.assert_array_equal(explain(loaded, X).values, explain(mixed, X).values)


def test_the_average_row_has_the_frequencies_of_the_training_rows():
    X = table(np.random.default_rng(4), 50)
    weight = np.random.default_rng(5).random(50)
    encoder = TableEncoder(TableParams())
    encoder.fit(encoder.read(X), weight)
    batch = encoder.encode(encoder.read(X)).take(torch.arange(50))
    x, (codes,) = encoder.average()
    one_hot = slice(encoder.standardizer.n_channels, None)
    truth = np.average(batch.x[:, one_hot], axis=0, weights=weight)
    np.testing.assert_allclose(x[one_hot], truth, atol=1e-6)
    truth = np.bincount(batch.codes[:, 0], weight, len(codes)) / weight.sum()
    np.testing.assert_allclose(codes, truth)


def test_too_few_steps_give_a_warning():
    X = numbers()
    network = DNNRegressor(**QUICK).fit(X, np.sin(X[:, 0]))
    with pytest.warns(AttributionWarning, match="Raise n_steps"):
        explain(network, X, n_steps=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain(network, X)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "saliency"}, "'method'.*'saliency'"),
        ({"method": "occlusion", "n_steps": 4}, "'n_steps' has no effect.*occlusion"),
        ({"method": "occlusion", "patch_size": 4}, "patch_size=4 .*table"),
        ({"method": "occlusion", "patch_size": 0}, "'patch_size'.*0"),
        ({"patch_size": 4}, "'patch_size' has no effect.*auto"),
        ({"method": "grad_cam"}, "CNNClassifier.*DNNClassifier fitted on table"),
        ({"n_steps": 0}, "'n_steps'.*0"),
        ({"n_steps": "many"}, "'n_steps'.*'many'"),
        ({"target": "maybe"}, r"target='maybe'.*\['no', 'yes'\]"),
    ],
)
def test_arguments_that_are_not_allowed_are_refused(mixed, arguments, message):
    with pytest.raises(ParameterError, match=message):
        explain(mixed, table(np.random.default_rng(0), 3), **arguments)


def test_other_columns_are_refused(mixed):
    X = table(np.random.default_rng(0), 3)
    with pytest.raises(DataError):
        explain(mixed, X, baseline=X.drop(columns="shop"))


def test_estimators_without_an_output_for_each_sample_are_refused():
    words = [["we", "learn"], ["we", "read"]] * 5
    tagger = SequenceTagger(hidden_size=4, max_iter=1).fit(words, [["P", "V"]] * 10)
    with pytest.raises(
        ParameterError, match=r"classifiers and regressors.*SequenceTagger"
    ):
        explain(tagger, words)
    y = np.sin(np.arange(80.0))
    forecaster = Forecaster(horizon=2, max_iter=1).fit(y)
    with pytest.raises(ParameterError, match="Forecaster"):
        explain(forecaster, y)
    with pytest.raises(ParameterError, match="LogisticRegression"):
        explain(LogisticRegression().fit([[0], [1]], [0, 1]), [[0]])


def test_occlusion_of_a_table_replaces_one_column():
    X = numbers()
    network = DNNRegressor(**QUICK).fit(X, np.sin(X[:, 0]) * X[:, 1])
    attribution = explain(network, X[:9], method="occlusion", baseline=X[10:12])
    for column in range(4):
        changed = [X[:9].copy() for _ in range(2)]
        for other, row in zip(changed, (10, 11), strict=True):
            other[:, column] = X[row, column]
        truth = network.predict(X[:9]) - np.mean([*map(network.predict, changed)], 0)
        np.testing.assert_allclose(attribution.values[:, column], truth, atol=1e-4)


def test_a_column_of_texts_counts_as_a_whole():
    rng = np.random.default_rng(0)
    texts = [
        " ".join(rng.choice(["good", "bad", "film", "story"], 6)) for _ in range(80)
    ]
    X = pd.DataFrame({"size": rng.normal(size=80), "review": texts})
    y = X["review"].str.count("good") + X["size"]
    network = DNNRegressor(text_features=["review"], **QUICK).fit(X, y)
    for baseline in (None, X[:2]):
        attribution = explain(network, X[2:9], baseline=baseline)
        assert attribution.values.shape == (7, 2) and sums_up(attribution)
    only_text = X[3:4].assign(size=X["size"][2])
    (values,) = explain(network, only_text, baseline=X[2:3]).values
    (occluded,) = explain(
        network, only_text, baseline=X[2:3], method="occlusion"
    ).values
    difference = (network.predict(only_text) - network.predict(X[2:3]))[0]
    np.testing.assert_allclose(values, [0, difference], rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(occluded, [0, difference], rtol=1e-4, atol=1e-5)


def test_auto_is_occlusion_where_gradients_do_not_sum_up(monkeypatch):
    X = numbers()
    network = DNNRegressor(**QUICK).fit(X, np.sin(X[:, 0]))
    assert explain(network, X).method == "integrated_gradients"
    monkeypatch.setattr("lamina.inspection.gradients.FIRST", 1)
    monkeypatch.setattr("lamina.inspection.gradients.LAST", 1)
    assert explain(network, X).method == "occlusion"
