"""The samples of an example once more, in the other containers that can hold them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from scipy import sparse

from lamina.testing.examples import Example

NAMES = ["a", "b", "c", "d"]


def containers_of(data: Example) -> dict[str, Any]:
    """Equal samples in other containers, by the name of the container."""
    return CONTAINERS[data.name](data.X)


def _arrays(X: np.ndarray) -> dict[str, Any]:
    return {
        "float32": X.astype(np.float32),
        "Fortran order": np.asfortranarray(X),
        "strided view": np.repeat(X, 2, axis=0)[::2],
        "nested lists": X.tolist(),
        "tensor": torch.from_numpy(X),
        "float32 tensor that records": torch.tensor(
            X, dtype=torch.float32, requires_grad=True
        ),
        "list of arrays": list(X),
        "list of tensors": [torch.from_numpy(sample) for sample in X],
    }


def _matrices(X: np.ndarray) -> dict[str, Any]:
    names = [f"column {i}" for i in range(X.shape[1])]
    return _arrays(X) | _frames(dict(zip(names, X.T, strict=True)))


def _tables(X: np.ndarray) -> dict[str, Any]:
    return _matrices(X) | {"sparse matrix": sparse.csr_matrix(X)}


def _mixed_tables(X: np.ndarray) -> dict[str, Any]:
    columns = dict(zip(NAMES, (column.tolist() for column in X.T), strict=True))
    return {"nested lists": X.tolist()} | _frames(columns)


def _ragged(X: list[np.ndarray]) -> dict[str, Any]:
    objects = np.empty(len(X), dtype=object)
    objects[:] = X
    return {
        "float32": [sample.astype(np.float32) for sample in X],
        "nested lists": [sample.tolist() for sample in X],
        "tensors": [torch.from_numpy(sample) for sample in X],
        "array of objects": objects,
        "tuple": tuple(X),
    }


def _token_lists(X: list[list[str]]) -> dict[str, Any]:
    objects = np.empty(len(X), dtype=object)
    objects[:] = X
    return {
        "tuples": [tuple(tokens) for tokens in X],
        "arrays of strings": [np.array(tokens) for tokens in X],
        "array of objects": objects,
    }


def _texts(X: list[str]) -> dict[str, Any]:
    return _strings(X) | {"lists of tokens": [text.split() for text in X]}


def _strings(X: list[str]) -> dict[str, Any]:
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


CONTAINERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "table": _tables,
    "mixed_table": _mixed_tables,
    "univariate": _matrices,
    "series": _arrays,
    "ragged": _ragged,
    "image": _arrays,
    "text": _texts,
    "tokens": _token_lists,
    "documents": _strings,
    "histories": _ragged,
    "waveforms": _ragged,
}
"""What can hold each example, by the example's name."""
