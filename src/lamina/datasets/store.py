"""Reading of the bundled files, and their split into training and test samples.

The training samples come first, in their original order, and then the test samples.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from lamina.exceptions import MissingExtraError, ParameterError

FILES = Path(__file__).parent / "files"
SUBSETS = ("train", "test", "all")


def part(subset: str, n_train: int, n: int) -> slice:
    """The rows of a subset of n samples, of which the first `n_train` are for training."""
    if subset not in SUBSETS:
        raise ParameterError(
            f"subset must be one of {SUBSETS}. Got {subset!r} instead."
        )
    return {
        "train": slice(0, n_train),
        "test": slice(n_train, n),
        "all": slice(0, n),
    }[subset]


def rows_of(subset: str, is_test: ArrayLike) -> np.ndarray:
    """The row numbers of a subset, given the mask of the test samples."""
    is_test = np.asarray(is_test, dtype=bool)
    n_train = int(np.count_nonzero(~is_test))
    return np.argsort(is_test, kind="stable")[part(subset, n_train, len(is_test))]


def every(step: int, n: int) -> np.ndarray:
    """Mask (n,) of every `step`-th sample, the first included."""
    return np.arange(n) % step == 0


def ragged(file: NpzFile, rows: slice) -> list[np.ndarray]:
    """The samples of these rows, which are concatenated in `flat`."""
    ends = np.cumsum(file["lengths"])[:-1]
    return np.split(file["flat"], ends)[rows]


def bunch(data: object, target: object, return_X_y: bool, **others: object) -> Any:
    """A Bunch, or the pair (data, target)."""
    if return_X_y:
        return data, target
    return Bunch(data=data, target=target, **others)


def import_pandas() -> Any:
    """The package pandas, which the tables need."""
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("This table", "pandas", "datasets") from None
    return pandas
