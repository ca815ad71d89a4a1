"""Seconds of an epoch and peak memory over the rows of a table, and many fits in a row."""

import gc
import time
from pathlib import Path

import numpy as np

from benchmarks.runner import keep
from benchmarks.worker import resident
from lamina import DNNClassifier


def main(asked: list[str]) -> None:
    rng = np.random.default_rng(0)
    print("rows x 20    s a fit of one epoch   us a row   peak MB over X's own MB")
    for n in (1_000, 10_000, 100_000, 1_000_000):
        X = rng.standard_normal((n, 20)).astype(np.float32)
        y = (X[:, 0] > 0).astype(int)
        network = DNNClassifier(max_iter=1, batch_size=200, random_state=0)
        network.fit(X[:1000], y[:1000])
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        start = time.perf_counter()
        network.fit(X, y)
        seconds = time.perf_counter() - start
        grown = resident("VmHWM") - before
        print(
            f"{n:9,}    {seconds:10.3f}   {seconds / n * 1e6:19.2f}"
            f"   {grown:8.0f} / {X.nbytes / 2**20:.0f}",
            flush=True,
        )
        figures = {"seconds": seconds, "peak_mb": grown, "X_mb": X.nbytes / 2**20}
        keep("scaling", f"{n} rows", {"lamina": figures})
    X, y = X[:500], y[:500]
    sizes = []
    for i in range(220):
        DNNClassifier(max_iter=2, random_state=i).fit(X, y)
        if i in (19, 219):
            gc.collect()
            sizes.append(resident("VmRSS"))
    grown = sizes[1] - sizes[0]
    print(f"200 fits in one process: {grown:+.1f} MB")
    keep("scaling", "200 fits", {"lamina": {"grown_mb": grown}})
