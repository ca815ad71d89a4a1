"""Fits on a machine that others use too: beside a process that keeps each core busy.

Seconds without them, seconds beside them, and the ratio. With half of each core a fit
takes 2 times as long.
"""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import geometric_mean, median

from benchmarks import conv, defaults, dense, recurrent
from benchmarks.contenders import CONTENDERS as ALL
from benchmarks.runner import ROUNDS, Worker, machine_line

SUITES = {
    "defaults": (defaults, list(defaults.CASES)),
    "dense": (dense, ["20-100-3", "100-256-256-10"]),
    "conv": (conv, list(conv.CASES)[:1]),
    "recurrent": (recurrent, list(recurrent.CASES)[:1]),
}
NAMES = ("lamina", "scikit-learn", "torch, indexed", "Keras, JAX")
assert set(NAMES) <= set(ALL)


def main(suites: list[str]) -> None:
    print(machine_line())
    for suite in suites or list(SUITES):
        module, cases = SUITES[suite]
        names = [name for name in NAMES if name in module.CONTENDERS]
        ratios: dict[str, list[float]] = {name: [] for name in names}
        for case in cases:
            print(f"{suite}/{case}", flush=True)
            for name in names:
                ratio = compare(suite, case, name)
                if ratio is not None:
                    ratios[name].append(ratio)
        for name, values in ratios.items():
            if values:
                print(f"  {name:20} geometric mean {geometric_mean(values):.2f}")


def compare(suite: str, case: str, name: str) -> float | None:
    worker = Worker(suite, case, name)
    if not worker.is_ready():
        return None
    worker.run()  # the first run imports and compiles
    single = median(worker.run()["seconds"] for _ in range(ROUNDS))
    with busy_cores():
        beside = median(worker.run()["seconds"] for _ in range(ROUNDS))
    worker.end()
    print(
        f"  {name:20} single {single:8.3f} s, beside {beside:8.3f} s, "
        f"{beside / single:6.2f} times",
        flush=True,
    )
    return beside / single


@contextmanager
def busy_cores() -> Iterator[None]:
    """A process that computes without end on each core."""
    context = multiprocessing.get_context("spawn")
    n_cores = len(os.sched_getaffinity(0))
    processes = [context.Process(target=spin, daemon=True) for _ in range(n_cores)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def spin() -> None:
    while True:
        pass
