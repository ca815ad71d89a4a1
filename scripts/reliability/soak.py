"""Many fits and predictions in one process: memory, threads, handles and settings.

    python scripts/reliability/soak.py [--fits 1000] [--predictions 100000]

All estimators take part in turn, on each of their examples, with small networks. The
state of the process is printed ten times; after the first it must not grow.
"""

import argparse
import gc
import os
import warnings
from collections.abc import Callable, Iterable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lamina.estimators.base import NeuralEstimator
from lamina.testing import Example, all_estimators, examples_for

PAGE = os.sysconf("SC_PAGE_SIZE")
SMALL = {
    "hidden_layer_sizes": (8,),
    "n_filters": 4,
    "hidden_size": 8,
    "embedding_size": 8,
    "max_iter": 1,
    "random_state": 0,
}


def main() -> None:
    """Run both series."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=int, default=1_000)
    parser.add_argument("--predictions", type=int, default=100_000)
    counts = parser.parse_args()
    warnings.simplefilter("ignore")
    pairs = [
        (small(kind), example)
        for _, kind in all_estimators()
        for example in examples_for(kind())
    ]
    repeat("fits", counts.fits, pairs, fit)
    for pair in pairs:
        fit(*pair)
    repeat("predictions", counts.predictions, pairs, predict)


def small(kind: type[NeuralEstimator]) -> NeuralEstimator:
    """An estimator with few units and one epoch."""
    names = kind().get_params(deep=False)
    return kind(**{name: value for name, value in SMALL.items() if name in names})


def fit(estimator: NeuralEstimator, example: Example) -> None:
    """Fit on all samples of the example."""
    estimator.set_params(**example.params).fit(example.X, example.target(estimator))


def predict(estimator: NeuralEstimator, example: Example) -> None:
    """Predict two samples."""
    call = getattr(estimator, "predict", None) or estimator.score_samples
    call(example.rows(np.arange(2)))


def repeat(
    name: str,
    n: int,
    pairs: Iterable[tuple[NeuralEstimator, Example]],
    call: Callable[[NeuralEstimator, Example], None],
) -> None:
    """Call with the pairs in turn, `n` times, and print the state ten times."""
    print(f"{name} before: {state()}", flush=True)
    for i, pair in enumerate(islice(cycle(pairs), n), 1):
        call(*pair)
        if i % (n // 10) == 0:
            print(f"{name} {i:7}: {state()}", flush=True)


def state() -> dict[str, Any]:
    """Memory, threads, open files and settings of the process."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE
    return {
        "MB": round(resident / 1e6, 1),
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "torch": [
            torch.get_num_threads(),
            str(torch.get_default_dtype()),
            torch.is_grad_enabled(),
            torch.get_float32_matmul_precision(),
            torch.are_deterministic_algorithms_enabled(),
            int(torch.get_rng_state().sum()),
        ],
        "numpy": [np.geterr()["over"], int(np.random.get_state()[1].sum() % 10**6)],
    }


if __name__ == "__main__":
    main()
