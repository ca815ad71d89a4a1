"""Occlusion against predictions of samples that are changed by hand."""

import numpy as np
import pytest

from lamina import CNNClassifier, CNNRegressor, RNNClassifier
from lamina.inspection import explain


def test_an_image_is_compared_with_patches_of_the_baseline():
    X = np.random.default_rng(0).random((40, 7, 5, 2))
    network = CNNRegressor(n_filters=4, max_iter=3, random_state=0)
    network.fit(X, X.mean((1, 2, 3)))
    base = X[:1]
    arguments = {"method": "occlusion", "baseline": base, "patch_size": 3}
    attribution = explain(network, X[1:4], **arguments)
    output = network.predict(X[1:4])
    for rows in (slice(0, 3), slice(3, 6), slice(6, 7)):
        for columns in (slice(0, 3), slice(3, 5)):
            changed = X[1:4].copy()
            changed[:, rows, columns] = base[:, rows, columns]
            values = attribution.values[:, rows, columns]
            change = output - network.predict(changed)
            np.testing.assert_allclose(values.sum((1, 2, 3)), change, atol=1e-5)
            assert np.ptp(values, (1, 2, 3)).max() == 0


@pytest.mark.parametrize("lengths", [[6, 6, 6], [3, 8, 5]])
def test_a_series_is_compared_with_windows_of_a_channel_at_its_mean(lengths):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in lengths * 8]
    mean = np.concatenate(X).mean(0)
    network = CNNClassifier(n_filters=4, max_iter=3, random_state=0)
    network.fit(X, np.arange(len(X)) % 2)
    attribution = explain(network, X, method="occlusion", patch_size=2)
    output = network.decision_function(X)
    for channel in range(2):
        changed = [series.copy() for series in X]
        for series in changed:
            series[2:4, channel] = mean[channel]
        change = output - network.decision_function(changed)
        sums = [values[2:4, channel].sum() for values in attribution.values]
        np.testing.assert_allclose(sums, change, atol=1e-4)


def test_a_text_is_compared_with_an_unknown_word_in_each_place():
    X = ["good film", "bad story", "a good story", "what a bad film"] * 5
    network = RNNClassifier(
        hidden_size=8, max_iter=5, ngram_features=False, random_state=0
    ).fit(X, [1, 0, 1, 0] * 5)
    attribution = explain(network, ["a bad story"], method="occlusion")
    changed = ["zxq bad story", "a zxq story", "a bad zxq"]
    change = network.decision_function(["a bad story"]) - network.decision_function(
        changed
    )
    np.testing.assert_allclose(attribution.values[0], change, atol=1e-5)
