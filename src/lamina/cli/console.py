"""What the command prints, and how it ends.

Results go to the standard output; progress, warnings and errors to the standard error. The
exit codes are 0; 1 for data or a parameter that cannot be used, and for any other error; 2
for a wrong option; 130 for an interrupt.
"""

import json
import re
import sys
import traceback
import warnings
from collections.abc import Callable
from functools import wraps
from typing import NoReturn

import typer
from rich.console import Console

from lamina.exceptions import (
    HOW_TO_SILENCE,
    DataError,
    DivergenceError,
    MissingExtraError,
    ParameterError,
    SavedFileError,
)

EXPECTED = (
    DataError,
    DivergenceError,
    MissingExtraError,
    ParameterError,
    SavedFileError,
    OSError,
)
"""Errors whose messages say what to change."""
INTERRUPTED = 130
PYTHON = re.compile(r"(?<![\w-])[a-z_]+=")
"""How the library writes a parameter in its messages."""


class Output:
    """Prints plainly; in colour on a terminal."""

    def __init__(self, quiet: bool = False):
        self.quiet = quiet
        self.out = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        self.err = Console(
            stderr=True, soft_wrap=True, highlight=False, markup=False, emoji=False
        )

    def say(self, text: str, style: str | None = None) -> None:
        """Print a line of what the command does, unless it is quiet."""
        if not self.quiet:
            self.out.print(text, style=style)

    def result(self, text: str) -> None:
        """Print a line that was requested."""
        self.out.print(text, style="bold")

    def json(self, value: object) -> None:
        """Print JSON."""
        self.out.print(json.dumps(value, indent=2, default=str))

    def warn(self, text: str) -> None:
        """Print a warning."""
        text = text.removesuffix(HOW_TO_SILENCE).strip()
        self.err.print(f"Warning: {text}", style="yellow")

    def error(self, text: str) -> None:
        """Print an error."""
        self.err.print(f"Error: {text}", style="bold red")


def reported(command: Callable[..., None]) -> Callable[..., None]:
    """Turn errors and warnings within a command into lines and an exit code."""

    @wraps(command)
    def run(**options: object) -> None:
        output, seen = Output(), set[str]()

        def show(message: Warning | str, *_: object, **__: object) -> None:
            if str(message) not in seen:
                output.warn(str(message))
            seen.add(str(message))

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                warnings.simplefilter("always", UserWarning)
                warnings.showwarning = show
                command(**options)
        except (typer.Exit, typer.BadParameter, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            output.error("interrupted.")
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            _fail(output, error, debug=bool(options.get("debug")))

    return run


def _fail(output: Output, error: Exception, *, debug: bool) -> NoReturn:
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    text = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{str(error.filename)!r}: {error.strerror}."
    if not isinstance(error, EXPECTED):
        text = f"{type(error).__name__}: {text}"
        text += "" if debug else " Pass --debug for the traceback."
    if PYTHON.search(text) and "--param" not in text:
        text += " Parameters are passed as --param NAME=VALUE."
    output.error(text)
    raise typer.Exit(1) from None
