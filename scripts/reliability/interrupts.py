"""Interrupt fits with validation samples at random moments, and check what is kept.

    python scripts/reliability/interrupts.py --interrupts 500 --seed 0

A fit either keeps the network of the best whole epoch, with curves that end there, or
raises and changes nothing. Prints totals, and exits with 1 if one did neither.
"""

import argparse
import os
import random
import signal
import sys
import time
import warnings
from collections import Counter
from functools import cache
from threading import Thread
from typing import Any

import numpy as np

from lamina import CNNClassifier, DNNClassifier, RNNClassifier
from lamina.testing.examples import EXAMPLES

N_EPOCHS = 30
NETWORKS = {
    "dense": (DNNClassifier(hidden_layer_sizes=(16,)), "table"),
    "conv": (CNNClassifier(n_filters=(8,)), "image"),
    "lstm": (RNNClassifier(hidden_size=16), "ragged"),
}


def make(name: str, n_epochs: int) -> Any:
    """An estimator that selects the best of its epochs."""
    network, _ = NETWORKS[name]
    return type(network)(**network.get_params()).set_params(
        max_iter=n_epochs,
        n_iter_no_change=N_EPOCHS,
        batch_size=4,
        schedule="constant",
        early_stopping=True,
        validation_fraction=0.3,
        random_state=0,
    )


@cache
def truth(name: str, n_epochs: int) -> Any:
    """The fit that ends after this epoch."""
    return fitted(make(name, n_epochs), name)


def fitted(network: Any, name: str) -> Any:
    """The network, fitted on its data."""
    data = EXAMPLES[NETWORKS[name][1]]
    return network.fit(data.X, data.target(network))


def interrupted(name: str, seconds: float) -> str:
    """What a fit did that was interrupted at a random moment."""
    network, delay = make(name, N_EPOCHS), random.uniform(0, seconds)

    def interrupt() -> None:
        time.sleep(delay)
        os.kill(os.getpid(), signal.SIGINT)

    thread, raises, ends = Thread(target=interrupt), False, False
    try:
        thread.start()
        try:
            fitted(network, name)
        except KeyboardInterrupt:
            raises = True
        ends = True
        thread.join()
    except KeyboardInterrupt:  # before or after the fit
        raises = not ends
        thread.join()
    if "network_" not in vars(network):
        return "unchanged" if raises else "WRONG: nothing raised"
    kept = "kept an epoch" if raises else "ended before"
    return kept if is_right(network, name) else f"WRONG: {kept}"


def is_right(network: Any, name: str) -> bool:
    """Whether a network and its curves are those of its number of epochs."""
    expected = truth(name, network.n_iter_)
    pairs = zip(
        network.network_.state_dict().values(),
        expected.network_.state_dict().values(),
        strict=True,
    )
    return (
        all(np.array_equal(a.numpy(), b.numpy()) for a, b in pairs)
        and network.loss_curve_ == expected.loss_curve_
        and network.validation_scores_ == expected.validation_scores_
        and len(network.loss_curve_) == len(network.validation_scores_)
    )


def main() -> int:
    """Interrupt the fits of all estimators."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--interrupts", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    warnings.simplefilter("ignore")
    totals: Counter[str] = Counter()
    for i, name in enumerate(NETWORKS):
        n = len(range(i, options.interrupts, len(NETWORKS)))
        fitted(make(name, N_EPOCHS), name)
        start = time.perf_counter()
        fitted(make(name, N_EPOCHS), name)
        seconds = time.perf_counter() - start
        counts = Counter(interrupted(name, seconds) for _ in range(n))
        print(f"{name}: a fit of {seconds:.2f} s, {dict(counts)}", flush=True)
        totals += counts
    print(f"all: {dict(totals)}")
    return int(any(result.startswith("WRONG") for result in totals))


if __name__ == "__main__":
    sys.exit(main())
