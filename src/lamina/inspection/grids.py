"""The lines from baselines to series, images and recordings.

They are straight in the standardised values, and start where all of these are 0: at the mean
of each channel, or band.
"""

from abc import abstractmethod
from math import ceil
from typing import Generic

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Features
from lamina.encoders.audio.encoder import AudioEncoder, Recordings
from lamina.encoders.base import Plain
from lamina.encoders.images.reader import Images
from lamina.encoders.series.reader import SeriesList
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataError, data_errors
from lamina.inputs import DataLike
from lamina.inspection.attribution import Spectrogram
from lamina.inspection.lines import Lines
from lamina.nn.body import Body
from lamina.nn.spectrogram import HOP, band_edges

N_PATCHES = 8
"""Patches along each side of an image or a spectrogram, by default."""
N_WINDOWS = 20
"""Windows of the steps of a series, by default."""
DECIBELS = 10 / np.log(10)
"""Of a natural logarithm of power."""


class GridLines(Lines, Generic[Plain]):
    """Abstract: straight lines in standardised values on a grid."""

    def __init__(
        self,
        estimator: NeuralEstimator,
        X: DataLike,
        plain: Plain,
        baseline: DataLike | None,
    ):
        del X
        self.encoder, self.plain = estimator.encoder_, plain
        self.starts = torch.zeros(1)
        if baseline is not None:
            self.starts = self._of_samples(baseline)
        self.n_baselines = len(self.starts)

    def _of_samples(self, baseline: DataLike) -> Tensor:
        """The values (m, ...) of baselines of the shape of all samples."""
        with data_errors("baseline"):
            encoded = self.encoder.encode(self.encoder.read(baseline))
        x = encoded.take(torch.arange(len(encoded))).x
        samples = self.encoder.encode(self.plain)
        of_X = samples.take(torch.arange(1)).x
        is_ragged = samples.lengths is not None or encoded.lengths is not None
        if is_ragged or x.shape[1:] != of_X.shape[1:]:
            raise DataError(
                "The samples of baseline and of X must all have the same number of steps. "
                "Pass a baseline of as many steps as X has, or None for the mean."
            )
        return x

    def points(self, batch: Batch, baseline: int, t: Tensor) -> Tensor:
        end = batch.x
        start = self.starts[baseline].to(end.device).expand_as(end)
        return torch.lerp(start, end, self._of_inputs(t, batch))

    def features(self, body: Body, h: Tensor, batch: Batch) -> Features:
        lengths = None if batch.lengths is None else batch.lengths.repeat(len(h))
        return body(Batch(h.flatten(0, 1), lengths=lengths))

    @abstractmethod
    def _of_inputs(self, t: Tensor, batch: Batch) -> Tensor:
        """The t of each input, of the axes of (S, *x.shape)."""


class SeriesLines(GridLines[SeriesList]):
    """Cells: the channels of each step. Indicators of missing values count for theirs."""

    def __init__(
        self,
        estimator: NeuralEstimator,
        X: DataLike,
        plain: SeriesList,
        baseline: DataLike | None,
    ):
        super().__init__(estimator, X, plain, baseline)
        schema = self.encoder.schema
        names = schema.names if schema.n_steps is None else None
        numbered = [f"channel {i}" for i in range(schema.n_channels)]
        missing = torch.tensor(schema.missing).long()
        self.channels = torch.cat([torch.arange(schema.n_channels), missing])
        self.feature_names = np.array([*map(str, names or numbered)], dtype=object)

    def shape(self, batch: Batch) -> tuple[int, ...]:
        return batch.x.shape[1], self.encoder.schema.n_channels

    def patch(self, size: int | None) -> tuple[int, ...]:
        return size or ceil(self.encoder.spec.max_length / N_WINDOWS), 1

    def n_steps(self, batch: Batch) -> int:
        return batch.x.shape[1]

    def _of_inputs(self, t: Tensor, batch: Batch) -> Tensor:
        if t.shape[2] == 1:
            return t[..., None]
        channels = self.channels.to(t.device)
        return t.unflatten(2, self.shape(batch)).index_select(3, channels)

    def by_cell(self, values: Tensor) -> Tensor:
        sums = values.new_zeros(*values.shape[:2], self.encoder.schema.n_channels)
        return sums.index_add(2, self.channels.to(values.device), values).flatten(1)

    def arranged(self, values: np.ndarray, row: int) -> np.ndarray:
        return values[: int(self.plain.lengths[row])]

    def samples(self) -> list[np.ndarray]:
        return np.split(self.plain.flat, self.plain.lengths.cumsum()[:-1])


class AudioLines(GridLines[Recordings]):
    """Cells: the mel bands of each frame."""

    def __init__(
        self,
        estimator: NeuralEstimator,
        X: DataLike,
        plain: Recordings,
        baseline: DataLike | None,
    ):
        super().__init__(estimator, X, plain, baseline)
        assert isinstance(estimator.encoder_, AudioEncoder)
        self.audio = estimator.encoder_
        self.frequencies = band_edges(plain.rate, self.audio.n_mels)[1:-1].numpy()
        names = [f"{frequency:.0f} Hz" for frequency in self.frequencies]
        self.feature_names = np.array(names, dtype=object)
        self.n_frames = plain.n_steps()

    def shape(self, batch: Batch) -> tuple[int, ...]:
        return tuple(batch.x.shape[1:])

    def patch(self, size: int | None) -> tuple[int, ...]:
        sides = self.audio.spec.max_length, self.audio.n_mels
        return tuple(size or ceil(n / N_PATCHES) for n in sides)

    def n_steps(self, batch: Batch) -> int:
        return batch.x.shape[1]

    def _of_inputs(self, t: Tensor, batch: Batch) -> Tensor:
        return t[..., None] if t.shape[2] == 1 else t.unflatten(2, self.shape(batch))

    def by_cell(self, values: Tensor) -> Tensor:
        return values.flatten(1)

    def arranged(self, values: np.ndarray, row: int) -> np.ndarray:
        return values[: int(self.n_frames[row])]

    def samples(self) -> list[Spectrogram]:
        return [self._spectrogram(row) for row in range(len(self.plain))]

    def _spectrogram(self, row: int) -> Spectrogram:
        levels = self.audio.features(self.plain, row).numpy() * DECIBELS
        return Spectrogram(levels, np.arange(len(levels)) * HOP, self.frequencies)


class ImageLines(GridLines[Images]):
    """Cells: the channels of each pixel."""

    def shape(self, batch: Batch) -> tuple[int, ...]:
        return tuple(batch.x.shape[1:])

    def patch(self, size: int | None) -> tuple[int, ...]:
        height, width, n_channels = self.plain.shape
        return n_channels, *(size or ceil(n / N_PATCHES) for n in (height, width))

    def n_steps(self, batch: Batch) -> int:
        return batch.x.shape[2] * batch.x.shape[3]

    def _of_inputs(self, t: Tensor, batch: Batch) -> Tensor:
        shape = (1, 1, 1) if t.shape[2] == 1 else self.shape(batch)
        return t.unflatten(2, shape)

    def by_cell(self, values: Tensor) -> Tensor:
        return values.flatten(1)

    def arranged(self, values: np.ndarray, row: int) -> np.ndarray:
        del row
        return values[0] if len(values) == 1 else values.transpose(1, 2, 0)

    def samples(self) -> np.ndarray:
        return self.plain.pixels(np.arange(len(self.plain)))
