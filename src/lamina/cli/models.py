"""Networks in files: writing one with its note, and reading both."""

import os
from pathlib import Path
from typing import Any

import lamina
from lamina import archive
from lamina.cli.samples import Source
from lamina.cli.scores import Score
from lamina.cli.tables import absent
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.saving import KIND
from lamina.exceptions import DataError, SavedFileError


def require_writable(path: str, *inputs: str) -> None:
    """Raise, before anything is computed, if a file cannot be written, or is an input."""
    for name in inputs:
        if Path(path).exists() and Path(name).exists() and Path(path).samefile(name):
            raise DataError(
                f"--output {path!r} would replace {name!r}; pass another name."
            )
    folder = Path(path).parent
    if Path(path).is_dir():
        raise DataError(f"--output {path!r} is a folder; pass the name of a file.")
    if not folder.is_dir():
        raise DataError(
            f"--output {path!r}: the folder {str(folder)!r} does not exist."
        )
    if not os.access(folder, os.W_OK):
        raise DataError(f"--output {path!r}: the folder {str(folder)!r} is read-only.")


def refuse_other_file(path: str) -> None:
    """Raise if a file exists that is no network, and would be replaced by one."""
    if Path(path).exists():
        try:
            header_of(path)
        except SavedFileError as error:
            raise DataError(
                f"--output {path!r} exists and is no network, so it is not replaced: pass "
                f"another name, or remove it."
            ) from error


def write_model(
    path: str, estimator: NeuralEstimator, source: Source, score: Score | None
) -> None:
    """Save a network with its note; `path` is the old file or the new one, and whole."""
    estimator.set_callbacks()  # a file cannot contain them
    note = {"data": source.note(), "score": None if score is None else score.json()}
    with archive.replacing(path) as part:
        estimator.save(part)
        archive.annotate(part, KIND, note)


def read_model(path: str) -> tuple[NeuralEstimator, dict[str, Any] | None]:
    """The estimator in a file, and its note; None if Python saved it."""
    if not Path(path).exists():
        raise absent(path)
    return lamina.load(path), header_of(path).get("note")


def header_of(path: str) -> dict[str, Any]:
    """The header of the file of a network."""
    return archive.header(path, KIND)
