"""Infinite values of columns, which every reader of numbers refuses."""

from collections.abc import Hashable, Iterable

import numpy as np

from lamina.exceptions import DataError


def refuse_infinite(values: np.ndarray, names: Iterable[Hashable]) -> None:
    """Raise `DataError` with the column and the row of an infinite value of (n, C)."""
    # A sum is cheaper than a test of each value, and is finite only if all are.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum()) or not np.isinf(values).any():
            return
    row, i = (int(a[0]) for a in np.nonzero(np.isinf(values)))
    name = list(names)[i]
    raise DataError(
        f"Column {name!r} contains infinity in row {row} ({values[row, i]}); replace it, "
        f"by NaN if the value is not known."
    )
