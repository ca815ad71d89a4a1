"""Audio files and waveforms -> x (B, T, n_mels): log-mel features, 100 steps a second.

The channels of a recording are averaged. Each mel band is standardised by its mean and
standard deviation over the frames of at most 1,000 training recordings, evenly spaced.
Files are decoded for each batch, and only their headers are read before; the features of
waveforms are computed once.
"""

from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.audio.files import (
    RATES,
    Header,
    Recording,
    audio_header,
    decode_audio,
)
from lamina.encoders.audio.reader import checked, ratio, recordings_in, resample
from lamina.encoders.base import (
    Encoder,
    IndependentSamples,
    RaggedSamples,
    Samples,
    TensorSamples,
)
from lamina.encoders.files import (
    evenly_spaced,
    name_of,
    pooled_moments,
    refuse_excess,
    refuse_large_file,
)
from lamina.exceptions import DataError, ParameterError
from lamina.nn.spectrogram import log_mel, n_frames
from lamina.params import Params, Rule, Use, at_least
from lamina.ragged import padded
from lamina.schema import Schema

MAX_MELS = 1_000
"""More bands than frequencies of a window of 25 ms at most rates."""
N_FOR_STATISTICS = 1_000
"""Recordings from which mean and standard deviation are computed."""


def rate() -> Rule:
    """Samples per second, with at least one in a step of 10 ms."""
    lowest, highest = RATES
    is_whole = at_least(lowest).accepts
    return Rule(
        f"int from {lowest} to {highest}", lambda v: is_whole(v) and v <= highest
    )


class AudioParams(Params):
    """How recordings become features."""

    sampling_rate: Annotated[
        int | None,
        rate(),
        Use.FROZEN,
        """Samples per second of the waveforms, and the rate that files are resampled
        to; None takes the rate of the first file.""",
    ] = None
    n_mels: Annotated[
        int,
        at_least(1, most=MAX_MELS),
        Use.FROZEN,
        "Mel bands, the channels of the features.",
    ] = 40
    normalize_level: Annotated[
        bool,
        Use.FROZEN,
        """Compute levels relative to the loudest 25 ms of each recording, so that the
        distance and the gain of the microphone have no effect. False: relative to full
        scale, for targets that depend on the loudness.""",
    ] = True
    max_samples: Annotated[
        int,
        at_least(1),
        Use.FROZEN,
        """Largest number of samples of a recording, in all its channels together, and after
        resampling. A file that has more by its header is not decoded, which takes up to
        32 bytes a sample.""",
    ] = 50_000_000


@dataclass(frozen=True)
class AudioSchema(Schema):
    """The rate and the channels of the recordings in `fit`."""

    sampling_rate: int
    """Samples per second to which every recording is resampled."""
    n_channels: tuple[int, ...]
    """Numbers of channels that occurred; the channels of each recording are averaged."""
    loudest: float
    """The greatest absolute value of the waveforms; 0 if all recordings were files."""


class Recordings:
    """Paths, contents of files, and waveforms (n,), indexed by row numbers."""

    def __init__(
        self,
        samples: list[Recording],
        sample_numbers: np.ndarray,
        n_samples: np.ndarray,
        rate: int,
    ):
        self.samples = samples
        self.sample_numbers = sample_numbers
        """(n,) numbers of the samples in X, for messages."""
        self.n_samples = n_samples
        """(n,) samples of each waveform at `rate`."""
        self.rate = rate

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, rows: slice | np.ndarray) -> "Recordings":
        rows = np.arange(len(self))[rows]
        return Recordings(
            [self.samples[row] for row in rows.tolist()],
            self.sample_numbers[rows],
            self.n_samples[rows],
            self.rate,
        )

    def has_files(self) -> bool:
        """Whether some recordings must be decoded."""
        return not all(isinstance(sample, np.ndarray) for sample in self.samples)

    def n_steps(self) -> np.ndarray:
        """(n,) steps of the features of each recording."""
        return np.array([n_frames(size, self.rate) for size in self.n_samples.tolist()])

    def seconds(self) -> np.ndarray:
        """(n,) duration of each recording."""
        return self.n_samples / self.rate

    def waveform(self, row: int) -> Tensor:
        """(n,) the waveform of one recording, at `rate`."""
        sample, rate = self.samples[row], self.rate
        if isinstance(sample, np.ndarray):
            wave = sample
        else:
            number = int(self.sample_numbers[row])
            wave, rate = decode_audio(sample, number)
            wave = checked(wave, name_of(sample, number)).mean(1)
        return torch.from_numpy(resample(wave, rate, self.rate))


class AudioEncoder(Encoder[Recordings]):
    """Recordings: audio files, or arrays (samples,) or (samples, channels)."""

    params = AudioParams
    schema: AudioSchema | None = None

    def __init__(self, params: AudioParams):
        rate = params.sampling_rate
        self.sampling_rate = None if rate is None else int(rate)
        self.n_mels = int(params.n_mels)
        self.relative = bool(params.normalize_level)
        self.limit = "max_samples", int(params.max_samples)

    def read(self, X: object) -> Recordings:
        """The recordings and their lengths; the first call learns the schema."""
        samples, n_channels = recordings_in(X)
        if n_channels and self.sampling_rate is None:
            raise ParameterError(
                "sampling_rate is None, and waveforms have no sampling rate of their own; "
                "pass it in samples per second, as in sampling_rate=16000."
            )
        headers = [self._header(sample, i) for i, sample in enumerate(samples)]
        schema = self.schema or self._schema_of(samples, headers, n_channels)
        n_samples = [
            self._n_resampled(header, schema.sampling_rate, samples[i], i)
            for i, header in enumerate(headers)
        ]
        self.schema = schema
        sample_numbers = np.arange(len(samples))
        rate = schema.sampling_rate
        return Recordings(samples, sample_numbers, np.array(n_samples), rate)

    def fit(self, plain: Recordings, weight: np.ndarray | None = None) -> Self:
        rows = evenly_spaced(len(plain), N_FOR_STATISTICS)
        moments = [_moments(self.features(plain, row)) for row in rows.tolist()]
        mean, variance = (np.array(m) for m in zip(*moments, strict=True))
        n_steps = plain.n_steps()
        counts = n_steps[rows] if weight is None else n_steps[rows] * weight[rows]
        self.mean, self.scale = pooled_moments(
            mean, variance, counts, int(n_steps[rows].sum())
        )
        self.spec = Spec(
            n_channels=self.n_mels, n_space=1, max_length=int(n_steps.max())
        )
        return self

    def encode(self, plain: Recordings) -> Samples:
        samples = AudioSamples(self, plain)
        return samples if plain.has_files() else samples.in_memory()

    def features(self, X: Recordings, row: int) -> Tensor:
        """(T, n_mels) the features of one recording."""
        return log_mel(X.waveform(row), X.rate, self.n_mels, relative=self.relative)

    def _header(self, sample: Recording, i: int) -> Header:
        """The header of a recording, which is not decoded."""
        if isinstance(sample, np.ndarray):
            header = Header(len(sample), self.sampling_rate or 0, 1)
        else:
            refuse_large_file(sample, i, self.limit)
            header = audio_header(sample, i)
        if not header.n_samples:
            raise DataError(f"{name_of(sample, i)} has zero samples; leave it out.")
        return header

    def _n_resampled(self, header: Header, rate: int, sample: Recording, i: int) -> int:
        """Samples of a recording at another rate; raises if there are too many."""
        up, down = ratio(header.rate, rate)
        n_samples = -(-header.n_samples * up // down)
        n_most = max(header.n_samples * header.n_channels, n_samples)
        refuse_excess(sample, i, n_most, "samples", self.limit)
        return n_samples

    def _schema_of(
        self, samples: list[Recording], headers: list[Header], n_channels: set[int]
    ) -> AudioSchema:
        """The schema of the recordings in `fit`; `n_channels` are those of waveforms."""
        waves = [sample for sample in samples if isinstance(sample, np.ndarray)]
        of_files = {
            header.n_channels
            for sample, header in zip(samples, headers, strict=True)
            if not isinstance(sample, np.ndarray)
        }
        return AudioSchema(
            form="audio",
            sampling_rate=self.sampling_rate or headers[0].rate,
            n_channels=tuple(sorted(n_channels | of_files)),
            loudest=max((float(np.abs(wave).max()) for wave in waves), default=0.0),
        )


class AudioSamples(IndependentSamples):
    """Standardised features, computed for each batch."""

    decodes = True

    def __init__(self, encoder: AudioEncoder, recordings: Recordings):
        self.encoder, self.recordings = encoder, recordings
        self.sample_numbers = recordings.sample_numbers
        moments = (encoder.mean, encoder.scale)
        self.mean, self.scale = (torch.from_numpy(a).float() for a in moments)
        self.n_steps = torch.from_numpy(recordings.n_steps())
        self.lengths = None if (self.n_steps == self.n_steps[0]).all() else self.n_steps

    def __len__(self) -> int:
        return len(self.n_steps)

    def n_cells(self) -> Tensor | int:
        return int(self.n_steps[0]) if self.lengths is None else self.lengths

    def take(self, rows: Tensor) -> Batch:
        samples = [self._standardised(i) for i in rows.tolist()]
        if self.lengths is None:
            return Batch(torch.stack(samples))
        steps = padded(samples, self.n_steps[rows])
        return Batch(steps.values, lengths=steps.lengths)

    def in_memory(self) -> Samples:
        """The same samples, computed once."""
        features = [self._standardised(i) for i in range(len(self))]
        if self.lengths is None:
            samples = TensorSamples(torch.stack(features))
        else:
            samples = RaggedSamples(torch.cat(features), self.lengths)
        samples.sample_numbers = self.sample_numbers
        return samples

    def _standardised(self, row: int) -> Tensor:
        features = self.encoder.features(self.recordings, row)
        return (features - self.mean) / self.scale


def _moments(features: Tensor) -> tuple[np.ndarray, np.ndarray]:
    variance, mean = torch.var_mean(features.double(), 0, correction=0)
    return mean.numpy(), variance.numpy()
