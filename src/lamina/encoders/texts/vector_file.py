"""Files of word vectors: a line for each word, as GloVe, word2vec and fastText write them.

    word v1 v2 ... vd

A first line `n d` says how many lines follow, and of how many values; the file may be
compressed by gzip. Lines are read one after the other, and only the values that are needed
become numbers, so that the memory does not depend on the size of the file.
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from math import isfinite
from typing import NoReturn

import numpy as np

from lamina.exceptions import ParameterError
from lamina.paths import open_regular
from lamina.texts import shown

MAX_BYTES = 1 << 20
"""Bytes of a line; no file of word vectors has longer ones."""
GZIP = b"\x1f\x8b"
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Line:
    """A word and the texts of its values."""

    number: int
    word: str
    values: list[bytes]


class VectorFile:
    r"""The lines of a file; whatever is wrong with it raises `ParameterError`.

    Parameters
    ----------
    path : str or path-like
        The file, of text or of text compressed by gzip.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from lamina.encoders.texts.vector_file import VectorFile
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "words.vec")
    ...     _ = path.write_text("the 0.5 -1\nfilm 2 0.25\n")
    ...     file = VectorFile(path)
    ...     print({line.word: file.vector(line).tolist() for line in file})
    {'the': [0.5, -1.0], 'film': [2.0, 0.25]}
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path, self.width, self.n_words = path, 0, 0

    def __iter__(self) -> Iterator[Line]:
        try:
            with (
                open_regular(self.path) as file,
                gzip.GzipFile(fileobj=file) as unpacked,
            ):
                is_compressed = file.peek(2).startswith(GZIP)
                yield from self._lines(unpacked if is_compressed else file)
        except (OSError, EOFError, zlib.error) as error:
            why = str(error).rstrip(".")
            raise ParameterError(
                f"word_vectors={self._name} cannot be read: {why}."
            ) from error

    def vector(self, line: Line) -> np.ndarray:
        """(D,) the values of a line."""
        try:
            values = [float(value) for value in line.values]
        except ValueError as error:
            self.refuse(f"line {line.number} has other values than numbers ({error})")
        if not all(isfinite(value) and abs(value) <= LARGEST for value in values):
            self.refuse(
                f"the vector of {line.word!r}, in line {line.number}, has a value that "
                f"is NaN, infinite or too large"
            )
        return np.array(values, np.float32)

    def refuse(self, problem: str) -> NoReturn:
        """Raise `ParameterError` that the file cannot be used."""
        raise ParameterError(
            f"word_vectors={self._name} cannot be used: {problem}. Its lines have to be "
            f'"word v1 v2 ...", in UTF-8, with the same number of values in each.'
        )

    @property
    def _name(self) -> str:
        return repr(os.fspath(self.path))

    def _lines(self, file: BufferedIOBase) -> Iterator[Line]:
        n_stated, number, self.n_words = None, 0, 0
        while line := file.readline(MAX_BYTES):
            number += 1
            if len(line) == MAX_BYTES:
                self.refuse(f"line {number} has {MAX_BYTES:,} bytes or more")
            parts = line.removeprefix(b"\xef\xbb\xbf").split()
            if number == 1 and len(parts) == 2 and all(map(bytes.isdigit, parts)):
                n_stated, self.width = map(int, parts)
            elif parts:
                self.n_words += 1
                yield self._line(number, parts)
        if n_stated not in (None, self.n_words):
            self.refuse(
                f"its first line says that {n_stated:,} words follow, and there are "
                f"{self.n_words:,}; it is not complete"
            )
        if not self.n_words:
            self.refuse("it is empty")

    def _line(self, number: int, parts: list[bytes]) -> Line:
        self.width = self.width or len(parts) - 1
        # The name of a word may have spaces; that of a number cannot be known from a value.
        words = parts[: -self.width] if self.width else []
        if not words or (len(words) > 1 and _is_number(words[-1])):
            self.refuse(
                f"line {number}, {shown(b' '.join(parts))}, has not the "
                f"{self.width or 'one or more'} values of the lines before it"
            )
        try:
            word = b" ".join(words).decode()
        except UnicodeDecodeError as error:
            self.refuse(f"the word of line {number} is not UTF-8 ({error})")
        return Line(number, word, parts[-self.width :])


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
