"""A whole `fit` with default parameters on real data, and the seconds that it takes."""

import os
import time
from statistics import median

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.accuracy import mlp, split
from benchmarks.runner import keep
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
    # Two epochs are the fewest that reach .90.
    CASES["fashion, to .90"] = (
        lambda: split(fetch_fashion)[0],
        {"lamina": lambda: CNNClassifier(max_iter=2, random_state=0)},
    )


def main(asked: list[str]) -> None:
    for case, (load, networks) in CASES.items():
        if asked and case not in asked:
            continue
        X, y, X_test, y_test = load()
        rounds = 1 if "fashion" in case else 5
        runs = {name: [] for name in networks}
        for _ in range(rounds):
            for name, make in networks.items():
                network = make()
                start = time.perf_counter()
                network.fit(X, y)
                seconds = time.perf_counter() - start
                runs[name].append((seconds, network.score(X_test, y_test)))
        figures = {}
        for name, found in runs.items():
            seconds, score = (median(f[i] for f in found) for i in range(2))
            print(f"{case:16} {name:8} {seconds:8.2f} s   {score:.4f}", flush=True)
            figures[name] = {"seconds": seconds, "score": score}
        keep("fit", case, figures, rounds=rounds)
