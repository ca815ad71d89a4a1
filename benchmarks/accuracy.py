"""Held-out accuracy of the estimators with default parameters, and scikit-learn's MLP.

Every case prints its score for each of SEEDS (default 3) values of `random_state`, and
the seconds of a fit. On tables MLPClassifier and MLPRegressor get scaled numbers and
one-hot categories. The large sets are read from LAMINA_DATA.
"""

import os
import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.base import is_classifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.runner import store
from lamina import (
    CNNClassifier,
    DNNClassifier,
    DNNRegressor,
    RNNClassifier,
)
from lamina.datasets import (
    fetch_fashion,
    fetch_spoken_digits,
    load_adult,
    load_basic_motions,
    load_diamonds,
    load_japanese_vowels,
)

SEEDS = range(int(os.environ.get("SEEDS", "3")))
Network = Callable[[int], object]


def split(load: Callable) -> list[tuple]:
    """A data set's own training and test samples."""
    train, test = (load(subset=s, return_X_y=True) for s in ("train", "test"))
    return [(*train, *test)]


def spoken_digits() -> list[tuple]:
    """Recordings; the sampling rate is a parameter of the network."""
    return split(fetch_spoken_digits)


def diamonds() -> list[tuple]:
    """A random fifth is the test set."""
    X, y = load_diamonds(return_X_y=True)
    a, b, c, d = train_test_split(X, y, test_size=0.2, random_state=0)
    return [(a, c, b, d)]


def folds(load: Callable, as_images: bool = False) -> list[tuple]:
    """Five shuffled folds of one of scikit-learn's sets."""
    data = load()
    X = data.images if as_images else data.data
    y = data.target
    kind = KFold if y.dtype.kind == "f" else StratifiedKFold
    cut = kind(5, shuffle=True, random_state=0).split(y, y)
    return [(X[a], y[a], X[b], y[b]) for a, b in cut]


def mlp(kind: type, frame: bool = False, **params) -> Network:
    """scikit-learn's MLP with the preprocessing that it needs."""

    def make(seed: int) -> object:
        scale = make_pipeline(SimpleImputer(), StandardScaler())
        if frame:
            one_hot = OneHotEncoder(handle_unknown="ignore")
            numbers = make_column_selector(dtype_include="number")
            others = make_column_selector(dtype_exclude="number")
            scale = make_column_transformer((scale, numbers), (one_hot, others))
        return make_pipeline(scale, kind(random_state=seed, **params))

    return make


def ours(kind: type, **params) -> Network:
    """One of our estimators with default parameters."""
    return lambda seed: kind(random_state=seed, **params)


def scikit(load: Callable) -> Callable[[], list[tuple]]:
    return lambda: folds(load)


CASES: dict[str, tuple[Callable[[], list[tuple]], dict[str, Network]]] = {
    "digits": (
        scikit(load_digits),
        {"DNN": ours(DNNClassifier), "MLP": mlp(MLPClassifier)},
    ),
    "digit-pictures": (
        lambda: folds(load_digits, as_images=True),
        {"CNN": ours(CNNClassifier)},
    ),
    "iris": (
        scikit(load_iris),
        {"DNN": ours(DNNClassifier), "MLP": mlp(MLPClassifier)},
    ),
    "wine": (
        scikit(load_wine),
        {"DNN": ours(DNNClassifier), "MLP": mlp(MLPClassifier)},
    ),
    "cancer": (
        scikit(load_breast_cancer),
        {"DNN": ours(DNNClassifier), "MLP": mlp(MLPClassifier)},
    ),
    "diabetes": (
        scikit(load_diabetes),
        {"DNN": ours(DNNRegressor), "MLP": mlp(MLPRegressor)},
    ),
    "adult": (
        lambda: split(load_adult),
        {
            "DNN": ours(DNNClassifier),
            "MLP": mlp(MLPClassifier, frame=True),
            "MLP, early stopping": mlp(MLPClassifier, True, early_stopping=True),
        },
    ),
    "diamonds": (
        diamonds,
        {
            "DNN": ours(DNNRegressor),
            "MLP, early stopping": mlp(MLPRegressor, True, early_stopping=True),
        },
    ),
    "vowels": (
        lambda: split(load_japanese_vowels),
        {
            "LSTM": ours(RNNClassifier),
            "RNN": ours(RNNClassifier, cell="rnn"),
            "GRU": ours(RNNClassifier, cell="gru"),
            "CNN": ours(CNNClassifier),
        },
    ),
    "motions": (
        lambda: split(load_basic_motions),
        {"LSTM": ours(RNNClassifier), "CNN": ours(CNNClassifier)},
    ),
    "spoken": (
        spoken_digits,
        {
            "CNN": ours(CNNClassifier, sampling_rate=8000),
            "LSTM": ours(RNNClassifier, sampling_rate=8000),
        },
    ),
    "fashion": (lambda: split(fetch_fashion), {"CNN": ours(CNNClassifier)}),
}


def main(names: list[str]) -> None:
    """Print and store the scores of these cases, or of all."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"{'data':15} {'network':20} {'mean':>7}  each seed{'':14} {'s a fit':>8}")
    for case in names or CASES:
        samples, networks = CASES[case]
        figures = {name: scored(samples, make) for name, make in networks.items()}
        for name, values in figures.items():
            each = " ".join(f"{score:.4f}" for score in values["scores"])
            print(
                f"{case:15} {name:20} {values['mean']:7.4f}  {each:23} "
                f"{values['seconds']:8.1f}",
                flush=True,
            )
        store("accuracy", case, figures)


def scored(samples: Callable[[], list[tuple]], make: Network) -> dict:
    """The score of each seed, over all folds, the log loss, and the seconds of a fit."""
    scores, losses, seconds = [], [], []
    for seed in SEEDS:
        parts = []
        for X, y, X_test, y_test in samples():
            start = time.perf_counter()
            network = make(seed).fit(X, y)
            seconds.append(time.perf_counter() - start)
            parts.append(network.score(X_test, y_test))
            if is_classifier(network):
                p = network.predict_proba(X_test)
                losses.append(log_loss(y_test, p, labels=network.classes_))
        scores.append(float(np.mean(parts)))
    return {
        "mean": float(np.mean(scores)),
        "scores": scores,
        "log_loss": float(np.mean(losses)) if losses else None,
        "seconds": float(np.median(seconds)),
    }
