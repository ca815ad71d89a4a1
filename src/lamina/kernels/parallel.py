"""Independent tasks on several threads, whose number does not change the results.

Each operation of lamina runs on one thread. Several threads run tasks that are independent
of one another: parts of a batch, blocks of steps of a recurrent layer, batches that are
predicted. How a batch is divided depends on the network and the batch only
(`training/plan.py`). The number of threads changes only the time, so a team measures
whether one thread or all are faster, and measures again when steps become slow.

torch's own threads are not used: they spin between two operations, and all of them wait in
each operation for one that lost its core to another process.
"""

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from functools import cache
from threading import Barrier
from time import perf_counter, thread_time
from typing import Any, TypeVar

import torch

from lamina.exceptions import PerformanceWarning

Item = TypeVar("Item")
Result = TypeVar("Result")
N_TRIALS = 3
"""Steps that are timed with one thread, and with all."""
N_RECENT = 20
"""Steps whose mean time is compared with that of the trial."""
MIN_WAITING_S = 5.0
"""Seconds of waiting for a core from which on a warning may be given."""
SLOWER = 1.5
"""Steps that are this many times slower than in the trial start a new one."""


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

    `busy_s` and `waiting_s` are the seconds in which tasks computed, and in which they
    waited for a core.
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
        """Time a step whose input has `size` values, and choose the threads of the next."""
        start, used, self.is_shared = perf_counter(), thread_time(), False
        yield
        elapsed = perf_counter() - start
        self.pace.record(elapsed / max(size, 1))
        if not self.is_shared:
            self._count(elapsed, thread_time() - used)

    def warn_if_slowed(self) -> None:
        """Warn if tasks waited for a core for long, and longer than they computed."""
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
        groups = [items[i::n] for i in range(n)]
        pool = workers(self.n_threads - 1)
        futures: list[Future[list[Result]]] = []
        try:
            for group in groups[1:]:
                task = copy_context().run
                futures.append(pool.submit(task, self._timed, function, group))
            results = [self._timed(function, groups[0])]
        finally:  # the others write to memory that the caller may free
            _wait_for(futures)
        results += [future.result() for future in futures]
        return [results[i % n][i // n] for i in range(len(items))]

    def submit(self, function: Callable[[], Result]) -> Callable[[], Result]:
        """Start `function()` in another thread; the returned callable waits for its result.

        Submitted functions run one after the other, in order, and without gradients.
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


def _wait_for(futures: Sequence[Future[Any]]) -> None:
    """Wait for the end of tasks, also if the keyboard interrupts meanwhile."""
    try:
        wait(futures)
    except KeyboardInterrupt:
        _wait_for(futures)
        raise


class Pace:
    """Chooses one thread or all, whichever took less time in a trial."""

    def __init__(self, n_threads: int):
        self.max_threads = n_threads
        self._start_trial()

    @property
    def n_threads(self) -> int:
        """Threads of the next step."""
        if not self.is_trying:
            return self.chosen
        return (self.max_threads, 1)[len(self.times) % 2]

    def record(self, seconds: float) -> None:
        """Record the seconds of a step for each value of its input."""
        if self.max_threads == 1:
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
        self.is_trying, self.chosen = self.max_threads > 1, self.max_threads
        self.times: list[float] = []

    def _choose(self) -> None:
        # The first step with each is not counted: it allocates memory and starts threads.
        many, one = (sorted(self.times[i::2])[N_TRIALS // 2] for i in (2, 3))
        self.chosen = self.max_threads if many <= one else 1
        self.expected = min(many, one)
        self.is_trying, self.times = False, []


ONE_THREAD = Team()
TEAM: ContextVar[Team] = ContextVar("team of a call", default=ONE_THREAD)
"""The team of the fit or prediction in this thread, for layers that run tasks."""


@cache
def workers(n: int, name: str = "tasks") -> ThreadPoolExecutor:
    """`n` threads, in each of which torch uses one thread; the same at each call."""
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(n, f"lamina {name}", torch.set_num_threads, (1,))
    all_started = Barrier(n)
    list(pool.map(lambda _: all_started.wait(), range(n)))
    # torch gives the count that was set last to threads that start later.
    torch.set_num_threads(before)
    return pool


if hasattr(os, "register_at_fork"):  # a forked child has none of these threads
    os.register_at_fork(after_in_child=workers.cache_clear)
