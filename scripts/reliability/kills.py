"""Kill fits at random moments, resume them, and compare the networks bit by bit.

    python scripts/reliability/kills.py --kills 100 --in-writes 20 --seed 0

Each fit saves a checkpoint 30 times a second in a process of its own, which is killed
by SIGKILL: at a random moment, or while a file is written, whose last step then takes
longer. The fit is repeated until it ends. Prints the totals of each estimator, and exits
with 1 if a network differs from that of a fit that was not killed.
"""

import argparse
import hashlib
import multiprocessing
import os
import random
import signal
import sys
import time
import warnings
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from lamina import (
    CNNClassifier,
    DNNClassifier,
    Forecaster,
    LanguageModel,
    RNNClassifier,
    RNNRegressor,
    SequenceTagger,
    Translator,
)
from lamina.testing.examples import EXAMPLES

STOPPING = {"early_stopping": True, "validation_fraction": 0.3}
NETWORKS = {
    "dense": (DNNClassifier(hidden_layer_sizes=(32, 32), **STOPPING), "table", 300),
    "conv": (CNNClassifier(augmentation="shift_flip"), "image", 40),
    "lstm": (RNNClassifier(hidden_size=16, dropout=0.2, **STOPPING), "ragged", 40),
    "gru": (RNNRegressor(cell="gru", hidden_size=16, optimizer="sgd"), "series", 40),
    "language": (LanguageModel(unit="char", window=8, hidden_size=32), "documents", 15),
    "forecaster": (Forecaster(horizon=2, season=2, hidden_size=16), "histories", 8),
    "tagger": (SequenceTagger(hidden_size=16), "tokens", 25),
    "translator": (
        Translator(unit="char", hidden_size=16, decoder_size=16),
        "documents",
        12,
    ),
}
"""An estimator, its data and its epochs, so that a fit takes one to three seconds."""
SLOW_S = 0.03
"""Seconds that the last step of a write takes when the process is killed in a write."""
FORK = multiprocessing.get_context("fork")


def fit(name: str, pipe: Connection, checkpoint: Path | None, slow: bool) -> None:
    """Fit in this process, and send the digest of what was learnt."""
    if slow:
        sync = os.fsync
        os.fsync = lambda handle: (time.sleep(SLOW_S), sync(handle))[1]
    network, example, n_epochs = NETWORKS[name]
    data = EXAMPLES[example]
    network.set_params(**data.params, max_iter=n_epochs, n_iter_no_change=n_epochs)
    network.set_params(random_state=0, batch_size=4, n_threads=1)
    if checkpoint is not None:
        network.set_params(checkpoint=checkpoint, checkpoint_every="0.03s")
    pipe.send("begins")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network.fit(data.X, data.target(network))
    pipe.send(digest_of(network))


def digest_of(network: Any) -> str:
    """A hash of weights, buffers, losses and scores."""
    digest = hashlib.sha256()
    for values in network.network_.state_dict().values():
        digest.update(np.ascontiguousarray(values.numpy()).tobytes())
    digest.update(repr((network.loss_curve_, network.validation_scores_)).encode())
    return digest.hexdigest()


class Child:
    """A process that fits."""

    def __init__(self, name: str, checkpoint: Path | None = None, slow: bool = False):
        self.pipe, end = FORK.Pipe()
        self.process = FORK.Process(target=fit, args=(name, end, checkpoint, slow))
        self.process.start()
        end.close()
        assert self.pipe.recv() == "begins"

    def result(self) -> str:
        """The digest, after the end of the fit."""
        digest = self.pipe.recv()
        self.process.join()
        return digest

    def kill(self) -> bool:
        """Kill the process; False if its fit had ended."""
        pid = self.process.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.process.join()
        return not self.pipe.poll() or self._is_empty()

    def _is_empty(self) -> bool:
        try:
            self.pipe.recv()
        except EOFError:
            return True
        return False


def wait_for_write(child: Child, folder: Path, n_writes: int) -> None:
    """Wait until this many files have begun to be written, or the fit has ended."""
    seen = set()
    while len(seen) < n_writes and not child.pipe.poll():
        seen |= set(folder.glob(".fit.*.part"))


def repeat(
    name: str, folder: Path, n_kills: int, in_writes: int, seconds: float
) -> tuple[list[int], str]:
    """(kills, and those that left part of a file; digest) of a fit that is repeated."""
    checkpoint, killed = folder / "fit", [0, 0]
    while killed[0] < n_kills:
        in_write = killed[0] < in_writes
        child = Child(name, checkpoint, in_write)
        if in_write:
            wait_for_write(child, folder, random.randint(1, 8))
        else:
            time.sleep(random.uniform(0, seconds))
        if not child.kill():
            break
        killed[0] += 1
        killed[1] += any(folder.glob(".fit.*.part"))
    return killed, Child(name, checkpoint).result()


def trial(name: str, n_kills: int, in_writes: int) -> int:
    """Kill fits of an estimator this often; prints totals, and returns the failures."""
    start = time.perf_counter()
    expected = Child(name).result()
    seconds = time.perf_counter() - start
    killed, n_fits, n_wrong, n_left = [0, 0], 0, 0, 0
    while killed[0] < n_kills:
        with TemporaryDirectory() as folder:
            wanted = min(random.randint(1, 4), n_kills - killed[0])
            writes = min(wanted, max(0, in_writes - killed[1]))
            counts, digest = repeat(name, Path(folder), wanted, writes, seconds)
            killed = [a + b for a, b in zip(killed, counts, strict=True)]
            n_fits += 1
            n_wrong += digest != expected
            n_left += any(Path(folder).iterdir())
    print(
        f"{name}: a fit of {seconds:.1f} s, {killed[0]} kills, {killed[1]} in a write, "
        f"{n_fits} fits resumed to the end, {n_wrong} differ, {n_left} left files",
        flush=True,
    )
    return n_wrong + n_left


def main() -> int:
    """Run the trials of all estimators."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--in-writes", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    n = len(NETWORKS)
    n_failures = sum(
        trial(name, -(-options.kills // n), -(-options.in_writes // n))
        for name in NETWORKS
    )
    print("all networks are equal" if not n_failures else f"{n_failures} failures")
    return int(n_failures > 0)


if __name__ == "__main__":
    sys.exit(main())
