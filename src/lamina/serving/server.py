"""Running the application by uvicorn, which closes connections that send nothing."""

import asyncio
import socket
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from lamina.estimators.base import NeuralEstimator
from lamina.serving.app import LOCAL, create_app
from lamina.serving.limits import Limits

SILENCE = 20
"""Seconds within which a connection has to begin a request, with all of its headers."""
ANY_ADDRESS = ("0.0.0.0", "::")


class ImpatientProtocol(H11Protocol):
    """HTTP/1.1; a connection without a complete request line and headers is closed."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        # asyncio sets it only for sockets that name their protocol. Without it the body of
        # an answer waits for the client to acknowledge its headers, for 40 ms.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch()

    def _watch(self) -> None:
        self.last = self.cycle
        self.watching = self.loop.call_later(SILENCE, self._close_if_silent)

    def _close_if_silent(self) -> None:
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self.cycle is self.last:
            self.transport.abort()  # it may not read its answer either
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self.watching.cancel()
        super().connection_lost(exc)


def server_config(
    app: FastAPI, limits: Limits | None = None, log_level: str = "warning"
) -> uvicorn.Config:
    """The configuration of uvicorn for an application of `create_app`.

    Parameters
    ----------
    app : FastAPI
        The application.
    limits : Limits, default=None
        Those of the application.
    log_level : str, default="warning"
        What uvicorn logs; "info" logs each request.

    Returns
    -------
    config : uvicorn.Config
        For `uvicorn.Server`.
    """
    return uvicorn.Config(
        app,
        http=ImpatientProtocol,
        ws="none",
        log_level=log_level,
        server_header=False,
        limit_concurrency=(limits or Limits()).max_connections,
        timeout_graceful_shutdown=5,
    )


def serve(  # noqa: PLR0913
    estimator: NeuralEstimator,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    title: str | None = None,
    limits: Limits | None = None,
    allowed_hosts: Sequence[str] | None = None,
    log_level: str = "warning",
) -> None:
    """Serve a fitted estimator until the process is interrupted.

    Parameters
    ----------
    estimator : fitted estimator of lamina
        The network.
    host : str, default="127.0.0.1"
        The address to listen on: by default that of this machine, so that no other can
        connect. "0.0.0.0" listens on all addresses.
    port : int, default=8000
        The port; 0 takes one that is free.
    title : str, default=None
        The title of the page; None takes the name of the class.
    limits : Limits, default=None
        What a request may cost; None takes the defaults of `Limits`.
    allowed_hosts : sequence of str, default=None
        The host names by which the server is called; see `create_app`. None allows
        "localhost", "127.0.0.1" and `host`, or any name if `host` is "0.0.0.0".
    log_level : str, default="warning"
        What uvicorn logs; "info" logs each request.

    Raises
    ------
    OSError
        The port is in use, or the address is not one of this machine.
    """
    own = ("*",) if host in ANY_ADDRESS else (*LOCAL, host)
    hosts = own if allowed_hosts is None else allowed_hosts
    app = create_app(estimator, title=title, limits=limits, allowed_hosts=hosts)
    with socket.create_server((host, port)) as opened:
        name = type(estimator).__name__
        address = f"http://{host}:{opened.getsockname()[1]}"
        print(f"{name}: {address} (Ctrl-C ends)", flush=True)
        config = server_config(app, limits, log_level)
        uvicorn.Server(config).run(sockets=[opened])
