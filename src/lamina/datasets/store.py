"""Where the files lie, and how they are cut into training and test samples."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from lamina.exceptions import DataError, MissingExtraError, ParameterError

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


def ragged(file: Any, rows: slice) -> list[np.ndarray]:
    """The samples of these rows, which lie end to end in `flat`."""
    ends = np.cumsum(file["lengths"])[:-1]
    return np.split(file["flat"], ends)[rows]


def answer(data: Any, target: Any, return_X_y: bool, **more: Any) -> Any:
    """A Bunch, or the pair (data, target)."""
    if return_X_y:
        return data, target
    return Bunch(data=data, target=target, **more)


def fetch_file(folder: str, name: str, sha256: str, url: str | None, home: str) -> Path:
    """The path of a large file, downloaded if need be, with the right contents."""
    root = os.environ.get("LAMINA_DATA")
    local = Path(root) / folder / name if root else None
    if local is not None and local.exists():
        found = hashlib.sha256(local.read_bytes()).hexdigest()
        if found != sha256:
            raise DataError(
                f"{local} is not the file that lamina knows: its SHA-256 is {found}, "
                f"expected {sha256}. Remove it, and take it again from {home}."
            )
        return local
    if url is None:
        raise DataError(
            f"{name} is not under LAMINA_DATA ({root!r}). Get it from {home}, put it at "
            f"$LAMINA_DATA/{folder}/{name}, and set LAMINA_DATA."
        )
    try:
        import pooch
    except ImportError:
        raise MissingExtraError("Downloading data sets", "pooch", "datasets") from None
    cache = Path(root) if root else Path(pooch.os_cache("lamina"))
    return Path(pooch.retrieve(url, f"sha256:{sha256}", name, cache / folder))
