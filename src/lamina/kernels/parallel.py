"""Independent tasks on several threads, with results that do not depend on how many.

Every operation of lamina runs on one thread. What runs on several are tasks that do not
depend on one another: the rows of a batch in parts, the gradients of blocks of weights,
batches that are predicted. How the work is divided follows from the network and the batch
alone (`training/plan.py`); how many threads share it changes only the time, so a team may
choose the faster of one thread and all by measurement, and again when steps become slow.

torch's own threads are not used: they spin between two operations, and all of them wait in
each operation for one that lost its core to another process.
"""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import cache
from threading import Barrier
from time import perf_counter, thread_time
from typing import TypeVar

import torch

from lamina.exceptions import PerformanceWarning

Item = TypeVar("Item")
Result = TypeVar("Result")
N_TRIALS = 3
"""Steps that are timed with one thread and with all."""
N_RECENT = 20
"""Steps whose mean time is compared with that of the trial."""
MIN_WAITING_S = 5.0
"""Seconds without a core that are worth a warning."""
SLOWER = 1.5
"""Steps that are this many times slower than in the trial lead to another one."""


@dataclass(frozen=True)
class Part:
    """Which part of a batch a task computes."""

    index: int = 0
    n_parts: int = 1


WHOLE = Part()
PART: ContextVar[Part] = ContextVar("part of a batch", default=WHOLE)


_in_task: ContextVar[bool] = ContextVar("inside a task of a team", default=False)


def _without_gradients(function: Callable[[], Result]) -> Result:
    with torch.no_grad():  # which is thread-local
        return function()


@dataclass
class Team:
    """Runs tasks on up to `n_threads` threads, the caller's included.

    `busy_s` and `waiting_s` are the seconds for which tasks computed, and for which they
    had no core.
    """

    n_threads: int = 1
    busy_s: float = 0.0
    waiting_s: float = 0.0
    is_shared: bool = False
    """Whether tasks of this step ran on several threads."""
    pace: "Pace" = field(init=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.n_threads)

    @contextmanager
    def step(self, size: int) -> Iterator[None]:
        """Time a step over this many numbers, and choose the threads of the next."""
        start, used, self.is_shared = perf_counter(), thread_time(), False
        yield
        elapsed = perf_counter() - start
        self.pace.record(elapsed / max(size, 1))
        if not self.is_shared:
            self._count(elapsed, thread_time() - used)

    def warn_if_slowed(self) -> None:
        """Warn if for most of a long time other processes used the cores."""
        if self.waiting_s > max(MIN_WAITING_S, self.busy_s):
            warnings.warn(
                f"Other processes use the same cores: of {self.busy_s + self.waiting_s:.0f} "
                f"s of computation {self.waiting_s:.0f} s were spent waiting for one. Stop "
                f"them, or run fewer fits at the same time.",
                PerformanceWarning,
                stacklevel=2,
            )

    def _count(self, elapsed: float, busy: float) -> None:
        self.busy_s += busy
        self.waiting_s += max(0.0, elapsed - busy)

    def map(
        self, function: Callable[[Item], Result], items: Sequence[Item]
    ) -> list[Result]:
        """`function(item)` of each item, in order."""
        n = 1 if _in_task.get() else min(self.pace.n_threads, len(items))
        if n <= 1:
            return [function(item) for item in items]
        self.is_shared = True
        shares = [items[i::n] for i in range(n)]
        pool = workers(self.n_threads - 1)
        futures = [
            pool.submit(copy_context().run, self._timed, function, share)
            for share in shares[1:]
        ]
        try:
            results = [self._timed(function, shares[0])]
        finally:  # the others write to memory that the caller may free
            wait(futures)
        results += [future.result() for future in futures]
        return [results[i % n][i // n] for i in range(len(items))]

    def submit(self, function: Callable[[], Result]) -> Callable[[], Result]:
        """Start `function()` beside the caller; what is returned waits for its result.

        Functions that are submitted run one after the other, in order. They follow no
        gradients.
        """
        if self.pace.n_threads == 1 or _in_task.get():
            result = function()
            return lambda: result
        pool = workers(1, "submitted")
        return pool.submit(copy_context().run, _without_gradients, function).result

    def _timed(
        self, function: Callable[[Item], Result], items: Iterable[Item]
    ) -> list[Result]:
        start, used = perf_counter(), thread_time()
        token = _in_task.set(True)
        try:
            results = [function(item) for item in items]
        finally:
            _in_task.reset(token)
        self._count(perf_counter() - start, thread_time() - used)
        return results


class Pace:
    """One thread or all: whichever took less time when both were tried."""

    def __init__(self, n_threads: int):
        self.most = n_threads
        self._start_trial()

    @property
    def n_threads(self) -> int:
        """Threads of the next step."""
        if not self.is_trying:
            return self.chosen
        return (self.most, 1)[len(self.times) % 2]

    def record(self, seconds: float) -> None:
        """Take note of the time that a step took, for its size."""
        if self.most == 1:
            return
        self.times.append(seconds)
        if self.is_trying:
            if len(self.times) == 2 * N_TRIALS + 2:
                self._choose()
        elif len(self.times) == N_RECENT:
            if sum(self.times) / N_RECENT > SLOWER * self.expected:
                self._start_trial()
            self.times = []

    def _start_trial(self) -> None:
        self.is_trying, self.chosen = self.most > 1, self.most
        self.times: list[float] = []

    def _choose(self) -> None:
        # The first step with each is not counted: it allocates memory and starts threads.
        many, one = (sorted(self.times[i::2])[N_TRIALS // 2] for i in (2, 3))
        self.chosen = self.most if many <= one else 1
        self.expected = min(many, one)
        self.is_trying, self.times = False, []


ALONE = Team()
TEAM: ContextVar[Team] = ContextVar("team of a call", default=ALONE)
"""The team of the fit or prediction in this thread, for layers with tasks of their own."""


@cache
def workers(n: int, name: str = "tasks") -> ThreadPoolExecutor:
    """`n` threads that compute on one core each; they wait until they are asked again."""
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(n, f"lamina {name}", torch.set_num_threads, (1,))
    all_started = Barrier(n)
    list(pool.map(lambda _: all_started.wait(), range(n)))
    # A thread's own count is also what torch gives to threads that start later.
    torch.set_num_threads(before)
    return pool


if hasattr(os, "register_at_fork"):  # a forked child has none of these threads
    os.register_at_fork(after_in_child=workers.cache_clear)
