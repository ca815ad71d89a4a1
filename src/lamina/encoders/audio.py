"""Sound files and waveforms -> x (B, T, n_mels): log-mel features, 100 steps a second.

Channels of a recording are averaged. Each mel band is standardised by its mean and spread
over the frames of at most 1,000 training recordings, evenly spaced. Files are decoded when
a batch needs them, and only their headers are read before; waveforms become features once.
"""

from functools import cache
from math import gcd
from typing import Annotated, Any, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.base import (
    Encoder,
    InAnyOrder,
    RaggedSamples,
    Samples,
    TensorSamples,
)
from lamina.encoders.containers import opened
from lamina.encoders.files import (
    decode_sound,
    evenly_spaced,
    is_path,
    name_of,
    pooled_moments,
    sound_header,
)
from lamina.exceptions import DataError, ParameterError
from lamina.nn.spectrogram import log_mel, n_frames
from lamina.params import Params, at_least, none
from lamina.ragged import padded
from lamina.schema import Schema

N_FOR_STATISTICS = 1_000


class AudioParams(Params):
    """How sound becomes features."""

    sampling_rate: Annotated[
        int | None,
        at_least(1),
        none(),
        """Samples per second of the waveforms, and the rate that files are resampled
        to; None takes the rate of the first file.""",
    ] = None
    n_mels: Annotated[
        int, at_least(1), "Bands of pitch that sound is split into, the channels of X."
    ] = 40


class AudioEncoder(Encoder):
    """Recordings: paths of files, or arrays (samples,) or (samples, channels)."""

    params = AudioParams

    def read(self, X: Any) -> list:
        """The recordings of X."""
        self.schema = self.schema or Schema("audio")
        return list(opened(X, is_table=False))

    def __init__(self, params: AudioParams):
        self.sampling_rate, self.n_mels = params.sampling_rate, params.n_mels

    def fit(self, X: Any, weight: np.ndarray | None = None) -> Self:
        self.rate = self._rate(X)
        recordings = Recordings(X, self.rate, self.n_mels)
        rows = evenly_spaced(len(X), N_FOR_STATISTICS)
        moments = [_moments(recordings.features(i)) for i in rows]
        mean, variance = (np.array(m) for m in zip(*moments, strict=True))
        n_steps = recordings.n_steps[rows]
        counts = n_steps if weight is None else n_steps * weight[rows]
        self.mean, self.scale = pooled_moments(
            mean, variance, counts, int(n_steps.sum())
        )
        longest = int(recordings.n_steps.max())
        self.spec = Spec(n_channels=self.n_mels, n_space=1, max_length=longest)
        return self

    def encode(self, X: Any) -> Samples:
        samples = AudioSamples(
            Recordings(X, self.rate, self.n_mels), self.mean, self.scale
        )
        return samples if any(map(is_path, X)) else samples.in_memory()

    def _rate(self, X: Any) -> int:
        if self.sampling_rate is not None:
            return int(self.sampling_rate)
        if all(map(is_path, X)):
            return sound_header(X[0], 0)[1]
        raise ParameterError(
            "sampling_rate is None, and waveforms do not say how many samples a second "
            "has; pass it, as in sampling_rate=16000."
        )


class Recordings:
    """Features (T, n_mels) of recordings, made when asked for."""

    def __init__(self, X: Any, rate: int, n_mels: int):
        self.X, self.rate, self.n_mels = X, rate, n_mels
        sizes = [self._n_samples(sample, i) for i, sample in enumerate(X)]
        self.n_steps = np.array([n_frames(size, rate) for size in sizes])

    def features(self, i: int) -> Tensor:
        """(T, n_mels) of recording number `i`."""
        sample = self.X[i]
        read = decode_sound if is_path(sample) else _as_waveform
        wave, rate = read(sample, i)
        if wave.ndim == 2:
            wave = wave.mean(1)
        if not np.isfinite(wave).all():
            what = "NaN" if np.isnan(wave).any() else "inf"
            raise DataError(
                f"{name_of(sample, i)} contains {what}; repair it or leave it out."
            )
        wave = resample(wave, rate or self.rate, self.rate)
        return log_mel(torch.from_numpy(wave), self.rate, self.n_mels)

    def _n_samples(self, sample: Any, i: int) -> int:
        """Samples of a recording at this rate, as known without decoding it."""
        if is_path(sample):
            n, rate = sound_header(sample, i)
        else:
            n, rate = len(_as_waveform(sample, i)[0]), self.rate
        if n == 0:
            raise DataError(f"{name_of(sample, i)} has zero samples; leave it out.")
        up, down = _ratio(rate, self.rate)
        return -(-n * up // down)


class AudioSamples(InAnyOrder):
    """Standardised features; only the recordings of a batch are decoded."""

    decodes = True

    def __init__(self, recordings: Recordings, mean: np.ndarray, scale: np.ndarray):
        self.recordings = recordings
        self.mean, self.scale = (torch.from_numpy(a).float() for a in (mean, scale))
        self.n_steps = torch.from_numpy(recordings.n_steps)
        self.lengths = None if (self.n_steps == self.n_steps[0]).all() else self.n_steps

    def __len__(self) -> int:
        return len(self.n_steps)

    def take(self, rows: Tensor) -> Batch:
        samples = [self._standardised(i) for i in rows.tolist()]
        if self.lengths is None:
            return Batch(torch.stack(samples))
        steps = padded(samples, self.n_steps[rows])
        return Batch(steps.values, lengths=steps.lengths)

    def in_memory(self) -> Samples:
        """The same samples, all made now."""
        samples = [self._standardised(i) for i in range(len(self))]
        if self.lengths is None:
            return TensorSamples(torch.stack(samples))
        return RaggedSamples(torch.cat(samples), self.lengths)

    def _standardised(self, i: int) -> Tensor:
        return (self.recordings.features(i) - self.mean) / self.scale


def resample(wave: np.ndarray, rate: int, to: int) -> np.ndarray:
    """(n,) samples at `rate` -> those at rate `to`, ceil(n * to / rate) of them."""
    if rate == to:
        return wave
    # It takes longer to import than the rest of lamina, and few need it.
    from scipy.signal import resample_poly

    up, down = _ratio(rate, to)
    return resample_poly(wave, up, down, window=_low_pass(max(up, down)))


@cache
def _low_pass(factor: int) -> np.ndarray:
    from scipy.signal import firwin

    # What resample_poly designs by itself, but once and not for each recording.
    return firwin(20 * factor + 1, 1 / factor, window=("kaiser", 5.0)).astype(
        np.float32
    )


def _ratio(rate: int, to: int) -> tuple[int, int]:
    common = gcd(rate, to)
    return to // common, rate // common


def _moments(features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    variance, mean = torch.var_mean(features.double(), 0, correction=0)
    return mean.numpy(), variance.numpy()


def _as_waveform(sample: Any, i: int) -> tuple[np.ndarray, None]:
    """Samples (n,) or (n, channels) between -1 and 1; the rate is the user's to say."""
    array = np.asarray(sample)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] > len(array)):
        raise DataError(
            f"Sample {i} has shape {array.shape}; a waveform has (samples,) or "
            f"(samples, channels)."
        )
    if array.dtype.kind == "f":
        return array.astype(np.float32), None
    if array.dtype.kind not in "iu" or array.dtype.itemsize > 4:
        raise DataError(
            f"Sample {i} has values of type {array.dtype}; a waveform has floats "
            f"between -1 and 1, or integers of 8, 16 or 32 bits."
        )
    half = 2.0 ** (8 * array.dtype.itemsize - 1)
    zero = half if array.dtype.kind == "u" else 0.0
    return ((array - zero) / half).astype(np.float32), None
