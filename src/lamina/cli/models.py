"""Networks in files: writing one with its note, and reading both."""

import os
from pathlib import Path
from typing import Any

import lamina
from lamina import archive
from lamina.cli.samples import Source
from lamina.cli.scores import Score
from lamina.estimators.saving import KIND
from lamina.exceptions import DataError


def require_writable(path: str) -> None:
    """Raise, before anything is computed, if a file cannot be written."""
    folder = Path(path).parent
    if Path(path).is_dir():
        raise DataError(f"--output {path!r} is a folder; pass the name of a file.")
    if not folder.is_dir():
        raise DataError(
            f"--output {path!r}: the folder {str(folder)!r} does not exist."
        )
    if not os.access(folder, os.W_OK):
        raise DataError(f"--output {path!r}: the folder {str(folder)!r} is read-only.")


def write_model(path: str, estimator: Any, source: Source, score: Score | None) -> None:
    """Save a network with its note; `path` is the old file or the new one, and whole."""
    estimator.set_callbacks()  # a file cannot contain them
    note = {"data": source.note(), "score": None if score is None else score.json()}
    with archive.replacing(path) as part:
        estimator.save(part)
        archive.annotate(part, KIND, note)


def read_model(path: str) -> tuple[Any, dict[str, Any] | None]:
    """The estimator in a file, and its note; None if Python saved it."""
    return lamina.load(path), header_of(path).get("note")


def header_of(path: str) -> dict[str, Any]:
    """The header of the file of a network."""
    return archive.header(path, KIND)
