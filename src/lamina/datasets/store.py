"""How the bundled files are read, and cut into training and test samples.

Everywhere the training samples come first, in their own order, and then the test samples.
"""

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from lamina.exceptions import MissingExtraError, ParameterError

FILES = Path(__file__).parent / "files"
SUBSETS = ("train", "test", "all")


def part(subset: str, n_train: int, n: int) -> slice:
    """The rows of a subset, where the training samples come first."""
    if subset not in SUBSETS:
        raise ParameterError(
            f"subset must be one of {SUBSETS}. Got {subset!r} instead."
        )
    return {
        "train": slice(0, n_train),
        "test": slice(n_train, n),
        "all": slice(0, n),
    }[subset]


def rows_of(subset: str, is_test: Any) -> np.ndarray:
    """The row numbers of a subset, from whether each row is a test sample."""
    is_test = np.asarray(is_test, dtype=bool)
    n_train = int(np.count_nonzero(~is_test))
    return np.argsort(is_test, kind="stable")[part(subset, n_train, len(is_test))]


def every(step: int, n: int) -> np.ndarray:
    """Whether each of n numbers, counted from 0, is a multiple of `step`."""
    return np.arange(n) % step == 0


def ragged(file: Any, rows: slice) -> list[np.ndarray]:
    """The samples of these rows, which lie end to end in `flat`."""
    ends = np.cumsum(file["lengths"])[:-1]
    return np.split(file["flat"], ends)[rows]


def answer(data: Any, target: Any, return_X_y: bool, **more: Any) -> Any:
    """A Bunch, or the pair (data, target)."""
    if return_X_y:
        return data, target
    return Bunch(data=data, target=target, **more)


def import_pandas() -> Any:
    """The package pandas, which the tables need."""
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("This table", "pandas", "datasets") from None
    return pandas
