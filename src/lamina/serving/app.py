"""The application: routes, errors, and what every response carries."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lamina import __version__
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.kinds import fitted
from lamina.exceptions import DataError, MissingExtraError, ParameterError
from lamina.serving.explanations import ExplanationAnswer
from lamina.serving.limits import Limits
from lamina.serving.metrics import Metrics
from lamina.serving.openapi import request_body
from lamina.serving.page import STATIC, page_of
from lamina.serving.service import Service, json_response

LOCAL = ("localhost", "127.0.0.1")
PATHS = frozenset(("/", "/predict", "/explain", "/health", "/metrics", "/openapi.json"))
"""Paths that are counted by name."""
LEFT = 499
"""The status under which requests are counted whose clients left before the answer."""
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: "
        b"blob:; media-src blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; "
        b"frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-cache"),
]
"""The page loads nothing from elsewhere and is shown in no frame."""


class Refusal(BaseModel):
    """Why a request was not answered."""

    detail: str


def create_app(
    estimator: NeuralEstimator,
    *,
    title: str | None = None,
    limits: Limits | None = None,
    allowed_hosts: Sequence[str] = LOCAL,
) -> FastAPI:
    """An application that serves a fitted estimator, for any ASGI server.

    Parameters
    ----------
    estimator : fitted estimator of lamina
        The network.
    title : str, default=None
        The title of the page; None takes the name of the class.
    limits : Limits, default=None
        What a request may cost; None takes the defaults of `Limits`.
    allowed_hosts : sequence of str, default=("localhost", "127.0.0.1")
        The host names by which the server is called; a request with another one is
        refused, so that no page of a stranger can reach the server by a name that it
        controls. "*.example.org" allows all names below, and "*" any name.

    Returns
    -------
    app : FastAPI
        ``POST /predict`` and ``POST /explain`` take samples, ``/`` is the page,
        ``/openapi.json`` the description, ``/health`` and ``/metrics`` are for monitoring.

    Raises
    ------
    ParameterError
        The estimator is not of lamina, or cannot be served.
    NotFittedError
        The estimator is not fitted.

    Examples
    --------
    >>> from fastapi.testclient import TestClient
    >>> from sklearn.datasets import load_iris
    >>> from lamina import DNNClassifier
    >>> from lamina.serving import create_app
    >>> X, y = load_iris(return_X_y=True)
    >>> network = DNNClassifier(max_iter=20, random_state=0).fit(X, y)
    >>> with TestClient(create_app(network), base_url="http://localhost") as client:
    ...     answer = client.post("/predict", json={"samples": [[5.1, 3.5, 1.4, 0.2]]})
    >>> answer.raise_for_status().json()["predictions"]
    [0]
    """
    takes = "create_app serves fitted estimators of lamina"
    network = fitted(estimator, NeuralEstimator, takes)
    service = Service(network, limits or Limits())
    app = FastAPI(
        title=title or type(estimator).__name__,
        description=f"Predictions of a {type(estimator).__name__}.",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(service),
    )
    _add_routes(app, service)
    _add_errors(app)
    app.add_middleware(Observed, metrics=service.metrics)
    app.add_middleware(
        TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False
    )
    return app


def _add_routes(app: FastAPI, service: Service) -> None:
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"model": Refusal} for status in (408, 413, 415, 422, 503, 504)
    }
    for path, endpoint, model in (
        ("/predict", service.predict, service.answers.model),
        ("/explain", service.explain, ExplanationAnswer),
    ):
        app.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            response_model=model,
            responses=refusals,
            openapi_extra=request_body(service.reader, explains=path == "/explain"),
        )
    app.add_api_route("/health", service.health)
    app.add_api_route("/metrics", service.show_metrics, response_class=Response)
    page = page_of(service, app.title)

    async def show_page() -> Response:
        return Response(page, media_type="text/html")

    async def static(name: str) -> Response:
        if name not in STATIC:
            raise HTTPException(404, f"There is no file {name[:60]!r}.")
        content, media_type = STATIC[name]
        return Response(content, media_type=media_type)

    app.add_api_route("/", show_page, include_in_schema=False)
    app.add_api_route("/static/{name}", static, include_in_schema=False)


def _add_errors(app: FastAPI) -> None:
    def with_status(status: int) -> Any:
        async def refused(request: Request, error: Exception) -> Response:
            del request
            return json_response({"detail": str(error)[:1000]}, status)

        return refused

    async def of_http(request: Request, error: Exception) -> Response:
        del request
        assert isinstance(error, HTTPException)
        content = {"detail": error.detail}
        return json_response(content, error.status_code, headers=error.headers)

    async def failed(request: Request, error: Exception) -> Response:
        del request, error
        return json_response({"detail": "The server failed; its log says why."}, 500)

    for kind in (DataError, ParameterError):
        app.add_exception_handler(kind, with_status(422))
    app.add_exception_handler(MissingExtraError, with_status(501))
    app.add_exception_handler(ClientDisconnect, with_status(LEFT))
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, failed)


def _lifespan(service: Service) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        yield
        service.thread.shutdown(wait=False, cancel_futures=True)

    return lifespan


class Observed:
    """Counts the responses of an application, and adds `HEADERS` to them."""

    def __init__(self, app: ASGIApp, metrics: Metrics):
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        finally:
            path = scope["path"] if scope["path"] in PATHS else "other"
            self.metrics.requests[path, status] += 1
            self.metrics.seconds.add(time.perf_counter() - start)
