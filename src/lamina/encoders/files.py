"""What sound and pictures in files share: names, opening, statistics of a part.

means (n, C) and variances (n, C) of single samples -> mean (C,) and scale (C,) of all.
"""

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from lamina.exceptions import DataError
from lamina.scaling import scale_of


def is_path(sample: Any) -> bool:
    """Whether a sample is the name of a file."""
    return isinstance(sample, str | Path)


def name_of(sample: Any, i: int) -> str:
    """What a message calls sample number `i`."""
    return f"Sample {i} ({str(sample)!r})" if is_path(sample) else f"Sample {i}"


@contextmanager
def reading(sample: Any, i: int) -> Iterator[None]:
    """Whatever goes wrong inside becomes a `DataError` that names the sample."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # it depends on the format and on the damage
        # libsndfile and PIL name an object in memory by its address.
        why = re.sub(r"<\S+ object at \w+>", "it", str(error)).rstrip(".")
        why = why or type(error).__name__
        raise DataError(
            f"{name_of(sample, i)} cannot be read: {why}. Repair it or leave it out."
        ) from error


def open_regular(path: str | Path) -> BinaryIO:
    """A file opened to be read; opening a pipe or a device could block for ever."""
    path = path if isinstance(path, Path) else Path(path)
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is a folder, a pipe or a device, not a regular file")
    return path.open("rb")


def contents_of(sample: Any, i: int) -> bytes:
    """The bytes of a file that came as such, or open; its position is left as it was."""
    if not isinstance(sample, io.IOBase):
        return bytes(sample)
    with reading(sample, i):
        if isinstance(sample, io.TextIOBase):
            raise DataError(
                f'Sample {i} is a file opened as text; open it with mode "rb".'
            )
        if not sample.seekable() or not _is_regular(sample):
            raise DataError(
                f"Sample {i} is a pipe or a device; read it and pass its bytes."
            )
        position = sample.tell()
        sample.seek(0)
        contents = sample.read()
        sample.seek(position)
        return contents


def evenly_spaced(n: int, at_most: int) -> np.ndarray:
    """At most so many of the row numbers below `n`, from the first to the last."""
    return np.linspace(0, n - 1, min(n, at_most)).round().astype(np.intp)


def pooled_moments(
    means: np.ndarray, variances: np.ndarray, weight: np.ndarray, n_values: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (1 where it is 0) of samples of these moments.

    A sample's `weight` (n,) counts its steps or pixels too, if samples differ in them;
    `n_values` are the steps or pixels of all.
    """
    mean = np.average(means, axis=0, weights=weight)
    variance = np.average(variances + (means - mean) ** 2, axis=0, weights=weight)
    return mean, scale_of(variance, mean, n_values)


def _is_regular(file: io.IOBase) -> bool:
    """Whether an open file is on a disk or in memory."""
    try:
        number = file.fileno()
    except io.UnsupportedOperation:
        return True
    return stat.S_ISREG(os.fstat(number).st_mode)
