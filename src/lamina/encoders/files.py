"""Shared by image and audio files: names in messages, opening, limits, moments of a subset.

A file may come from a stranger. So it is opened only if it is a regular one, its header is
compared with a limit before anything is decoded, and what is decoded later must be the file
whose header was read.
"""

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TypeGuard

import numpy as np

from lamina.exceptions import DataError
from lamina.scaling import scale_of

BYTES_EACH, BYTES_OF_TAGS = 8, 1 << 24
"""A file has at most 8 bytes for each pixel or sample that may be read, and 16 MiB of tags."""


@dataclass(frozen=True)
class RegularFile:
    """A file as it was when X was read."""

    path: str | Path
    n_bytes: int
    modified: int
    """Nanoseconds since 1970."""

    def __str__(self) -> str:
        return str(self.path)


def is_path(sample: object) -> TypeGuard[str | Path]:
    """Whether a sample is the name of a file."""
    return isinstance(sample, str | Path)


def name_of(sample: object, i: int) -> str:
    """The name of sample number `i` in messages."""
    is_file = isinstance(sample, str | Path | RegularFile)
    return f"Sample {i} ({str(sample)!r})" if is_file else f"Sample {i}"


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


def regular_file(path: str | Path, i: int) -> RegularFile:
    """The file of sample number `i`; a pipe or a device, which could block, is refused."""
    with reading(path, i):
        return _described(path, Path(path).stat())


def open_regular(file: RegularFile, i: int) -> BinaryIO:
    """The same file, opened for reading; one that has changed is refused."""
    with reading(file, i):
        # A pipe that has replaced the file would block without the flag.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(file.path, flags)
        try:
            now = _described(file.path, os.fstat(descriptor))
            if now != file:
                raise DataError(
                    f"{name_of(file, i)} has changed since X was read: it had "
                    f"{file.n_bytes} bytes, of {_moment(file)}, and has {now.n_bytes}, of "
                    f"{_moment(now)}. Pass a copy that no other program writes."
                )
            return os.fdopen(descriptor, "rb")
        except BaseException:
            os.close(descriptor)
            raise


def _described(path: str | Path, status: os.stat_result) -> RegularFile:
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is a folder, a pipe or a device, not a regular file")
    return RegularFile(path, status.st_size, status.st_mtime_ns)


def _moment(file: RegularFile) -> str:
    return datetime.fromtimestamp(file.modified / 1e9, UTC).isoformat()


def refuse_excess(
    sample: object, i: int, n: int, what: str, limit: tuple[str, int]
) -> None:
    """Raise if a sample has more pixels or samples than a parameter (name, value) allows."""
    name, most = limit
    if n > most:
        raise DataError(
            f"{name_of(sample, i)} has {n} {what}, and {name}={most} is the limit. Leave it "
            f"out, or raise {name} if you trust it and its memory is available."
        )


def refuse_large_file(sample: object, i: int, limit: tuple[str, int]) -> None:
    """Raise if a file is larger than any with as many pixels or samples as are allowed."""
    name, most = limit
    if (
        isinstance(sample, RegularFile)
        and sample.n_bytes > most * BYTES_EACH + BYTES_OF_TAGS
    ):
        raise DataError(
            f"{name_of(sample, i)} has {sample.n_bytes} bytes; at most {BYTES_EACH} for each "
            f"of {name}={most} and {BYTES_OF_TAGS} more are read. Leave it out, or raise "
            f"{name}."
        )


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
