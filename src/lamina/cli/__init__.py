"""The command `lamina`: networks from files, without a line of Python."""

import sys

from lamina.exceptions import MissingExtraError


def main() -> None:
    """Run the command with the arguments of the process, and exit."""
    try:
        from lamina.cli.app import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit(f"Error: {MissingExtraError('The command lamina', error.name, 'cli')}")
    app(prog_name="lamina")
