"""Arrays and lists of series -> their steps, concatenated, as floats.

A missing value is NaN; infinity is refused.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.exceptions import DataError
from lamina.missing import as_array
from lamina.numeric import as_floats


@dataclass
class SeriesList:
    """Series, concatenated in flat (total steps, C), with lengths (n,) in steps."""

    flat: np.ndarray
    lengths: np.ndarray
    sample_numbers: np.ndarray | None = None
    """(n,) numbers of the samples in X, for messages; None if these are all of X."""

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: np.ndarray) -> "SeriesList":
        stops = self.lengths.cumsum()
        parts = [self.flat[stops[i] - self.lengths[i] : stops[i]] for i in rows]
        numbers = rows if self.sample_numbers is None else self.sample_numbers[rows]
        return SeriesList(np.concatenate(parts), self.lengths[rows], numbers)

    def place(self, row: int, channel: int) -> str:
        """The value in a row of `flat`, and its place in X, for messages."""
        stops = self.lengths.cumsum()
        i = int(np.searchsorted(stops, row, side="right"))
        number = i if self.sample_numbers is None else int(self.sample_numbers[i])
        step = row - int(stops[i] - self.lengths[i])
        value = self.flat[row, channel]
        return (
            f"Sample {number} of X contains {value} in step {step}, channel {channel}"
        )


def read_series(X: np.ndarray | list, owner: str) -> SeriesList:
    """The series of an array (n, T) or (n, T, C), or of a list of (T_i,) or (T_i, C)."""
    series = _read_array(X, owner) if isinstance(X, np.ndarray) else _read_list(X)
    _refuse_infinite(series)
    return series


def _read_array(X: np.ndarray, owner: str) -> SeriesList:
    if X.ndim == 1:
        raise DataError(
            f"Expected 2D array, got 1D array instead: {owner} takes many samples. Reshape "
            f"your data using X.reshape(1, -1) if it is a single sample."
        )
    if 0 in X.shape:
        what = "feature(s)" if len(X) else "sample(s)"
        raise DataError(
            f"Found array with 0 {what} (shape={X.shape}) while a minimum of 1 is required "
            f"by {owner}."
        )
    X = X[:, :, None] if X.ndim == 2 else X
    n, steps, channels = X.shape
    flat = _floats(X, "X").reshape(n * steps, channels)
    return SeriesList(flat, np.full(n, steps))


def _read_list(X: list) -> SeriesList:
    samples = [_as_columns(sample, i) for i, sample in enumerate(X)]
    expected = samples[0].shape[1]
    for i, sample in enumerate(samples):
        if sample.shape[1] != expected:
            raise DataError(
                f"Sample {i} has {sample.shape[1]} channels, sample 0 has {expected}; "
                f"series are (steps, channels), all with the same channels. If the "
                f"channels come first, transpose each sample."
            )
    lengths = np.array([len(s) for s in samples])
    return SeriesList(np.concatenate(samples), lengths)


def _as_columns(sample: object, i: int) -> np.ndarray:
    if sample is None or isinstance(sample, str | bytes | dict):
        raise DataError(f"Sample {i} is {sample!r}; a series is an array of numbers.")
    array = _floats(sample, f"Sample {i}")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise DataError(
            f"Sample {i} has {array.ndim} dimensions; a series has (steps,) "
            f"or (steps, channels)."
        )
    if 0 in array.shape:
        raise DataError(f"Sample {i} has zero steps; leave empty series out.")
    return array


def _floats(values: Any, what: str) -> np.ndarray:
    """An array of floats: float32 is kept, any other type becomes float64."""
    try:
        array = as_array(values)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise DataError(f"{what} is not an array of numbers: {error}.") from None
    is_single = array.dtype == np.float32 and not np.ma.is_masked(array)
    return np.asarray(array) if is_single else as_floats(array, what)


def _refuse_infinite(series: SeriesList) -> None:
    bad = np.isinf(series.flat)
    if bad.any():
        row, channel = (int(a[0]) for a in np.nonzero(bad))
        raise DataError(
            f"{series.place(row, channel)}: infinity, or beyond the range of floats. "
            f"Replace it, by NaN if the value is not known."
        )
