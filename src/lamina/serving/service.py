"""The endpoints: a request is read within its limits, computed in a batch and answered."""

import asyncio
import json
import warnings
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from fastapi import HTTPException, Request, Response
from starlette.requests import ClientDisconnect

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataError
from lamina.serving.answers import Answers, answers_of
from lamina.serving.batching import Batcher
from lamina.serving.explanations import Explainer
from lamina.serving.limits import SMALL, Bodies, Limits
from lamina.serving.metrics import MEDIA_TYPE, Metrics
from lamina.serving.requests import Job, job_of, reader_of

Result = TypeVar("Result")


class Service:
    """A fitted estimator, with one thread that computes."""

    def __init__(self, estimator: NeuralEstimator, limits: Limits):
        self.reader = reader_of(estimator)
        self.estimator = self.reader.estimator
        self.answers: Answers = answers_of(self.estimator)
        self.limits, self.bodies, self.metrics = limits, Bodies(limits), Metrics()
        self.thread = ThreadPoolExecutor(1, thread_name_prefix="lamina")
        self.predictions = Batcher(
            self.thread, self._predict, limits, max_batch=limits.max_batch
        )
        self.explanations = Batcher(
            self.thread, without_warnings(Explainer(self.reader)), limits, max_batch=1
        )
        self._predict_batch = without_warnings(self._columns)

    async def predict(self, request: Request) -> Response:
        """Predict the target of each sample."""
        async with self.bodies.read(request) as body:
            job = await self._job(body, request)
            answer = await unless_left(request, self.predictions(job))
        return json_response(answer)

    async def explain(self, request: Request) -> Response:
        """Explain what contributed to an output of each sample."""
        async with self.bodies.read(request) as body:
            job = await self._job(body, request)
            if len(job) > self.limits.max_explained:
                raise HTTPException(
                    413,
                    f"There are {len(job)} samples; at most {self.limits.max_explained} are "
                    f"explained at a time (max_explained). Send several requests.",
                )
            answer = await unless_left(request, self.explanations(job))
        return json_response(answer)

    async def health(self) -> Response:
        """Say that the server is running, and what it serves."""
        name = type(self.estimator).__name__
        content = {"status": "ok", "estimator": name, "form": self.estimator.form_}
        return json_response(content)

    async def show_metrics(self) -> Response:
        """Show counts and durations, for Prometheus."""
        n_waiting = len(self.predictions.waiting) + len(self.explanations.waiting)
        return Response(self.metrics.text(n_waiting), media_type=MEDIA_TYPE)

    async def _job(self, body: bytes, request: Request) -> Job:
        content_type = request.headers.get("content-type", "")
        arguments = body, content_type, self.reader, self.limits
        if len(body) <= SMALL and not self.reader.is_slow:
            return job_of(*arguments)
        return await asyncio.to_thread(job_of, *arguments)

    def _predict(self, jobs: Sequence[Job]) -> list[dict[str, list]]:
        """The answer to each job, of one call for all of them."""
        columns = self._predict_batch(jobs)
        answers, start = [], 0
        for job in jobs:
            stop = start + len(job)
            rows = {name: values[start:stop] for name, values in columns.items()}
            answers.append(rows | self.answers.constants)
            start = stop
        return answers

    def _columns(self, jobs: Sequence[Job]) -> dict[str, list]:
        X = self.reader.join([sample for job in jobs for sample in job.samples])
        self.metrics.batches.add(sum(map(len, jobs)))
        futures = [each for job in jobs for each in job.future or ()]
        return self.answers.columns(X, futures or None)


async def unless_left(
    request: Request, computation: Coroutine[Any, Any, Result]
) -> Result:
    """The result of a computation, which is given up when the client leaves.

    The body of the request has been read.
    """

    async def left() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    computing, leaving = tasks = (
        asyncio.create_task(computation),
        asyncio.create_task(left()),
    )
    try:
        finished, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if computing not in finished:
            raise ClientDisconnect
        return computing.result()
    finally:
        computing.cancel()
        leaving.cancel()


def without_warnings(
    compute: Callable[[Sequence[Job]], Result],
) -> Callable[[Sequence[Job]], Result]:
    """The same function, whose warnings are not shown.

    They are about the samples of strangers, and Python would keep each text for ever.
    """

    def quiet(jobs: Sequence[Job]) -> Result:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compute(jobs)

    return quiet


def json_response(
    content: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A response of JSON in ASCII, as samples may hold characters that UTF-8 lacks."""
    try:
        text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    except ValueError:
        raise DataError(
            "A prediction is infinite, which JSON cannot express; correct the samples."
        ) from None
    return Response(text, status, headers, media_type="application/json")
