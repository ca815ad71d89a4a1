"""Networks with default parameters learn real data of the package.

The bounds lie a little below what several seeds reach; `benchmarks/accuracy.py` measures.
"""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split

from lamina import CNNClassifier, DNNClassifier, DNNRegressor, RNNClassifier
from lamina.datasets import load_basic_motions, load_japanese_vowels, load_spoken_digits

pytestmark = pytest.mark.slow
DIGITS = load_digits()
CUT = train_test_split(
    DIGITS.images, DIGITS.target, stratify=DIGITS.target, random_state=0
)


def held_out(load, network):
    train, test = (load(subset=s, return_X_y=True) for s in ("train", "test"))
    return network.fit(*train).score(*test)


def test_a_dense_network_classifies_digits():
    X, X_test, y, y_test = (a.reshape(len(a), -1) if a.ndim > 1 else a for a in CUT)
    assert DNNClassifier(random_state=0).fit(X, y).score(X_test, y_test) > 0.97


def test_a_dense_network_is_as_good_as_a_linear_model_on_a_linear_task():
    X, y = load_diabetes(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    rng = np.random.default_rng(0)
    y, y_test = (a @ np.arange(10) * 100 + rng.normal(size=len(a)) for a in (X, X_test))
    linear = RidgeCV().fit(X, y).score(X_test, y_test)
    assert DNNRegressor(random_state=0).fit(X, y).score(X_test, y_test) > linear - 0.02


def test_a_convolutional_network_classifies_images_of_digits():
    X, X_test, y, y_test = CUT
    network = CNNClassifier(max_iter=15, random_state=0)
    assert network.fit(X, y).score(X_test, y_test) > 0.97


def test_a_convolutional_network_classifies_spoken_digits():
    network = CNNClassifier(sampling_rate=8000, max_iter=30, random_state=0)
    assert held_out(load_spoken_digits, network) > 0.85


def test_recurrent_networks_distinguish_speakers_by_ragged_series():
    assert held_out(load_japanese_vowels, RNNClassifier(random_state=0)) > 0.95


def test_a_plain_rnn_distinguishes_activities():
    network = RNNClassifier(cell="rnn", max_iter=40, random_state=0)
    assert held_out(load_basic_motions, network) > 0.85


SMALL = [
    DNNClassifier(n_members=1, numeric_embedding="none"),
    CNNClassifier(n_filters=(8,)),
    RNNClassifier(hidden_size=16),
]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("network", SMALL, ids=lambda network: type(network).__name__)
def test_the_default_penalty_of_an_optimizer_lets_networks_learn(network, optimizer):
    X, X_test, y, y_test = CUT
    if isinstance(network, DNNClassifier):
        X, X_test = (a.reshape(len(a), -1) for a in (X, X_test))
    rate = 0.05 if optimizer == "sgd" else 0.005
    params = {"optimizer": optimizer, "learning_rate_init": rate, "max_iter": 8}
    score, without = (
        clone(network)
        .set_params(**params, **penalty, random_state=0)
        .fit(X, y)
        .score(X_test, y_test)
        for penalty in ({}, {"alpha": 0.0})
    )
    assert score > without - 0.05
    assert without > 0.6
