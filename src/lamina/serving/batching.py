"""Concurrent requests, computed together by the one thread that owns the network.

A request that arrives while the thread is idle is computed at once. Those that arrive
meanwhile wait, and are the next batch.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from fastapi import HTTPException

from lamina.serving.limits import Limits


class Job(Protocol):
    """What is computed for one request."""

    def __len__(self) -> int:
        """The number of its samples."""
        ...


J = TypeVar("J", bound=Job)
A = TypeVar("A")


class Batcher(Generic[J, A]):
    """Computes jobs in batches of at most `max_batch` samples, in their order.

    If a batch fails, each of its jobs is computed by itself, so that one that is wrong
    fails alone, with an error that numbers its own samples.
    """

    def __init__(
        self,
        thread: ThreadPoolExecutor,
        compute: Callable[[Sequence[J]], Sequence[A]],
        limits: Limits,
        max_batch: int,
    ):
        self.thread, self.compute = thread, compute
        self.limits, self.max_batch = limits, max_batch
        self.waiting: dict[asyncio.Future[A], J] = {}
        self.running: asyncio.Task[None] | None = None

    async def __call__(self, job: J) -> A:
        """What `compute` gives for a job; one that is given up is not computed."""
        if len(self.waiting) >= self.limits.max_waiting:
            raise HTTPException(
                503,
                f"{self.limits.max_waiting} requests are waiting; try again later.",
                {"Retry-After": "1"},
            )
        answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self.waiting[answer] = job
        if self.running is None:
            self.running = asyncio.create_task(self._run())
        try:
            async with asyncio.timeout(self.limits.timeout):
                return await answer
        except TimeoutError:
            raise HTTPException(
                504, f"There was no answer within {self.limits.timeout:g} seconds."
            ) from None
        finally:
            self.waiting.pop(answer, None)

    async def _run(self) -> None:
        """Compute until no job waits."""
        loop = asyncio.get_running_loop()
        try:
            while batch := self._next():
                jobs = list(batch.values())
                try:
                    results = await loop.run_in_executor(
                        self.thread, self._results, jobs
                    )
                except Exception as error:  # no thread could be started
                    results = [error] * len(batch)
                for answer, result in zip(batch, results, strict=True):
                    if answer.cancelled():  # the request has been given up
                        continue
                    if isinstance(result, Exception):
                        answer.set_exception(result)
                    else:
                        answer.set_result(result)
        finally:
            self.running = None

    def _next(self) -> dict[asyncio.Future[A], J]:
        """The jobs of the next batch, which wait no longer."""
        batch, size = {}, 0
        for answer, job in self.waiting.items():
            size += len(job)
            if batch and size > self.max_batch:
                break
            batch[answer] = job
        for answer in batch:
            del self.waiting[answer]
        return batch

    def _results(self, jobs: list[J]) -> Sequence[A | Exception]:
        try:
            return self.compute(jobs)
        except Exception as error:
            if len(jobs) == 1:
                return [error]
            return [result for job in jobs for result in self._results([job])]
