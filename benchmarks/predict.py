"""Prediction: the time of one row and of 100,000, by a fitted dense network 64-100-10."""

import time
from statistics import median

import numpy as np
from sklearn.neural_network import MLPClassifier

from lamina import DNNClassifier


def seconds(call, n: int) -> float:
    times = []
    for _ in range(n):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times)


def main(asked: list[str]) -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2000, 64)).astype(np.float32), rng.integers(0, 10, 2000)
    many = rng.standard_normal((100_000, 64)).astype(np.float32)
    networks = {
        "lamina": DNNClassifier(hidden_layer_sizes=(100,), max_iter=2),
        "scikit-learn": MLPClassifier((100,), max_iter=2, early_stopping=True),
    }
    for network in networks.values():
        network.fit(X, y)
    rounds = [
        {
            name: (
                seconds(lambda n=network: n.predict(X[:1]), 200),
                seconds(lambda n=network: n.predict(many), 3),
            )
            for name, network in networks.items()
        }
        for _ in range(5)
    ]
    for name in networks:
        one, all_rows = (median(r[name][i] for r in rounds) for i in range(2))
        print(f"{name:15} 1 row {one * 1e6:6.0f} us   100,000 rows {all_rows:.3f} s")
