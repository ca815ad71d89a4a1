"""The commands, joined; imported by `main` where typer and rich are installed."""

import sys
from typing import Annotated

import typer

import lamina
from lamina.cli.commands import export, fit, info, predict, report, score, serve

# Plain help and errors for programs that read them, such as pagers and logs.
MARKUP = "rich" if sys.stdout.isatty() else None
app = typer.Typer(
    name="lamina",
    no_args_is_help=True,
    rich_markup_mode=MARKUP,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (fit, predict, score, report, info, export, serve):
    app.command()(command)


def print_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        print(f"lamina {lamina.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Deep learning from files: train a network, predict, score, report and serve it.

    Exit codes: 0; 1 for data or a parameter that cannot be used; 2 for a wrong option; 130
    for an interrupt.
    """
    del version
