"""Concurrent jobs are computed together, in their order and within their limits."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

fastapi = pytest.importorskip("fastapi", reason="needs the extra serve")

from lamina.serving.batching import Batcher  # noqa: E402
from lamina.serving.limits import Limits  # noqa: E402


class Doubling:
    """Doubles lists of numbers when it is allowed to, and keeps the batches."""

    def __init__(self):
        self.batches, self.threads = [], set()
        self.started, self.gate = threading.Event(), threading.Event()

    def __call__(self, jobs):
        self.threads.add(threading.get_ident())
        self.batches.append(list(jobs))
        self.started.set()
        assert self.gate.wait(30)
        if any(number < 0 for job in jobs for number in job):
            raise ValueError("negative")
        return [[2 * number for number in job] for job in jobs]


def run(jobs, *, limits=None, max_batch=4, early=1):
    """Results or errors of jobs; `early` of them are started before the others."""
    compute = Doubling()

    async def gathered():
        with ThreadPoolExecutor(1) as thread:
            batcher = Batcher(thread, compute, limits or Limits(), max_batch)
            tasks = [asyncio.create_task(batcher(job)) for job in jobs[:early]]
            await asyncio.to_thread(compute.started.wait, 30)
            tasks += [asyncio.create_task(batcher(job)) for job in jobs[early:]]
            for _ in range(3):
                await asyncio.sleep(0)
            if limits is not None and limits.timeout < 1:
                await asyncio.wait(tasks)
            compute.gate.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    return asyncio.run(gathered()), compute


def test_an_idle_thread_computes_a_job_by_itself():
    results, compute = run([[1, 2]])
    assert results == [[2, 4]]
    assert compute.batches == [[[1, 2]]]


def test_jobs_that_arrive_meanwhile_are_one_batch():
    results, compute = run([[1], [2], [3, 4], [5]])
    assert results == [[2], [4], [6, 8], [10]]
    assert compute.batches == [[[1]], [[2], [3, 4], [5]]]
    assert len(compute.threads) == 1


def test_a_batch_is_not_larger_than_its_limit_and_keeps_the_order():
    results, compute = run([[1], [2, 2, 2], [3, 3], [4] * 9, [5]])
    assert results == [[2], [4] * 3, [6] * 2, [8] * 9, [10]]
    assert compute.batches == [[[1]], [[2] * 3], [[3] * 2], [[4] * 9], [[5]]]


def test_a_wrong_job_fails_alone():
    results, _ = run([[1], [2], [-1], [3]])
    assert results[:2] == [[2], [4]]
    assert isinstance(results[2], ValueError)
    assert results[3] == [6]


def test_a_job_too_many_is_refused_at_once():
    results, _ = run([[1], [2], [3], [4]], limits=Limits(max_waiting=2))
    assert results[:3] == [[2], [4], [6]]
    assert results[3].status_code == 503


def test_a_job_that_waits_too_long_is_given_up_and_not_computed():
    results, compute = run([[1], [2]], limits=Limits(timeout=0.05))
    assert [result.status_code for result in results] == [504, 504]
    assert compute.batches == [[[1]]]


def test_a_job_that_is_given_up_leaves_its_place_to_another():
    compute = Doubling()

    async def answers():
        with ThreadPoolExecutor(1) as thread:
            batcher = Batcher(thread, compute, Limits(max_waiting=2), 4)
            first = asyncio.create_task(batcher([1]))
            await asyncio.to_thread(compute.started.wait, 30)
            for number in range(2, 12):
                given_up = asyncio.create_task(batcher([number]))
                await asyncio.sleep(0)
                given_up.cancel()
                await asyncio.wait([given_up])
            last = asyncio.create_task(batcher([12]))
            await asyncio.sleep(0)
            compute.gate.set()
            return await asyncio.gather(first, last)

    assert asyncio.run(answers()) == [[2], [24]]
    assert compute.batches == [[[1]], [[12]]]


def test_a_job_fails_at_once_if_no_thread_computes():
    async def answer():
        thread = ThreadPoolExecutor(1)
        thread.shutdown()
        batcher = Batcher(thread, Doubling(), Limits(), 4)
        return await asyncio.gather(batcher([1]), batcher([2]), return_exceptions=True)

    results = asyncio.run(answer())
    assert [type(result) for result in results] == [RuntimeError, RuntimeError]
