"""Fitted networks behind HTTP: a JSON interface and one page, made from the schema.

Needs the extra `serve`. :func:`create_app` gives the application, for any ASGI server, and
:func:`serve` runs it.
"""

from lamina.exceptions import MissingExtraError

try:
    import fastapi as _fastapi  # noqa: F401
    import uvicorn as _uvicorn  # noqa: F401
except ImportError as error:
    raise MissingExtraError(
        "lamina.serving", error.name or "fastapi", "serve"
    ) from None

from lamina.serving.app import create_app
from lamina.serving.limits import Limits
from lamina.serving.server import serve, server_config

__all__ = ["Limits", "create_app", "serve", "server_config"]
