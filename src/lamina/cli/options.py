"""The options of the commands, each declared once."""

from typing import Annotated

import typer

Data = Annotated[
    str,
    typer.Argument(metavar="DATA", help="A file or a folder; - is the standard input."),
]
Model = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A file that `lamina fit` or Python saved."),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="The column to predict; for a text file the file of its translations.",
    ),
]
Text = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The column of texts; no other one is used."),
]
Id = Annotated[
    str | None,
    typer.Option(
        "--id", metavar="COLUMN", help="The column that names the series of a row."
    ),
]
Time = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="The column of times of a series.")
]
Horizon = Annotated[
    int | None, typer.Option(min=1, help="Forecast this many steps of each series.")
]
Ignore = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="A column that is not used. May be repeated."),
]
Estimator = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="An estimator of lamina, such as DNNRegressor."),
]
Param = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUE", help="A parameter of the estimator. May be repeated."
    ),
]
Test = Annotated[
    str,
    typer.Option(
        metavar="FRACTION or FILE",
        help="The part of DATA that is held out and scored, or other data. 0: none.",
    ),
]
MaxTime = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="The longest time of training.")
]
RandomState = Annotated[
    int, typer.Option(min=0, help="The seed of the held-out part and of training.")
]
Checkpoint = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Where training saves its state, so that the same command resumes it.",
    ),
]
Encoding = Annotated[str, typer.Option(help="The encoding of a text file or CSV.")]
Saved = Annotated[
    str,
    typer.Option(
        "--output", "-o", metavar="MODEL", help="The file to save, which is replaced."
    ),
]
Predictions = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="A file .csv, .tsv, .parquet or .txt. Without it, the standard output.",
    ),
]
Proba = Annotated[
    bool,
    typer.Option(
        "--proba", help="Also the probability of each class; quantiles of forecasts."
    ),
]
Future = Annotated[
    str | None,
    typer.Option(
        metavar="FILE", help="The next values of the known columns of series."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print warnings and errors only.")
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
