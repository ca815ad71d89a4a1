"""Test samples of each form of data: some of them, and what a page shows of one."""

from collections.abc import Hashable
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.utils import _safe_indexing

from lamina.encoders.audio.encoder import AudioSchema, Recordings
from lamina.encoders.containers import is_sparse, unwrap
from lamina.encoders.frames import is_frame, table_of
from lamina.encoders.images.reader import Images
from lamina.encoders.images.schema import ImageSchema
from lamina.encoders.series.reader import SeriesList
from lamina.encoders.series.samples import SeriesSchema
from lamina.encoders.tables.schema import TableSchema
from lamina.encoders.texts.encoder import TextSchema
from lamina.inputs import Indexable
from lamina.missing import is_missing
from lamina.reporting.blocks import Block, Cell, Facts, Passage
from lamina.reporting.figures import SMALL_WIDTH, figure_of
from lamina.reporting.media import picture_of, sound_of
from lamina.schema import Schema

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_COLUMNS, MAX_CHARACTERS, MAX_CHANNELS = 12, 600, 6
"""What is shown of a row, a text and a series; the rest is counted."""


def selected(X: Any, plain: Indexable, rows: np.ndarray) -> Any:
    """Some samples of X, in a container that the estimator reads."""
    if isinstance(plain, SeriesList):  # the rows of a frame may be steps
        return [plain[np.array([row])].flat for row in rows]
    if isinstance(X, dict):
        return {name: _safe_indexing(column, rows) for name, column in X.items()}
    if is_frame(X):
        frame = nw.from_native(X, eager_only=True)
        return frame[rows.tolist()].to_native()
    return _safe_indexing(X, rows)


@singledispatch
def shown_sample(schema: Schema, X: Any, plain: Any, row: int) -> Block:
    """A sample as a block; `X` is unwrapped, and `plain` what the encoder read."""
    raise NotImplementedError(type(schema).__name__)


@shown_sample.register
def _table(schema: TableSchema, X: object, plain: Indexable, row: int) -> Facts:
    values = _row_of(schema, X, row)
    names = [column_name(column.name) for column in schema.every_column]
    pairs = list(zip(names, values, strict=True))[:MAX_COLUMNS]
    if len(names) > MAX_COLUMNS:
        pairs.append(("further columns", len(names) - MAX_COLUMNS))
    return Facts(pairs)


@shown_sample.register
def _series(schema: SeriesSchema, X: object, plain: SeriesList, row: int) -> Block:
    steps = plain[np.array([row])].flat
    n_channels = steps.shape[1]
    caption = f"{len(steps)} steps of {n_channels} channels"
    if n_channels > MAX_CHANNELS:
        caption += f"; the first {MAX_CHANNELS} are drawn"
    is_short = len(steps) == 1

    def draw(ax: "Axes") -> None:
        ax.plot(steps[:, :MAX_CHANNELS], "o" if is_short else "-", linewidth=1)
        ax.set_xlabel("step")

    return figure_of(draw, caption, width=SMALL_WIDTH, height=1.6)


@shown_sample.register
def _image(schema: ImageSchema, X: object, plain: Images, row: int) -> Block:
    pixels = plain.pixels(np.array([row]))[0]
    return picture_of(pixels, schema.values, f"Test image {row}")


@shown_sample.register
def _audio(schema: AudioSchema, X: object, plain: Recordings, row: int) -> Block:
    samples = plain.waveform(row).numpy()
    return sound_of(samples, schema.sampling_rate, f"Test recording {row}")


@shown_sample.register
def _text(schema: TextSchema, X: list, plain: list, row: int) -> Passage:
    text = X[row] if isinstance(X[row], str) else plain[row]
    text = text if isinstance(text, str) else " ".join(map(str, text))
    return Passage(shortened(text))


def shortened(text: str) -> str:
    """The beginning of a text, with the number of characters that are left out."""
    if len(text) <= MAX_CHARACTERS:
        return text
    n_more = len(text) - MAX_CHARACTERS
    return f"{text[:MAX_CHARACTERS]} … and {n_more:,} characters"


def column_name(name: Hashable) -> str:
    """The name of a column; a column without one is named by its position."""
    return f"x{name}" if isinstance(name, int) else str(name)


def unwrapped(X: object, form: str) -> Any:
    """X without its container; a single text becomes a list."""
    if form == "text" and isinstance(X, str):
        return [X]
    return unwrap(X, is_table=form == "table")


def _row_of(schema: TableSchema, X: object, row: int) -> list[Cell]:
    """The values of a row, in the order of the columns in `fit`."""
    if is_sparse(X):
        return [_cell(value) for value in X[[row]].toarray()[0]]
    if isinstance(X, np.ndarray) and X.dtype.names is None:
        return [_cell(value) for value in X[row]]
    table = table_of(X)
    positions = list(range(table.n_columns))
    if table.labels is not None and schema.names is not None:
        positions = [table.labels.index(name) for name in schema.names]
    return [_cell(table.column(i).array[row]) for i in positions]


def _cell(value: object) -> Cell:
    if is_missing(value):
        return None
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        value = value.item()
    return f"{value:.6g}" if isinstance(value, float) else str(value)
