"""Recordings in any container -> a list of paths, contents of files, and waveforms.

An array (samples,) or (samples, channels) of floats between -1 and 1, or of integers of 8,
16 or 32 bits -> (n,) float32 between -1 and 1, the average of the channels.
"""

from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np

from lamina.encoders.audio.files import MAX_CHANNELS, Recording
from lamina.encoders.containers import is_contents, unwrap
from lamina.encoders.files import contents_of, is_path, regular_file
from lamina.exceptions import DataError
from lamina.numeric import is_tensor

LOUDEST = 2.0
"""Floats may exceed -1 to 1 by 6 dB, as after resampling or amplification."""


def recordings_in(X: object) -> tuple[list[Recording], set[int]]:
    """The recordings; and the numbers of channels of the waveforms among them."""
    samples: list[Recording] = []
    n_channels: set[int] = set()
    for i, sample in enumerate(_listed(X)):
        if is_path(sample):
            samples.append(regular_file(sample, i))
        elif is_contents(sample):
            samples.append(contents_of(sample, i))
        else:
            array = _array(sample, i)
            n_channels.add(1 if array.ndim == 1 else array.shape[1])
            samples.append(_averaged(array, i))
    _refuse_steps(samples)
    return samples, n_channels


def checked(wave: np.ndarray, name: str) -> np.ndarray:
    """The waveform; raises `DataError` for values that are not between -1 and 1."""
    if not wave.size:
        return wave
    lowest, highest = float(wave.min()), float(wave.max())
    if not np.isfinite([lowest, highest]).all():
        what = "NaN" if np.isnan(lowest) else "inf"
        raise DataError(f"{name} contains {what}; repair it or leave it out.")
    if max(-lowest, highest) > LOUDEST:
        raise DataError(
            f"{name} has values from {lowest:g} to {highest:g}; a waveform of floats is "
            f"between -1 and 1. Divide by the largest possible value (32768 for 16 bits), "
            f"or pass an array of integers, as in x.astype(numpy.int16)."
        )
    return wave


def resample(wave: np.ndarray, rate: int, to: int) -> np.ndarray:
    """(n,) samples at `rate` -> those at rate `to`, ceil(n * to / rate) of them."""
    if rate == to:
        return wave
    # Imported here: it takes longer than the rest of lamina.
    from scipy.signal import resample_poly

    up, down = ratio(rate, to)
    return resample_poly(wave, up, down, window=_low_pass(max(up, down)))


def ratio(rate: int, to: int) -> tuple[int, int]:
    """The factors of up- and downsampling, in lowest terms."""
    common = gcd(rate, to)
    return to // common, rate // common


@lru_cache(maxsize=8)  # a filter takes up to 80 MB
def _low_pass(factor: int) -> np.ndarray:
    from scipy.signal import firwin

    # The default filter of resample_poly, which would compute it for each recording.
    return firwin(20 * factor + 1, 1 / factor, window=("kaiser", 5.0)).astype(
        np.float32
    )


def _listed(data: object) -> list[Any]:
    """The samples of X; a single recording is refused."""
    X = unwrap(data, is_table=False)
    n_axes = X.ndim if isinstance(X, np.ndarray) else int(isinstance(X, list))
    if n_axes == 0:
        raise DataError(
            f"X is of type {type(X).__name__}; pass a list of recordings, or an array "
            f"(n, samples) or (n, samples, channels)."
        )
    if not len(X):
        raise DataError("Found array with 0 sample(s): X is empty.")
    if n_axes == 1 and not isinstance(X, list):
        raise DataError(
            f"X is a single waveform of {len(X)} samples; pass a list of recordings, as "
            f"in [X]."
        )
    return list(X)


def _array(sample: object, i: int) -> np.ndarray:
    """A waveform (samples,) or (samples, channels) of an allowed type."""
    if is_tensor(sample):
        sample = sample.detach().cpu().numpy()
    try:
        array = np.asarray(sample)
    except ValueError:  # lists of unequal length
        raise DataError(
            f"Sample {i} holds rows of unequal length; a waveform has (samples,) or "
            f"(samples, channels)."
        ) from None
    if sample is None or array.dtype.kind not in "fiu" or _is_wide(array):
        dtype = "None" if sample is None else str(array.dtype)
        raise DataError(
            f"Sample {i} has values of type {dtype}; a recording is the path or the "
            f"contents of an audio file, or a waveform: floats between -1 and 1, or "
            f"integers of 8, 16 or 32 bits, as in numpy.array(x, dtype=numpy.int16)."
        )
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] > len(array)):
        raise DataError(
            f"Sample {i} has shape {array.shape}; a waveform has (samples,) or "
            f"(samples, channels). Transpose it if its channels come first."
        )
    if array.ndim == 2 and not 1 <= array.shape[1] <= MAX_CHANNELS:
        raise DataError(
            f"Sample {i} has {array.shape[1]} channels; a waveform (samples, channels) "
            f"has 1 to {MAX_CHANNELS}. Pass the waveform, not a spectrogram."
        )
    if np.ma.is_masked(sample):
        raise DataError(
            f"Sample {i} contains masked values; fill them or leave it out."
        )
    return array


def _is_wide(array: np.ndarray) -> bool:
    """Whether these are 64-bit integers, whose largest value is not full scale."""
    return array.dtype.kind in "iu" and array.dtype.itemsize > 4


def _averaged(array: np.ndarray, i: int) -> np.ndarray:
    """(n,) between -1 and 1: the average of the channels."""
    if array.dtype.kind == "f":
        wave = checked(array, f"Sample {i}").astype(np.float32, copy=False)
    else:
        full_scale = 2.0 ** (8 * array.dtype.itemsize - 1)
        zero = full_scale if array.dtype.kind == "u" else 0.0
        wave = ((array - zero) / full_scale).astype(np.float32)
    return wave if wave.ndim == 1 else wave.mean(1)


def _refuse_steps(samples: list[Recording]) -> None:
    """Raise if X is a single recording (samples, channels)."""
    if len(samples) <= MAX_CHANNELS:
        return
    lengths = {len(x) if isinstance(x, np.ndarray) else 0 for x in samples}
    if len(lengths) == 1 and 0 < min(lengths) <= MAX_CHANNELS:
        raise DataError(
            f"X holds {len(samples)} waveforms of {min(lengths)} samples each, which seem "
            f"to be the samples and channels of a single recording; pass it as [X]."
        )
