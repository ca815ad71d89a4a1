"""X -> the inputs of a graph, by the readers of the encoders: the same data are refused.

Nothing here imports torch or scikit-learn.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from lamina.encoders.audio.reader import recordings_in
from lamina.encoders.containers import is_sparse, unwrap
from lamina.encoders.finite import refuse_far, refuse_infinite
from lamina.encoders.frames import NUMERIC, ColumnTable, table_of
from lamina.encoders.images.reader import Images, read_images
from lamina.encoders.images.schema import ImageSchema, Values
from lamina.encoders.names import check_names
from lamina.encoders.series.samples import SeriesSchema, read_samples
from lamina.encoders.series.steps import Roles
from lamina.encoders.tables.chosen import ChosenColumns
from lamina.encoders.tables.columns import Column
from lamina.encoders.tables.reader import TableReader
from lamina.encoders.tables.schema import Columns, TableSchema
from lamina.encoders.tokenizers import ends, lower, split
from lamina.exceptions import DataError
from lamina.onnx.histories import HistoryReader
from lamina.onnx.metadata import as_name, as_names
from lamina.onnx.samples import (
    Arrays,
    Feeds,
    Reader,
    Samples,
    Sequences,
    WithBags,
    padded,
)
from lamina.texts import items, shown

BEGIN, END = "<begin>", "<end>"
"""The texts of the two ends of a token, of which the others are characters."""


class Tables(Reader):
    """Rows of numbers and categories."""

    def __init__(self, owner: str, metadata: dict[str, Any]):
        columns = metadata["columns"]
        if columns is not None:
            columns = tuple(
                Column(
                    as_name(column["name"]),
                    column["kind"],
                    column["dtype"],
                    column["time_zone"],
                    tuple(column["categories"]),
                    unit=column["unit"],
                )
                for column in columns
            )
        self.owner = owner
        self.schema = TableSchema(
            n_columns=metadata["n_columns"],
            names=as_names(metadata["names"]),
            columns=columns,
            missing=tuple(metadata["missing"]),
        )
        self.reader = TableReader(owner, ChosenColumns())
        self.reader.schema, self.reader.is_complete = self.schema, True
        self.mean, self.factor = (
            np.array(metadata["mean"]),
            np.array(metadata["factor"]),
        )
        self.names = [self.schema.name_of(i) for i in range(len(self.mean))]

    def read(self, X: object) -> Samples:
        columns = self._columns(X)
        feeds: Feeds = {}
        if columns.numeric.shape[1]:
            numbers = columns.numeric.astype(np.float64, copy=False)
            refuse_far(numbers, self.mean, self.factor, self.names)
            feeds["numbers"] = numbers
        if columns.categories:
            self._refuse_unencodable(columns.categories)
            texts = np.stack(columns.categories, 1)
            feeds["is_missing"] = texts == np.array(None)
            feeds["categories"] = np.where(feeds["is_missing"], "", texts)
        if not columns.texts:
            return Arrays(feeds)
        return WithBags(Arrays(feeds), [texts.tolist() for texts in columns.texts])

    def _refuse_unencodable(self, categories: list[np.ndarray]) -> None:
        names = [c.name for _, c in self.schema.other_columns if c.kind == "category"]
        for name, values in zip(names, categories, strict=True):
            for text in set(values.tolist()) - {None}:
                _refuse_unencodable(text, f"A value of column {name!r}")

    def _columns(self, X: object) -> Columns:
        X = unwrap(X, is_table=True)
        if isinstance(X, list) or is_sparse(X):
            raise DataError(
                f"X is a {type(X).__name__}, which is not a table; pass an array (samples, "
                f"columns) or a frame."
            )
        if not isinstance(X, np.ndarray) or X.dtype.names is not None:
            return self.reader.read_columns(table_of(X))
        if X.ndim != 2 or 0 in X.shape:
            raise DataError(
                f"X has shape {X.shape}; pass an array (samples, columns) with at least one "
                f"of each, as by X.reshape(1, -1) for a single sample."
            )
        if self.schema.columns is not None or X.dtype.kind not in NUMERIC:
            return self.reader.read_columns(table_of(X))
        if np.ma.isMaskedArray(X):
            return self.reader.read_columns(ColumnTable(None, list(X.T), X.shape))
        n = X.shape[1]
        check_names(self.owner, self.schema.names, None, n, self.schema.n_columns)
        refuse_infinite(X, range(n))
        return Columns(X, [])


class Series(Reader):
    """Arrays (T_i, C)."""

    def __init__(self, owner: str, metadata: dict[str, Any]):
        self.owner = owner
        self.schema = SeriesSchema(
            n_axes=metadata["n_axes"],
            n_channels=metadata["n_channels"],
            n_steps=metadata["n_steps"],
            names=as_names(metadata["names"]),
            missing=tuple(metadata["missing"]),
        )
        id_column, time_column = metadata["id_column"], metadata["time_column"]
        self.roles = Roles(as_name(id_column), as_name(time_column))
        self.mean, self.factor = (
            np.array(metadata["mean"]),
            np.array(metadata["factor"]),
        )

    def read(self, X: object) -> Samples:
        series = read_samples(X, self.roles, self.owner, self.schema).series
        flat = series.flat.astype(np.float64, copy=False)
        names = self.schema.names or range(len(self.mean))
        refuse_far(flat, self.mean, self.factor, names)
        return Sequences("series", np.split(flat, series.lengths.cumsum()[:-1]))


class Pictures(Samples):
    """Images, decoded for each batch."""

    def __init__(self, images: Images):
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: np.ndarray) -> Feeds:
        return {"images": self.images.pixels(rows).astype(np.float64)}


class ImageReader(Reader):
    """Arrays of images, and files."""

    def __init__(self, owner: str, metadata: dict[str, Any]):
        del owner
        height, width, n_channels = metadata["shape"]
        values = Values(**metadata["values"])
        self.schema = ImageSchema("image", height, width, n_channels, values)
        size = metadata["size"]
        self.size = None if size is None else (size[0], size[1])
        self.max_pixels = metadata["max_pixels"]

    def read(self, X: object) -> Samples:
        images, _ = read_images(X, self.size, self.schema, self.max_pixels)
        return Pictures(images)


class Waveforms(Reader):
    """Waveforms (n,)."""

    def __init__(self, owner: str, metadata: dict[str, Any]):
        self.owner, self.rate = owner, metadata["sampling_rate"]

    def read(self, X: object) -> Samples:
        waves = []
        for i, recording in enumerate(recordings_in(X)[0]):
            if not isinstance(recording, np.ndarray):
                raise DataError(
                    f"Sample {i} is a file; an exported {self.owner} takes waveforms. Pass "
                    f"an array with {self.rate} samples per second."
                )
            if not len(recording):
                raise DataError(f"Sample {i} has zero samples; leave it out.")
            waves.append(recording)
        return Sequences("waveforms", waves)


class Texts(Reader):
    """The tokens of texts, and their n-grams."""

    def __init__(self, owner: str, metadata: dict[str, Any]):
        del owner
        self.unit, self.has_bags = metadata["unit"], metadata["has_bags"]

    def read(self, X: object) -> Samples:
        tokens = _tokens(X, self.unit)
        samples = Sequences("tokens", list(map(_objects, tokens)))
        return WithBags(samples, [tokens]) if self.has_bags else samples


class TextBags(Reader):
    """The n-grams of texts."""

    def __init__(self, owner: str, metadata: dict[str, Any]):
        del owner
        self.unit = metadata["unit"]

    def read(self, X: object) -> Samples:
        return WithBags(Arrays({}), [_tokens(X, self.unit)])


class SpelledTokens(Reader):
    """Lists of tokens, with the characters of each."""

    def __init__(self, owner: str, metadata: dict[str, Any]):
        del owner, metadata

    def read(self, X: object) -> Samples:
        return Spelled(_tokens(X, "token"))


class Spelled(Samples):
    """Lists of tokens, as indices of the distinct tokens and the characters of these."""

    def __init__(self, sentences: list[list[str]]):
        self.sentences = sentences
        self.lengths = np.array([len(sentence) for sentence in sentences])

    def __len__(self) -> int:
        return len(self.sentences)

    def take(self, rows: np.ndarray) -> Feeds:
        distinct: dict[str, int] = {}
        index = [
            np.array([distinct.setdefault(t, len(distinct)) for t in self.sentences[i]])
            for i in rows.tolist()
        ]
        lengths = self.lengths[rows]
        letters = [_objects([BEGIN, *ends(token), END]) for token in distinct]
        return {
            "token_index": padded(index, int(lengths.max())),
            "words": _objects(map(lower, distinct)),
            "characters": padded(letters, max(map(len, letters))),
            "lengths": lengths,
        }


def _tokens(X: object, unit: str) -> list[list[str]]:
    """The tokens of each sample."""
    samples = split(items(X), unit)
    for i, tokens in enumerate(samples):
        _refuse_unencodable(" ".join(tokens), f"Sample {i}")
    return samples


def _refuse_unencodable(text: str, where: str) -> None:
    """Raise `DataError` for a text that onnxruntime does not take."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where} is not valid in UTF-8: {shown(text)} ({error}). Decode the text again "
            f"with errors='replace'."
        ) from None


def _objects(texts: Iterable[str]) -> np.ndarray:
    """Texts as an array of objects, as onnxruntime takes them."""
    return np.array(list(texts), dtype=object)


READERS: dict[str, type[Reader]] = {
    "table": Tables,
    "series": Series,
    "image": ImageReader,
    "audio": Waveforms,
    "text": Texts,
    "bags": TextBags,
    "spelled": SpelledTokens,
    "histories": HistoryReader,
}
