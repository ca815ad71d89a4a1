"""Series of numbers, equally long or not -> x (B, T, C), each channel standardised."""

from typing import Any, Self

import numpy as np
import torch

from lamina.batch import Spec
from lamina.encoders.base import (
    RaggedSamples,
    Samples,
    TensorSamples,
    blocks,
    weighted_moments,
)
from lamina.exceptions import DataError
from lamina.scaling import Standard


class SeriesEncoder:
    """(n, T) is read as n univariate series, (n, T, C) as n series of C channels.

    A list of arrays (T_i,) or (T_i, C) holds series of unequal length.
    """

    def __init__(self, params: Any = None):
        del params

    def fit(self, X: Any, weight: np.ndarray | None = None) -> Self:
        flat, lengths = flatten(X)
        step_weight = None if weight is None else np.repeat(weight, lengths)
        self.standard = Standard(*weighted_moments(flat, step_weight))
        self.spec = Spec(
            n_channels=flat.shape[1], n_space=1, max_length=int(lengths.max())
        )
        is_2d = isinstance(X, np.ndarray) and X.ndim == 2
        self.fixed_steps = X.shape[1] if is_2d else None
        self.n_features = self.fixed_steps or flat.shape[1]
        return self

    def encode(self, X: Any) -> Samples:
        flat, lengths = flatten(X)
        if flat.shape[1] != self.spec.n_channels:
            raise DataError(
                f"X has series of {flat.shape[1]} channels, but this network was fitted "
                f"on {self.spec.n_channels}; pass the channels that fit saw."
            )
        scaled = np.empty(flat.shape, np.float32)
        for part in blocks(flat):
            self.standard.write(flat[part], scaled[part])
        z = torch.from_numpy(scaled)
        if (lengths == lengths[0]).all():
            return TensorSamples(z.view(len(lengths), int(lengths[0]), -1))
        return RaggedSamples(z, torch.from_numpy(lengths))


def flatten(X: Any) -> tuple[np.ndarray, np.ndarray]:
    """Series end to end (total steps, C), and the number of steps of each (n,).

    Single precision stays as it is; any other type of number becomes double.
    """
    if isinstance(X, np.ndarray):
        X = X[:, :, None] if X.ndim == 2 else X
        n, steps, channels = X.shape
        flat, lengths = X.reshape(n * steps, channels), np.full(n, steps)
    else:
        samples = [_as_columns(sample, i) for i, sample in enumerate(X)]
        _same_channels(samples)
        flat, lengths = np.concatenate(samples), np.array([len(s) for s in samples])
    flat = _floating(flat)
    _refuse_nonfinite(flat, lengths)
    return flat, lengths


def _as_columns(sample: Any, i: int) -> np.ndarray:
    try:
        array = _floating(np.asarray(sample))
    except (TypeError, ValueError) as error:
        raise DataError(f"Sample {i} is not an array of numbers: {error}") from None
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise DataError(
            f"Sample {i} has {array.ndim} dimensions; a series has (steps,) "
            f"or (steps, channels)."
        )
    if len(array) == 0:
        raise DataError(f"Sample {i} has zero steps; leave empty series out.")
    return array


def _floating(array: np.ndarray) -> np.ndarray:
    return array if array.dtype == np.float32 else array.astype(np.float64, copy=False)


def _same_channels(samples: list[np.ndarray]) -> None:
    expected = samples[0].shape[1]
    for i, sample in enumerate(samples):
        if sample.shape[1] != expected:
            raise DataError(
                f"Sample {i} has {sample.shape[1]} channels, sample 0 has {expected}; "
                f"a series is (steps, channels) with the same channels everywhere."
            )


def _refuse_nonfinite(flat: np.ndarray, lengths: np.ndarray) -> None:
    bad = ~np.isfinite(flat).all(1)
    if bad.any():
        step = int(bad.argmax())
        sample = int(np.searchsorted(lengths.cumsum(), step, side="right"))
        what = "NaN" if np.isnan(flat[step]).any() else "inf"
        raise DataError(
            f"Sample {sample} of X contains {what}; fill or leave out missing steps "
            f"before fit and predict."
        )
