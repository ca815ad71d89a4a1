"""Seconds of an epoch and peak memory by the rows of a table; memory after many fits."""

import gc
from functools import partial

import numpy as np

from benchmarks.problem import PLAIN
from benchmarks.runner import store
from benchmarks.worker import measured, resident
from lamina import DNNClassifier


def main(names: list[str]) -> None:
    del names
    rng = np.random.default_rng(0)
    print("rows x 20    s a fit of one epoch   us a row   peak MB over X's own MB")
    for n in (1_000, 10_000, 100_000, 1_000_000):
        X = rng.standard_normal((n, 20)).astype(np.float32)
        y = (X[:, 0] > 0).astype(int)
        network = DNNClassifier(max_iter=1, batch_size=200, random_state=0, **PLAIN)
        network.fit(X[:1000], y[:1000])
        _, cost = measured(partial(network.fit, X, y))
        seconds = cost["seconds"]
        print(
            f"{n:9,}    {seconds:10.3f}   {seconds / n * 1e6:19.2f}"
            f"   {cost['peak_mb']:8.0f} / {X.nbytes / 2**20:.0f}",
            flush=True,
        )
        figures = cost | {"X_mb": X.nbytes / 2**20}
        store("scaling", f"{n} rows", {"lamina": figures})
    X, y = X[:500], y[:500]
    sizes = []
    for i in range(220):
        DNNClassifier(max_iter=2, random_state=i).fit(X, y)
        if i in (19, 219):
            gc.collect()
            sizes.append(resident("VmRSS"))
    grown = sizes[1] - sizes[0]
    print(f"200 fits in one process: {grown:+.1f} MB")
    store("scaling", "200 fits", {"lamina": {"grown_mb": grown}})
