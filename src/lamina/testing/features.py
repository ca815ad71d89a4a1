"""Checks of `transform`: a network as the extractor of features."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import lamina
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.features import FeatureExtractor
from lamina.testing.examples import Example
from lamina.testing.fitting import assert_close, assert_same, brief, fit, only_where


def _has_features(estimator: NeuralEstimator, data: Example) -> bool:
    del data
    return isinstance(estimator, FeatureExtractor)


@only_where(_has_features)
def check_features_are_named_and_finite(
    estimator: NeuralEstimator, data: Example
) -> None:
    """`transform` gives a row of float32 for each sample, with a name for each column."""
    network = fit(brief(estimator, data), data)
    features, names = network.transform(data.X), network.get_feature_names_out()
    assert features.shape == (len(data), len(names)), "A feature has no name"
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    prefix = type(estimator).__name__.lower()
    assert names.tolist() == [f"{prefix}{i}" for i in range(len(names))]
    assert (features != features[0]).any(), "All samples have the same features"


@only_where(_has_features)
def check_features_ignore_neighbours(estimator: NeuralEstimator, data: Example) -> None:
    """The features of a sample do not depend on the other samples and their order."""
    network = fit(brief(estimator, data), data)
    together, rows = network.transform(data.X), np.arange(len(data))
    single = np.concatenate([network.transform(data.rows([i])) for i in rows])
    assert_close(single, together, 1e-5, "one by one and together")
    reverse = network.transform(data.rows(rows[::-1]))[::-1]
    assert_close(reverse, together, 1e-5, "in reverse order")


@only_where(_has_features)
def check_features_are_equal_after_saving(
    estimator: NeuralEstimator, data: Example
) -> None:
    """A loaded estimator gives the same features, with the same names."""
    network = fit(brief(estimator, data), data)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.lamina"
        lamina.save(network, path)
        again = type(network).load(path)
    assert_same(again.transform(data.X), network.transform(data.X), "after loading")
    names = network.get_feature_names_out()
    assert_same(again.get_feature_names_out(), names, "names after loading")
