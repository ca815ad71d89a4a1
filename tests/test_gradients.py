"""Integrated gradients against sums of differences of predictions."""

import numpy as np
import pytest

from lamina import CNNRegressor, DNNRegressor, RNNClassifier, RNNRegressor
from lamina.inspection import explain

N_POINTS = 200


def test_values_of_a_series_are_sums_of_differences_along_the_line():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5, 2))
    y = X[:, 1, 0] * X[:, 3, 1]
    network = RNNRegressor(hidden_size=8, n_layers=1, max_iter=20, random_state=0)
    sample, base = X[:1], X[1:2]
    attribution = explain(network.fit(X, y), sample, baseline=base)
    step, truth = 0.02, np.empty((5, 2))
    t = (np.arange(N_POINTS) + 0.5)[:, None, None] / N_POINTS
    line = base + t * (sample - base)
    for cell in np.ndindex(5, 2):
        change = np.zeros((5, 2))
        change[cell] = step
        higher, lower = network.predict(line + change), network.predict(line - change)
        gradient = (higher - lower).mean() / (2 * step)
        truth[cell] = gradient * (sample - base)[0][cell]
    tolerance = 1e-2 * np.abs(truth).sum()
    np.testing.assert_allclose(attribution.values[0], truth, atol=tolerance)


def test_a_linear_convolutional_network_gives_weight_times_difference():
    X = np.random.default_rng(0).random((60, 6, 6))
    network = CNNRegressor(
        n_filters=4,
        activation="identity",
        pooling="average",
        form="image",
        max_iter=5,
        random_state=0,
    ).fit(X, X[:, 2:4, 2:4].mean((1, 2)))
    base = X[:1]
    attribution = explain(network, X[1:4], baseline=base, n_steps=1)
    for cell in [(0, 0), (2, 3), (5, 4)]:
        changed = base.copy()
        changed[0][cell] += 1
        weight = network.predict(changed) - network.predict(base)
        expected = weight * (X[1:4] - base)[(slice(None), *cell)]
        np.testing.assert_allclose(
            attribution.values[(slice(None), *cell)], expected, atol=2e-5
        )


@pytest.mark.parametrize("unit", ["word", "char"])
def test_texts_are_compared_with_unknown_words(unit):
    X = ["good film", "bad story", "a good story", "what a bad film"] * 5
    y = [1.0, 0.0, 1.0, 0.0] * 5
    params = {"token_unit": unit, "max_iter": 5, "random_state": 0}
    network = RNNClassifier(hidden_size=8, **params).fit(X, y)
    text, unknown = ("a good", "zxq qxz") if unit == "word" else ("agood", "zxqzz")
    attribution = explain(network, [text])
    np.testing.assert_allclose(
        attribution.base_value, network.decision_function([unknown]), atol=1e-5
    )
    network = DNNRegressor(hidden_layer_sizes=(8,), **params).fit(X, y)
    attribution = explain(network, [text])
    np.testing.assert_allclose(
        attribution.base_value, network.predict([unknown]), atol=1e-5
    )


def test_a_word_that_the_network_does_not_know_contributes_nothing():
    X = ["good film", "bad story", "a good story", "what a bad film"] * 5
    network = RNNClassifier(hidden_size=8, max_iter=5, random_state=0)
    attribution = explain(network.fit(X, [1, 0, 1, 0] * 5), ["good zxq"])
    assert attribution.values[0][1] == 0
