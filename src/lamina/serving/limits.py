"""What a request may cost, and the body of a request, read within these limits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields

from fastapi import HTTPException, Request

from lamina.exceptions import ParameterError

SMALL = 64_000
"""Bytes of a body that count against no budget, so that large ones do not displace it."""
LARGE_AT_ONCE = 8
"""Bodies of the largest size that may be in memory at the same time."""


@dataclass(frozen=True)
class Limits:
    """What a request may cost.

    Parameters
    ----------
    max_bytes : int, default=10_000_000
        Size of the body.
    max_samples : int, default=1_000
        Samples of a request.
    max_steps : int, default=200_000
        Characters of texts, or steps of series, of all samples of a request together.
    max_pixels : int, default=50_000_000
        Pixels of all images of a request together.
    max_seconds : int, default=600
        Seconds of sound of all samples of a request together.
    max_explained : int, default=10
        Samples of a request for explanations.
    max_batch : int, default=256
        Samples of several requests that are predicted together.
    max_waiting : int, default=64
        Requests that wait for the network; a further one is answered by status 503.
    max_connections : int, default=500
        Open connections above which requests are answered by status 503.
    timeout : float, default=30
        Seconds until the body has to be complete, and then until the answer is.

    Examples
    --------
    >>> from lamina.serving import Limits
    >>> Limits(max_samples=10).max_samples
    10
    """

    max_bytes: int = 10_000_000
    max_samples: int = 1_000
    max_steps: int = 200_000
    max_pixels: int = 50_000_000
    max_seconds: int = 600
    max_explained: int = 10
    max_batch: int = 256
    max_waiting: int = 64
    max_connections: int = 500
    timeout: float = 30.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or value <= 0
            ):
                raise ParameterError(
                    f"The limit {field.name!r} must be a number > 0. Got {value!r} instead."
                )


class Bodies:
    """Reads the bodies of requests; large ones share a budget of bytes."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.free = LARGE_AT_ONCE * limits.max_bytes

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body, which counts against the budget until the context ends."""
        body, reserved = bytearray(), 0
        self._refuse_announced(request)
        try:
            try:
                async with asyncio.timeout(self.limits.timeout):
                    async for chunk in request.stream():
                        body += chunk
                        reserved += self._reserve(len(body), reserved)
            except TimeoutError:
                raise HTTPException(
                    408,
                    f"The body was not complete after {self.limits.timeout:g} seconds.",
                    {"Connection": "close"},
                ) from None
            yield bytes(body)
        finally:
            self.free += reserved

    def _refuse_announced(self, request: Request) -> None:
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self.limits.max_bytes:
            raise self._too_large(f"{announced} bytes")

    def _reserve(self, size: int, reserved: int) -> int:
        """Further bytes to reserve for a body of this size."""
        if size > self.limits.max_bytes:
            raise self._too_large("more bytes")
        more = size - SMALL - reserved
        if more <= 0:
            return 0
        if more > self.free:
            raise HTTPException(
                503,
                "Too many large requests at the same time; try again later.",
                {"Connection": "close", "Retry-After": "1"},
            )
        self.free -= more
        return more

    def _too_large(self, size: str) -> HTTPException:
        return HTTPException(
            413,
            f"The body has {size}; at most {self.limits.max_bytes} are read "
            f"(max_bytes). Send fewer or smaller samples.",
            {"Connection": "close"},
        )
