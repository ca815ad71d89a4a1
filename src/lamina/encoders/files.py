"""Shared by image and audio files: names in messages, opening, statistics of a subset."""

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeGuard

import numpy as np

from lamina.exceptions import DataError
from lamina.scaling import scale_of


def is_path(sample: object) -> TypeGuard[str | Path]:
    """Whether a sample is the name of a file."""
    return isinstance(sample, str | Path)


def name_of(sample: object, i: int) -> str:
    """The name of sample number `i` in messages."""
    return f"Sample {i} ({str(sample)!r})" if is_path(sample) else f"Sample {i}"


@contextmanager
def reading(sample: object, i: int) -> Iterator[None]:
    """Within it, any error becomes a `DataError` that names the sample."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # its type depends on the format and on the damage
        # libsndfile and PIL print the address of an object in memory.
        why = re.sub(r"<\S+ object at \w+>", "it", str(error)).rstrip(".")
        why = why or type(error).__name__
        raise DataError(
            f"{name_of(sample, i)} cannot be read: {why}. Repair it or leave it out."
        ) from error


def open_regular(path: str | Path) -> BinaryIO:
    """A file, opened for reading; a pipe or a device, which could block, is refused."""
    path = path if isinstance(path, Path) else Path(path)
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is a folder, a pipe or a device, not a regular file")
    return path.open("rb")


def contents_of(sample: bytes | bytearray | memoryview | io.IOBase, i: int) -> bytes:
    """The contents of a file given as bytes or as an open file, whose position is kept."""
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


def evenly_spaced(n: int, max_rows: int) -> np.ndarray:
    """At most `max_rows` row numbers below `n`, from the first to the last."""
    return np.linspace(0, n - 1, min(n, max_rows)).round().astype(np.intp)


def pooled_moments(
    means: np.ndarray, variances: np.ndarray, weight: np.ndarray, n_values: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean (C,) and standard deviation (C,), 1 where it is 0, over all samples.

    `means` and `variances` (n, C) are those of each sample. `weight` (n,) is the sample
    weight, times the number of steps or pixels where samples differ in it; `n_values` is
    the number of steps or pixels of all samples.
    """
    mean = np.average(means, axis=0, weights=weight)
    variance = np.average(variances + (means - mean) ** 2, axis=0, weights=weight)
    return mean, scale_of(variance, mean, n_values)


def _is_regular(file: io.IOBase) -> bool:
    """Whether an open file is on a disk or in memory."""
    try:
        descriptor = file.fileno()
    except io.UnsupportedOperation:
        return True
    return stat.S_ISREG(os.fstat(descriptor).st_mode)
