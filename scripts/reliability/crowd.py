"""Fits and predictions in many processes and threads at once: each as it is by itself.

    python scripts/reliability/crowd.py [--processes 24] [--threads 16]

Each worker fits a network of each kind and predicts with it. Every output must be equal,
bit by bit, to that of the same fit by itself.
"""

import argparse
import hashlib
import multiprocessing
import warnings
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np

import lamina
from lamina.estimators.base import NeuralEstimator
from lamina.testing import examples_for

KINDS = (
    "DNNClassifier",
    "CNNClassifier",
    "RNNRegressor",
    "SequenceTagger",
    "Forecaster",
)


def main() -> None:
    """Run processes, then threads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=24)
    parser.add_argument("--threads", type=int, default=16)
    counts = parser.parse_args()
    expected = digests(0)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(counts.processes, mp_context=spawn) as pool:
        report("processes", expected, pool.map(digests, range(counts.processes)))
    with ThreadPoolExecutor(counts.threads) as pool:
        report("threads", expected, pool.map(digests, range(counts.threads)))


def report(
    name: str, expected: dict[str, str], results: Iterable[dict[str, str]]
) -> None:
    """Print how many workers had the same outputs."""
    results = list(results)
    for kind, digest in expected.items():
        n_equal = sum(result[kind] == digest for result in results)
        print(f"{name}: {kind}: {n_equal} of {len(results)} as expected", flush=True)


def digests(worker: int) -> dict[str, str]:
    """Of each kind of network, a digest of its outputs; each worker starts elsewhere."""
    warnings.simplefilter("ignore")
    order = np.roll(KINDS, worker)
    outputs = {str(kind): output_of(getattr(lamina, kind)) for kind in order}
    return {kind: hashlib.sha256(outputs[kind]).hexdigest() for kind in KINDS}


def output_of(kind: type[NeuralEstimator]) -> bytes:
    """The outputs of a network of this class, fitted on the first of its examples."""
    example = examples_for(kind())[0]
    estimator = kind(max_iter=5, random_state=0, **example.params)
    estimator.fit(example.X, example.target(estimator))
    call = getattr(estimator, "predict_proba", estimator.predict)
    return repr(call(example.X)).encode()


if __name__ == "__main__":
    main()
