"""The type of what users pass as samples and targets."""

from pathlib import Path
from typing import Any, Never, Protocol


class Indexable(Protocol):
    """An array, a frame, a sparse matrix, a tensor or a list.

    Any collection that has a length and can be indexed.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, key: Never, /) -> Any: ...


DataLike = Indexable | Path
"""Samples or targets; the docstring of an estimator says what it reads. Only a
`LanguageModel` takes a path by itself, of a text."""
