"""The samples of the examples in other containers."""

from contextlib import suppress
from typing import Any

import numpy as np
import torch
from scipy import sparse

NAMES = ["a", "b", "c", "d"]


def arrays(X: np.ndarray) -> dict[str, Any]:
    """Arrays and lists of equal samples (n, ...)."""
    return {
        "float32": X.astype(np.float32),
        "Fortran order": np.asfortranarray(X),
        "strided view": np.repeat(X, 2, axis=0)[::2],
        "nested lists": X.tolist(),
        "tensor": torch.from_numpy(X),
        "float32 tensor with gradient": torch.tensor(
            X, dtype=torch.float32, requires_grad=True
        ),
        "list of arrays": list(X),
        "list of tensors": [torch.from_numpy(sample) for sample in X],
    }


def matrices(X: np.ndarray) -> dict[str, Any]:
    """Arrays, lists and frames of a matrix (n, C)."""
    names = [f"column {i}" for i in range(X.shape[1])]
    return arrays(X) | _frames(dict(zip(names, X.T, strict=True)))


def tables(X: np.ndarray) -> dict[str, Any]:
    """Arrays, lists, frames and a sparse matrix of a table (n, C)."""
    return matrices(X) | {"sparse matrix": sparse.csr_matrix(X)}


def mixed_tables(X: np.ndarray) -> dict[str, Any]:
    """Lists and frames of an array of objects (n, C)."""
    columns = dict(zip(NAMES, (column.tolist() for column in X.T), strict=True))
    return {"nested lists": X.tolist()} | _frames(columns)


def lists_of_arrays(X: list[np.ndarray]) -> dict[str, Any]:
    """Containers of samples of unequal length."""
    objects = np.empty(len(X), dtype=object)
    objects[:] = X
    return {
        "float32": [sample.astype(np.float32) for sample in X],
        "nested lists": [sample.tolist() for sample in X],
        "tensors": [torch.from_numpy(sample) for sample in X],
        "array of objects": objects,
        "tuple": tuple(X),
    }


def token_lists(X: list[list[str]]) -> dict[str, Any]:
    """Containers of lists of tokens."""
    objects = np.empty(len(X), dtype=object)
    objects[:] = X
    return {
        "tuples": [tuple(tokens) for tokens in X],
        "arrays of strings": [np.array(tokens) for tokens in X],
        "array of objects": objects,
    }


def texts(X: list[str]) -> dict[str, Any]:
    """Containers of texts, and their tokens."""
    return strings(X) | {"lists of tokens": [text.split() for text in X]}


def strings(X: list[str]) -> dict[str, Any]:
    """Containers of texts."""
    held = {
        "array of strings": np.array(X),
        "array of objects": np.array(X, dtype=object),
        "tuple": tuple(X),
    }
    with suppress(ImportError):
        import pandas

        held["pandas series"] = pandas.Series(X)
    with suppress(ImportError):
        import polars

        held["polars series"] = polars.Series(X)
    return held


def _frames(columns: dict[str, Any]) -> dict[str, Any]:
    frames = {}
    with suppress(ImportError):
        import pandas

        frames["pandas frame"] = pandas.DataFrame(columns)
    with suppress(ImportError):
        import polars

        frames["polars frame"] = polars.DataFrame(columns)
    return frames
