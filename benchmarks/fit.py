"""Seconds and peak memory of a whole `fit` with default parameters on real data."""

import os
from functools import partial
from statistics import median

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.accuracy import mlp, split
from benchmarks.runner import store
from benchmarks.worker import measured
from lamina import CNNClassifier, DNNClassifier, RNNClassifier
from lamina.datasets import fetch_fashion, load_adult, load_japanese_vowels


def digits():
    X, y = load_digits(return_X_y=True)
    a, b, c, d = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    return a, c, b, d


CASES = {
    "digits": (
        digits,
        {
            "lamina": lambda: DNNClassifier(random_state=0),
            "MLP": lambda: make_pipeline(
                StandardScaler(), MLPClassifier(max_iter=400, random_state=0)
            ),
        },
    ),
    "adult": (
        lambda: split(load_adult)[0],
        {
            "lamina": lambda: DNNClassifier(random_state=0),
            "MLP": lambda: mlp(MLPClassifier, True, early_stopping=True)(0),
        },
    ),
    "vowels": (
        lambda: split(load_japanese_vowels)[0],
        {"lamina": lambda: RNNClassifier(random_state=0)},
    ),
}
if "LAMINA_DATA" in os.environ:
    # One epoch does not reach .90.
    CASES["fashion, to .90"] = (
        lambda: split(fetch_fashion)[0],
        {"lamina": lambda: CNNClassifier(max_iter=2, random_state=0)},
    )


def main(names: list[str]) -> None:
    for case, (load, networks) in CASES.items():
        if names and case not in names:
            continue
        X, y, X_test, y_test = load()
        rounds = 1 if "fashion" in case else 5
        runs = {name: [] for name in networks}
        for _ in range(rounds):
            for name, make in networks.items():
                network = make()
                _, cost = measured(partial(network.fit, X, y))
                score = network.score(X_test, y_test)
                runs[name].append(cost | {"score": score})
        figures = {}
        for name, all_runs in runs.items():
            f = {key: median(run[key] for run in all_runs) for key in all_runs[0]}
            f["peak_mb"] = max(run["peak_mb"] for run in all_runs)
            print(
                f"{case:16} {name:8} {f['seconds']:8.2f} s   {f['score']:.4f}"
                f"   {f['peak_mb']:5.0f} MB",
                flush=True,
            )
            figures[name] = f
        store("fit", case, figures, rounds=rounds)
