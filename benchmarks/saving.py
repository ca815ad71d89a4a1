"""Size and seconds of saved networks: files of lamina beside pickle and joblib.

Default networks, fitted for an epoch; medians of five after one that is not counted.
`load` of a small network takes as long as its modules take to be made.
"""

import pickle
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np

import lamina
from benchmarks.runner import machine_line, store

N_RUNS = 5
BRIEF = {"max_iter": 1, "random_state": 0}
TEXTS = ["it rained in the morning", "the sun was out at noon"] * 20


def dense() -> Any:
    """A table of 100 columns, 10 classes."""
    X = np.random.default_rng(0).normal(size=(1000, 100))
    return lamina.DNNClassifier(**BRIEF).fit(X, np.arange(1000) % 10)


def convolutional() -> Any:
    """Images of 28 x 28 pixels, 10 classes."""
    X = np.random.default_rng(0).normal(size=(100, 28, 28, 1))
    return lamina.CNNClassifier(**BRIEF).fit(X, np.arange(100) % 10)


def recurrent() -> Any:
    """Series of 50 steps and 6 channels, 10 classes."""
    X = np.random.default_rng(0).normal(size=(100, 50, 6))
    return lamina.RNNClassifier(**BRIEF).fit(X, np.arange(100) % 10)


def forecaster() -> Any:
    """A series of 10,000 steps."""
    noise = np.random.default_rng(0).normal(scale=0.2, size=10_000)
    series = 10 + np.sin(np.arange(10_000) * 2 * np.pi / 12) + noise
    return lamina.Forecaster(season=12, **BRIEF).fit(series)


def translator() -> Any:
    """Forty short texts, by characters."""
    return lamina.Translator(**BRIEF).fit(TEXTS, TEXTS[::-1])


CASES: dict[str, Callable[[], Any]] = {
    "dense": dense,
    "convolutional": convolutional,
    "recurrent": recurrent,
    "forecaster": forecaster,
    "translator": translator,
}


def dump(network: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(network))


FORMATS: dict[str, tuple[Callable[[Any, Path], Any], Callable[[Path], Any]]] = {
    "lamina": (lamina.save, lamina.load),
    "pickle": (dump, lambda path: pickle.loads(path.read_bytes())),
    "joblib": (joblib.dump, joblib.load),
}


def milliseconds(call: Callable[[], Any]) -> float:
    """The median duration of a call."""
    durations = []
    for _ in range(N_RUNS + 1):
        start = time.perf_counter()
        call()
        durations.append(1e3 * (time.perf_counter() - start))
    return round(median(durations[1:]), 2)


def figures(network: Any) -> dict[str, dict[str, float]]:
    """Of each format the size in kB, and the duration of saving and loading in ms."""
    results = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network"
        for name, (write, read) in FORMATS.items():
            saving = milliseconds(lambda write=write: write(network, path))
            loading = milliseconds(lambda read=read: read(path))
            size = round(path.stat().st_size / 1000, 1)
            results[name] = {"kB": size, "save ms": saving, "load ms": loading}
    return results


def main(names: list[str]) -> None:
    print(machine_line())
    for name in names or CASES:
        results = figures(CASES[name]())
        for contender, values in results.items():
            print(f"{name:14} {contender:8} {values}", flush=True)
        store("saving", name, results)
