"""Tasks with sequences as outputs, on real data, each with a baseline.

SECONDS limits the training of each network, ours and the baseline's (schedules are scaled
to it); without it each case uses its full time. The data is read from LAMINA_DATA.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch

from benchmarks.runner import store


@dataclass(frozen=True)
class Case:
    """A function `run(seconds) -> {contender: {figure: value}}`, and its full time."""

    module: str
    function: str
    seconds: float

    def run(self, seconds: float) -> dict[str, dict[str, float]]:
        run: Callable = getattr(import_module(self.module), self.function)
        return run(seconds)


CASES = {
    "tags": Case("benchmarks.tagging", "brown", 1200),
    "language": Case("benchmarks.language", "bible", 1200),
    "translation": Case("benchmarks.translation", "bible", 1800),
    "captions": Case("benchmarks.captions", "emoji", 1200),
    "digits": Case("benchmarks.speech", "digits", 1200),
    "prompts": Case("benchmarks.speech", "prompts", 1200),
    "forecasts": Case("benchmarks.forecasting", "m3", 300),
    "memory": Case("benchmarks.memory", "adding", 300),
}


def main(names: list[str]) -> None:
    for name in names or CASES:
        case = CASES[name]
        seconds = float(os.environ.get("SECONDS", case.seconds))
        print(f"\n{name}, at most {seconds:g} s of training each", flush=True)
        figures = case.run(seconds)
        for contender, values in figures.items():
            line = ", ".join(f"{what} {value:.4g}" for what, value in values.items())
            print(f"  {contender:28} {line}", flush=True)
        n_threads = torch.get_num_threads()
        store("sequences", name, figures, seconds=seconds, threads=n_threads)


def paced(steps: Iterable[Any], seconds: float) -> Iterator[tuple[Any, float]]:
    """(step, fraction of the time that has passed), repeated until the time is over."""
    steps, start = list(steps), time.perf_counter()
    while True:
        for step in steps:
            progress = (time.perf_counter() - start) / seconds
            if progress >= 1:
                return
            yield step, progress
