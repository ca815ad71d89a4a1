"""Values of columns that every reader of numbers refuses: infinite ones, or nearly."""

from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from lamina.exceptions import DataError

MAX_FLOAT32 = float(np.finfo(np.float32).max)


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


def refuse_far(
    values: np.ndarray, mean: np.ndarray, factor: np.ndarray, names: Sequence[Hashable]
) -> None:
    """Raise `DataError` for a value of (n, C) that float32 does not hold when scaled."""
    with np.errstate(over="ignore", invalid="ignore"):
        far = np.abs((values - mean) * factor) > MAX_FLOAT32
    if far.any():
        row, i = (int(a[0]) for a in np.nonzero(far))
        raise DataError(
            f"Column {names[i]!r} contains {values[row, i]} in row {row}, so far from the "
            f"values of fit that float32 does not hold it once it is scaled; correct it, "
            f"or replace it by NaN."
        )
