"""Samples of each form of data as they are drawn: pictures, lines, spectrograms, texts."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log, log10
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lamina.encoders.audio.encoder import AudioEncoder
from lamina.encoders.base import Encoder
from lamina.encoders.containers import is_sparse, unwrap
from lamina.encoders.frames import is_frame, table_of
from lamina.encoders.images.encoder import ImageEncoder
from lamina.encoders.series.encoder import SeriesEncoder
from lamina.estimators.base import NeuralEstimator
from lamina.inputs import DataLike
from lamina.inspection.axes import fonts_of_texts
from lamina.nn.spectrogram import HOP
from lamina.texts import items

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LINES = 8
"""Channels of a series that are drawn as lines; more are a heat map."""
MAX_ROWS = 8
"""Columns of a row, or lines of a text, that are shown."""
LINE_WIDTH = 38
"""Characters of a line of text."""
FREQUENCIES = (0.25, 0.5, 1, 2, 4, 8)
"""Ticks in kHz."""
DECIBELS = 10 / log(10)
"""Of a natural logarithm of power."""


@dataclass(frozen=True, eq=False)
class Image:
    """An image of pixels (H, W) or (H, W, C)."""

    pixels: np.ndarray
    low: float
    high: float
    """The values that are drawn black and white."""
    size: ClassVar = (1.9, 2.3)

    def draw(self, ax: "Axes") -> None:
        """Grey, or the first three of the channels as colours."""
        pixels = self.pixels if self.pixels.ndim == 3 else self.pixels[..., None]
        values = (pixels.astype(float) - self.low) / max(self.high - self.low, 1e-12)
        n = 3 if pixels.shape[2] >= 3 else 1
        shown = values[..., :n].clip(0, 1)
        ax.imshow(shown if n == 3 else shown[..., 0], cmap="gray", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])


@dataclass(frozen=True, eq=False)
class Series:
    """A series of values (T, C)."""

    values: np.ndarray
    size: ClassVar = (2.6, 2.1)

    def draw(self, ax: "Axes") -> None:
        """A line for each channel, or a row of a heat map where there are many."""
        n_steps, n_channels = self.values.shape
        if n_channels > MAX_LINES:
            ax.imshow(
                self.values.T, aspect="auto", cmap="viridis", interpolation="nearest"
            )
            ax.set_ylabel("channel")
        else:
            ax.plot(self.values, linewidth=1, marker="." if n_steps < 3 else "")
            ax.margins(x=0)
        ax.set_xlabel("step")


@dataclass(frozen=True, eq=False)
class Sound:
    """The logarithms (T, n_mels) of the power of a recording."""

    log_power: np.ndarray
    sampling_rate: int
    size: ClassVar = (3.0, 2.2)

    def draw(self, ax: "Axes") -> None:
        """A spectrogram in decibels; brighter is louder."""
        n_steps, n_mels = self.log_power.shape
        ax.imshow(
            DECIBELS * self.log_power.T,
            origin="lower",
            aspect="auto",
            extent=(0, n_steps * HOP, 0, n_mels),
            cmap="magma",
        )
        shown = [f for f in FREQUENCIES if 2000 * f <= self.sampling_rate]
        ax.set_yticks([self._band(1000 * f) for f in shown], [f"{f:g}" for f in shown])
        ax.set(xlabel="seconds", ylabel="kHz", ylim=(0, n_mels))

    def _band(self, frequency: float) -> float:
        """Where a frequency lies among the mel bands, whose centres are halves."""
        highest = log10(1 + self.sampling_rate / 2 / 700)
        position = log10(1 + frequency / 700) / highest
        return position * (self.log_power.shape[1] + 1) - 0.5


@dataclass(frozen=True)
class Text:
    """A text, or tokens joined by spaces."""

    text: str

    @property
    def size(self) -> tuple[float, float]:
        return _size(self._lines())

    def draw(self, ax: "Axes") -> None:
        """The beginning of the text, as far as it fits."""
        _write(ax, self._lines())

    def _lines(self) -> list[str]:
        lines = [
            line
            for part in self.text.splitlines()
            for line in textwrap.wrap(part, LINE_WIDTH) or [""]
        ]
        return [*lines[: MAX_ROWS - 1], "..."] if len(lines) > MAX_ROWS else lines


@dataclass(frozen=True)
class Row:
    """A row of a table."""

    names: Sequence[str]
    values: Sequence[Any]

    @property
    def size(self) -> tuple[float, float]:
        return _size(self._lines())

    def draw(self, ax: "Axes") -> None:
        """The first columns with their values."""
        _write(ax, self._lines())

    def _lines(self) -> list[str]:
        pairs = list(zip(self.names, map(_value, self.values), strict=True))
        n_more = len(pairs) - MAX_ROWS
        if n_more > 0:
            pairs = pairs[: MAX_ROWS - 1]
            n_more += 1
        lines = [f"{textwrap.shorten(n, 24, placeholder='...')}: {v}" for n, v in pairs]
        return [*lines, f"and {n_more} more columns"] if n_more > 0 else lines


Sample = Image | Series | Sound | Text | Row


def samples_of(
    estimator: NeuralEstimator, X: DataLike, rows: Sequence[int]
) -> list[Sample]:
    """The samples of these row numbers of X, for a fitted estimator."""
    return READERS[estimator.form_](estimator.encoder_, X, list(rows))


def single(sample: object) -> Any:
    """X that holds a single sample; a frame with a row for each step is one already."""
    if is_frame(sample):
        return sample
    return sample[None] if isinstance(sample, np.ndarray) else [sample]


def _images(encoder: ImageEncoder, X: DataLike, rows: list[int]) -> list[Sample]:
    pixels = encoder.read(X).pixels(np.array(rows))
    assert encoder.schema is not None
    values = encoder.schema.values
    low, high = (0, 255) if pixels.dtype == np.uint8 else (values.low, values.high)
    return [Image(p, low, high) for p in pixels]


def _series(encoder: SeriesEncoder, X: DataLike, rows: list[int]) -> list[Sample]:
    chosen = encoder.read(X)[np.array(rows)]
    return [Series(v) for v in np.split(chosen.flat, chosen.lengths.cumsum()[:-1])]


def _sounds(encoder: AudioEncoder, X: DataLike, rows: list[int]) -> list[Sample]:
    plain = encoder.read(X)
    return [Sound(encoder.features(plain, i).numpy(), plain.rate) for i in rows]


def _texts(encoder: Encoder, X: DataLike, rows: list[int]) -> list[Sample]:
    del encoder
    texts = items(X)
    return [
        Text(t if isinstance(t, str) else " ".join(t))
        for t in map(texts.__getitem__, rows)
    ]


def _rows(encoder: Encoder, X: DataLike, rows: list[int]) -> list[Sample]:
    data: Any = unwrap(X, is_table=True)
    table = table_of(data[rows].toarray() if is_sparse(data) else data)
    if is_sparse(data):
        rows = list(range(len(rows)))
    names = table.labels or encoder.schema.names or range(table.n_columns)
    columns = [table.column(i).array[rows] for i in range(table.n_columns)]
    named = [name if isinstance(name, str) else f"x{name}" for name in names]
    return [Row(named, [c[i] for c in columns]) for i in range(len(rows))]


READERS: dict[str, Callable[[Any, DataLike, list[int]], list[Sample]]] = {
    "image": _images,
    "series": _series,
    "audio": _sounds,
    "text": _texts,
    "table": _rows,
}
"""How samples of each form of data are read."""


def _value(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.4g}"
    return textwrap.shorten(str(value), 24, placeholder="...")


def _size(lines: list[str]) -> tuple[float, float]:
    """The axes of some lines, with the title above."""
    return 3.2, 0.7 + 0.15 * len(lines)


def _write(ax: "Axes", lines: list[str]) -> None:
    ax.text(
        0.03,
        0.95,
        "\n".join(lines),
        ha="left",
        va="top",
        fontsize=8,
        family=fonts_of_texts(),
        transform=ax.transAxes,
        parse_math=False,
    )
    ax.set(xticks=[], yticks=[])
