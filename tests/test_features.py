"""Features of fitted networks against least squares, numpy, and scikit-learn's pipelines."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from lamina import CNNClassifier, DNNClassifier, DNNRegressor, RNNRegressor
from lamina.exceptions import DataError

QUICK = {"hidden_layer_sizes": (6, 5), "max_iter": 3, "random_state": 0}


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True, as_frame=True)


def linear_fit(features, outputs):
    """The outputs of the best linear function of the features."""
    inputs = np.column_stack([features.astype(float), np.ones(len(features))])
    return inputs @ np.linalg.lstsq(inputs, outputs, rcond=None)[0]


@pytest.mark.parametrize("n_members", [1, 3])
def test_predictions_are_a_linear_function_of_the_features(n_members):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = np.abs(X[:, 0]) + X[:, 1]
    network = DNNRegressor(n_members=n_members, **QUICK).fit(X, y)
    features = network.transform(X)
    assert features.shape == (200, 5 * n_members)
    predicted = network.predict(X)
    np.testing.assert_allclose(linear_fit(features, predicted), predicted, atol=1e-4)
    if n_members > 1:  # which is why they are not averaged
        mean = features.reshape(200, n_members, 5).mean(1)
        assert np.abs(linear_fit(mean, predicted) - predicted).max() > 1e-2


def test_features_of_a_dense_network_are_those_of_numpy():
    X = np.random.default_rng(0).normal(size=(50, 3))
    network = DNNRegressor(
        n_members=1, numeric_embedding="none", activation="relu", **QUICK
    ).fit(X, X.sum(1))
    h = (X - X.mean(0)) / X.std(0)
    weights = [w.numpy() for w in network.network_.body.state_dict().values()]
    for weight, bias in zip(weights[::2], weights[1::2], strict=True):
        h = np.maximum(h @ weight.T + bias, 0)
    np.testing.assert_allclose(network.transform(X), h, atol=1e-5)


def test_features_of_series_are_means_over_their_real_steps():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 2)) for n in (3, 9, 5, 7)] * 5
    network = RNNRegressor(hidden_size=4, n_layers=1, max_iter=1, random_state=0)
    network.fit(X, [x.mean() for x in X])
    encoder, body = network.encoder_, network.network_.body
    for row in range(4):
        x = encoder.encode(encoder.read([X[row]])).x
        rnn = body.layers[0].directions
        forward, backward = rnn[0](x)[0], rnn[1](x.flip(1))[0].flip(1)
        expected = np.concatenate([forward[0].detach(), backward[0].detach()], 1)
        np.testing.assert_allclose(
            network.transform(X)[row], expected.mean(0), atol=1e-5
        )


def test_a_network_is_a_step_of_a_pipeline(iris):
    X, y = iris
    pipeline = make_pipeline(DNNClassifier(**QUICK), LogisticRegression(max_iter=500))
    assert pipeline.fit(X, y).score(X, y) > 0.6
    names = pipeline[:-1].get_feature_names_out()
    assert names[0] == "dnnclassifier0" and len(names) == pipeline[-1].n_features_in_
    frozen = FrozenEstimator(pipeline[0])
    again = make_pipeline(frozen, LogisticRegression(max_iter=500)).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X), pipeline.predict_proba(X))


def test_a_network_is_the_last_step_of_a_pipeline(iris):
    X, y = iris
    scale = ColumnTransformer([("all", "passthrough", X.columns)])
    pipeline = make_pipeline(scale, DNNClassifier(**QUICK)).fit(X, y)
    direct = DNNClassifier(**QUICK).fit(X.to_numpy(), y)
    np.testing.assert_array_equal(pipeline.predict(X), direct.predict(X.to_numpy()))
    np.testing.assert_array_equal(pipeline.transform(X), direct.transform(X.to_numpy()))
    assert pipeline.score(X, y) == direct.score(X.to_numpy(), y)
    search = GridSearchCV(pipeline, {"dnnclassifier__dropout": [0.0]}, cv=2).fit(X, y)
    assert search.transform(X).shape == (150, 40)
    together = make_pipeline(scale, DNNClassifier(**QUICK)).fit_transform(X, y)
    np.testing.assert_array_equal(together, pipeline.transform(X))


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_features_are_in_the_container_of_set_output(iris, container):
    X, y = iris
    X = X.set_axis(np.arange(150) + 7)
    network = DNNClassifier(**QUICK).set_output(transform=container)
    features = network.fit_transform(X, y)
    assert isinstance(features, {"pandas": pd, "polars": pl}[container].DataFrame)
    assert list(features.columns) == network.get_feature_names_out().tolist()
    if container == "pandas":
        assert features.index.equals(X.index)
    assert isinstance(clone(network).fit(X, y).transform(X), type(features))
    assert isinstance(network.predict(X), np.ndarray)
    plain = network.set_output(transform="default").transform(X)
    np.testing.assert_array_equal(features.to_numpy(), plain)


def test_pictures_have_features_by_which_a_linear_model_classifies():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=60)
    X = rng.normal(size=(60, 8, 8)) * 0.1
    X[y == 0, 3] += 1  # a horizontal bar
    X[y == 1, :, 3] += 1
    network = CNNClassifier(
        form="image", n_filters=(4,), max_iter=10, random_state=0
    ).fit(X, y)
    model = make_pipeline(FrozenEstimator(network), LogisticRegression()).fit(X, y)
    assert model.score(X, y) >= network.score(X, y) > 0.6


def test_what_transform_refuses_is_named(iris):
    X, y = iris
    network = DNNClassifier(**QUICK)
    for call in (lambda: network.transform(X), network.get_feature_names_out):
        with pytest.raises(NotFittedError):
            call()
    network.fit(X, y)
    with pytest.raises(DataError, match="petal width"):
        network.transform(X.iloc[:, :3])
    with pytest.raises(ValueError, match="input_features"):
        network.get_feature_names_out(["a", "b", "c", "d"])
