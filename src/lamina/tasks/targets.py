"""Targets as users pass them -> arrays of numpy."""

from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
from scipy import sparse
from torch import Tensor

from lamina.exceptions import DataError
from lamina.missing import as_array, is_missing
from lamina.numeric import is_complex


def as_targets(y: object, name: str = "y") -> Any:
    """Y as an array (n,) or (n, outputs) or a sparse matrix; `DataError` if impossible."""
    if isinstance(y, str | bytes | dict | set) or not _has_length(y):
        raise DataError(
            f"{name} is {y!r} of type {type(y).__name__}; pass a list or an array with a "
            f"value for each sample."
        )
    if sparse.issparse(y):
        return y
    array = _as_array(y, name)
    if np.ma.is_masked(array):
        row = int(np.ma.getmaskarray(array).nonzero()[0][0])
        raise DataError(f"{name} is masked in row {row}; leave the sample out.")
    array = np.asarray(array)
    if array.dtype.kind in "cV":
        raise DataError(f"{name} holds {array.dtype}. Complex data not supported.")
    if array.ndim not in (1, 2):
        raise DataError(f"{name} has {array.ndim} dimensions; it may have one or two.")
    if 0 in array.shape[1:]:
        raise DataError(f"{name} has shape {array.shape}; it has no columns.")
    _refuse_missing(array, name)
    _refuse_complex(array, name)
    return array


def _as_array(y: Any, name: str) -> np.ndarray:
    if nw.dependencies.is_into_series(y):
        y = nw.from_native(y, series_only=True).to_list()
    if nw.dependencies.is_into_dataframe(y):
        frame = nw.from_native(y, eager_only=True)
        columns = [frame[name].to_list() for name in frame.columns]
        array = np.asarray(columns).T
        if array.dtype.kind == "U":
            _refuse_mixed(np.asarray(columns, dtype=object).T, name)
        return array
    if isinstance(y, Tensor):
        if y.is_meta or y.is_sparse:
            raise DataError(
                f"{name} is a tensor on the meta device or a sparse one; pass a dense tensor."
            )
        y = y.detach().cpu()
        y = y.double() if y.is_floating_point() else y  # numpy has no bfloat16
    try:
        array = as_array(y)
    except (ValueError, TypeError, RuntimeError, ArithmeticError) as error:
        raise DataError(f"{name} cannot be converted to an array: {error}.") from None
    if array.dtype.kind == "U" and not isinstance(y, np.ndarray):
        _refuse_mixed(np.asarray(y, dtype=object), name)
    return array


def _refuse_mixed(labels: np.ndarray, name: str) -> None:
    """Raise `DataError` for numbers among strings, which numpy would convert to strings."""
    for row, label in enumerate(labels.reshape(len(labels), -1)):
        for value in label:
            if is_missing(value):
                _refuse_missing(labels, name)
            if not isinstance(value, str):
                raise DataError(
                    f"{name}[{row}] is {value!r}, but other labels are strings; convert "
                    f"all labels to one type."
                )


def _has_length(y: Any) -> bool:
    """Whether y is a collection or an array."""
    if sparse.issparse(y) or hasattr(y, "__array__"):
        return True
    try:
        return len(y) >= 0
    except TypeError:  # a number, a generator
        return False


def _refuse_missing(array: np.ndarray, name: str) -> None:
    if array.dtype.kind == "O":
        missing = np.array([is_missing(v) for v in array.ravel()]).reshape(array.shape)
    elif array.dtype.kind in "fmM":
        missing = np.isnan(array)
    else:
        return
    if missing.any():
        row = int(missing.reshape(len(array), -1).any(1).argmax())
        raise DataError(
            f"Input {name} contains NaN: {name}[{row}] is {array[row]!r}; leave out samples "
            f"without a value."
        )


def _refuse_complex(array: np.ndarray, name: str) -> None:
    """Raise `DataError` for a complex number, or raw memory, in an array of objects."""
    if array.dtype.kind != "O":
        return
    for at, value in np.ndenumerate(array):
        if is_complex(value) or isinstance(value, np.void):
            raise DataError(
                f"{name}[{at[0]}] is {value!r}, a {type(value).__name__}. Complex data not "
                f"supported, nor is raw memory; pass numbers or texts."
            )
