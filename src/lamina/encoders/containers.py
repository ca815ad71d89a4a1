"""Containers of samples, unwrapped to a frame, an array, a dict of columns or a list.

torch and scipy are not imported: where they are not, X is no tensor and no sparse matrix.
"""

import io
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import narwhals.stable.v2 as nw
import numpy as np

from lamina.encoders.frames import is_frame
from lamina.exceptions import DataError
from lamina.missing import as_array
from lamina.numeric import is_tensor

if TYPE_CHECKING:
    from scipy import sparse
    from torch import Tensor


def unwrap(X: object, *, is_table: bool) -> Any:
    """X as a sparse matrix, a frame, an array, a dict of columns or a list of samples.

    Nested lists of numbers become an array if all have the same length. Rows of strings
    become an array (samples, columns) if `is_table`, and stay lists of tokens otherwise.
    """
    if isinstance(X, np.matrix):
        X = np.asarray(X)
    if isinstance(X, np.ndarray):
        if X.ndim == 0:
            raise DataError(f"X is a single value, {X!r}; pass the samples.")
        return list(X) if _holds_samples(X) else X
    if isinstance(X, list | tuple):
        return _list_or_array(list(X), is_table)
    if is_sparse(X):
        if not is_table:
            raise DataError(
                "Sparse data was passed for X, but dense data is required; use X.toarray()."
            )
        return X
    if is_frame(X):
        return X
    if isinstance(X, dict):
        return _columns_or_refusal(X, is_table)
    return _from_tensor(X) if is_tensor(X) else _unwrap_other(X, is_table)


def is_sparse(X: object) -> "TypeGuard[sparse.spmatrix]":
    """Whether X is a sparse matrix or array of scipy."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and sparse.issparse(X)


def is_text(sample: object) -> bool:
    """Whether a sample is a string or a path."""
    return isinstance(sample, str | Path)


def is_image(sample: object) -> bool:
    """Whether a sample is a PIL image; PIL is not imported."""
    return any(c.__module__.startswith("PIL.") for c in type(sample).__mro__)


def is_contents(sample: object) -> bool:
    """Whether a sample is the contents of a file, or an open file."""
    return isinstance(sample, bytes | bytearray | memoryview | io.IOBase)


def _unwrap_other(X: object, is_table: bool) -> Any:
    """The less frequent containers; anything else is refused."""
    if X is None:
        raise DataError("X is None; pass the samples.")
    if nw.dependencies.is_into_series(X):
        return _list_or_array(nw.from_native(X, series_only=True).to_list(), is_table)
    if isinstance(X, nw.LazyFrame) or type(X).__name__ == "LazyFrame":
        raise DataError("X is a LazyFrame, which holds no data yet; pass X.collect().")
    if is_text(X) or is_image(X) or is_contents(X):
        sample = textwrap.shorten(repr(X), 60)
        raise DataError(f"X is a single sample, {sample}; pass a list: [X].")
    if isinstance(X, Sequence):
        return _list_or_array(list(X), is_table)
    if hasattr(X, "__array__"):
        return unwrap(np.asarray(X), is_table=is_table)
    if isinstance(X, set | frozenset):
        raise DataError("X is a set, whose samples have no order; pass a list of them.")
    if isinstance(X, Iterator) or hasattr(X, "__iter__"):
        raise DataError(
            f"X is a {type(X).__name__}, which can be read once only or has no length; "
            f"pass list(X), or the arrays behind it."
        )
    raise DataError(
        f"X is a {type(X).__name__}; pass an array, a frame, or a list of samples."
    )


def _columns_or_refusal(X: dict, is_table: bool) -> dict:
    if not is_table:
        raise DataError(
            "X is a dict; its keys would be read as samples. Pass the list of samples."
        )
    if not X:
        raise DataError("Found array with 0 sample(s): X is a dict without columns.")
    return X


def _from_tensor(X: "Tensor") -> np.ndarray:
    if X.is_sparse or X.is_nested or X.is_quantized or X.is_meta:
        raise DataError(
            "X is, or holds, a sparse, nested, quantized or meta tensor; pass a dense one."
        )
    X = X.detach().cpu()
    return (X.float() if X.dtype.itemsize == 2 and X.is_floating_point() else X).numpy()


def _holds_samples(X: np.ndarray) -> bool:
    return (
        X.ndim == 1 and X.dtype.kind in "OUS" and len(X) > 0 and X.dtype.names is None
    )


def _list_or_array(X: list, is_table: bool) -> Any:
    if not X:
        raise DataError(
            "Found array with 0 sample(s): X is an empty list, a minimum of 1 is required."
        )
    X = [_from_tensor(sample) if is_tensor(sample) else sample for sample in X]
    if isinstance(X[0], np.ndarray) and X[0].ndim > 0 and not is_table:
        return X
    if isinstance(X[0], str | Path | dict) or any(
        is_image(x) or is_contents(x) for x in X
    ):
        return X
    try:
        array = as_array(X)
    except ValueError:  # rows of unequal length
        return X
    if array.dtype.kind in "USO":
        # As objects: otherwise numbers beside texts would become texts.
        is_matrix = is_table and array.ndim == 2
        return np.asarray(X, dtype=object) if is_matrix else X
    return array
