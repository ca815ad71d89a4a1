"""The predictions of a network as columns, and the files that they are written to."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import narwhals.stable.v2 as nw
import numpy as np
from narwhals.stable.v2.typing import IntoDataFrame

from lamina.archive import replacing
from lamina.cli.documents import join
from lamina.cli.samples import Samples
from lamina.cli.tables import frame_library
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.classifier import Classifier
from lamina.estimators.forecaster import SeriesForecaster
from lamina.estimators.language import LanguageEstimator
from lamina.exceptions import DataError, ParameterError
from lamina.inputs import DataLike
from lamina.missing import is_missing

COLUMN = "prediction"
SUFFIXES = (".csv", ".tsv", ".parquet", ".txt")
Columns = dict[str, Sequence[Any]]


def predictions(
    estimator: NeuralEstimator,
    samples: Samples,
    *,
    proba: bool,
    future: DataLike | None = None,
) -> Columns:
    """What is known of each sample, and the predictions for it."""
    if isinstance(estimator, SeriesForecaster):
        method = estimator.predict_quantiles if proba else estimator.predict
        return _columns_of(method(samples.X, future))
    new: Columns
    if isinstance(estimator, LanguageEstimator):
        new = {COLUMN: estimator.generate(samples.X, random_state=0)}
    else:
        new = _named(estimator, estimator.predict(samples.X))
    if proba:
        if not isinstance(estimator, Classifier):
            raise ParameterError(
                f"--proba has no effect on a {type(estimator).__name__}; leave it out."
            )
        p = estimator.predict_proba(samples.X)
        names = [f"probability_{label}" for label in estimator.classes_]
        new |= dict(zip(names, p.T.tolist(), strict=True))
    for name in new:
        if name in samples.shown:
            raise DataError(f"DATA has a column {name!r}; rename it.")
    return {**samples.shown, **new}


def write(columns: Columns, path: str | None, *, as_lines: bool) -> None:
    """Write columns as the suffix of the path says; None is the standard output."""
    if path is None:
        _write_text(columns, sys.stdout, ".txt" if as_lines else ".csv")
        return
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise ParameterError(
            f"--output {path!r} has none of the suffixes {', '.join(SUFFIXES)}."
        )
    with replacing(path) as part:
        if suffix == ".parquet":
            _write_parquet(columns, part)
        else:
            with part.open("w", newline="", encoding="utf8") as file:
                _write_text(columns, file, suffix)


def _write_text(columns: Columns, file: TextIO, suffix: str) -> None:
    if suffix == ".txt":
        last = [*columns.values()][-1]
        file.writelines(f"{' '.join(str(v).splitlines())}\n" for v in last)
        return
    separator = "\t" if suffix == ".tsv" else ","
    writer = csv.writer(file, delimiter=separator, lineterminator="\n")
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow(["" if is_missing(value) else value for value in row])


def _write_parquet(columns: Columns, path: Path) -> None:
    library = frame_library()
    lists = {name: list(values) for name, values in columns.items()}
    nw.from_dict(lists, backend=library).write_parquet(path)


def _columns_of(frame: IntoDataFrame) -> Columns:
    """The columns of the forecasts of a frame."""
    columns = nw.from_native(frame, eager_only=True)
    return {name: columns[name].to_list() for name in columns.columns}


def _named(estimator: NeuralEstimator, outputs: list | np.ndarray) -> Columns:
    """The outputs as columns; several for the quantiles of a regressor."""
    if isinstance(outputs, np.ndarray) and outputs.ndim == 2:
        names = [f"{COLUMN}_{level}" for level in estimator.quantiles]
        return dict(zip(names, outputs.T.tolist(), strict=True))
    if isinstance(outputs, np.ndarray):
        return {COLUMN: outputs.tolist()}
    return {COLUMN: [join(output) for output in outputs]}
