"""Inputs of a graph: a function for each class of encoder.

    function(graph, encoder) -> the batch that the body reads, and what `Predictor` has
    to be told of the form of X

Numbers enter as float64 and are scaled in the graph, so that large values keep their
digits. Padding may have any value.
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Any

import numpy as np

from lamina.encoders.audio.encoder import AudioEncoder
from lamina.encoders.forecasting.encoder import HistoryEncoder
from lamina.encoders.images.encoder import ImageEncoder
from lamina.encoders.series.encoder import SeriesEncoder
from lamina.encoders.standardizer import Standardizer
from lamina.encoders.tables.encoder import TableEncoder
from lamina.encoders.texts.encoder import BagEncoder, TextEncoder
from lamina.encoders.texts.tokens import TokenEncoder
from lamina.exceptions import ParameterError
from lamina.onnx.bags import bag_input
from lamina.onnx.graph import BOOL, DOUBLE, FLOAT, STRING, Graph, GraphBatch
from lamina.onnx.spectrogram import audio_input
from lamina.onnx.texts import (
    Metadata,
    bags_input,
    encoded,
    lengths_input,
    no_channels,
    text_input,
    tokens_input,
)

AddInputs = Callable[[Graph, Any], tuple[GraphBatch, Metadata]]


def standardized(graph: Graph, values: str, standardizer: Standardizer) -> str:
    """Values (..., C) of float64 -> (..., C + indicators) of float32."""
    is_missing = graph.add("IsNaN", values)
    z = graph.add("Sub", values, graph.constant(standardizer.mean))
    z = graph.add("Mul", z, graph.constant(standardizer.z_score.factor))
    z = graph.cast(z, FLOAT)
    z = graph.add("Where", is_missing, graph.constant(0.0, np.float32), z)
    if len(standardizer.long_tailed):
        has_tail = np.zeros(len(standardizer.mean), bool)
        has_tail[standardizer.long_tailed] = True
        z = graph.add("Where", graph.constant(has_tail), graph.add("Asinh", z), z)
    reach = np.broadcast_to(standardizer.reach, standardizer.mean.shape)
    z = graph.add("Min", z, graph.constant(reach, np.float32))
    z = graph.add("Max", z, graph.constant(-reach, np.float32))
    if not len(standardizer.missing):
        return z
    columns = graph.constant(standardizer.missing, np.int64)
    indicators = graph.add("Gather", is_missing, columns, axis=-1)
    return graph.add("Concat", z, graph.cast(indicators, FLOAT), axis=-1)


def _table(graph: Graph, encoder: TableEncoder) -> tuple[GraphBatch, Metadata]:
    parts, n_numbers = [], len(encoder.standardizer.mean)
    if n_numbers:
        numbers = graph.input("numbers", DOUBLE, ["batch", n_numbers])
        parts.append(standardized(graph, numbers, encoder.standardizer))
    codes = []
    for known, is_one_hot, code in zip(
        encoder.codes, encoder.one_hot, _category_codes(graph, encoder), strict=True
    ):
        if is_one_hot:
            ones = graph.add("Equal", code, graph.ints(*range(1, len(known) + 1)))
            parts.append(graph.cast(ones, FLOAT))
        else:
            codes.append(code)
    bags = tuple(bag_input(graph, each, i) for i, each in enumerate(encoder.ngrams))
    if parts:
        x = graph.add("Concat", *parts, axis=1)
    else:
        x = no_channels(graph, codes[0] if codes else bags[0][0])
    codes = graph.add("Concat", *codes, axis=1) if codes else None
    batch = GraphBatch(x, codes, bags=bags)
    return batch, _table_metadata(encoder)


def _category_codes(graph: Graph, encoder: TableEncoder) -> Iterator[str]:
    """The codes (B, 1) of each column of categories; 0 where `fit` did not see the text."""
    if not encoder.codes:
        return
    shape = ["batch", len(encoder.codes)]
    texts = graph.input("categories", STRING, shape)
    is_missing = graph.input("is_missing", BOOL, shape)
    for i, known in enumerate(encoder.codes):
        column, missing = (
            graph.add("Gather", each, graph.ints(i), axis=1)
            for each in (texts, is_missing)
        )
        codes = {text: code for text, code in known.items() if text is not None}
        # The operator needs a key, and this one has the code of unknown texts.
        code = encoded(graph, column, codes or {"": 0}, default=0)
        of_missing = graph.scalar(known.get(None, 0))
        yield graph.add("Where", missing, of_missing, code)


def _table_metadata(encoder: TableEncoder) -> Metadata:
    schema = encoder.schema
    assert schema is not None
    columns = None
    if schema.columns is not None:
        columns = [
            {
                "name": plain_name(column.name),
                "kind": column.kind,
                "dtype": column.dtype,
                "time_zone": column.time_zone,
                "categories": column.categories,
                "unit": column.unit,
            }
            for column in schema.columns
        ]
    return {
        "reader": "table",
        "n_columns": schema.n_columns,
        "names": plain_names(schema.names),
        "columns": columns,
        "missing": schema.missing,
        **_scales(encoder.standardizer),
    }


def _scales(standardizer: Standardizer) -> Metadata:
    """What values are standardised by, for the refusal of those far from `fit`."""
    return {
        "mean": standardizer.mean.tolist(),
        "factor": standardizer.z_score.factor.tolist(),
    }


def plain_names(names: tuple[Hashable, ...] | None) -> list | None:
    """The names of columns as JSON can hold them; None if they have none."""
    return None if names is None else [plain_name(name) for name in names]


def plain_name(name: Any) -> Any:
    """A name as JSON can hold it: a tuple becomes a list."""
    if isinstance(name, tuple):
        return [plain_name(part) for part in name]
    if isinstance(name, np.integer):
        return int(name)
    if isinstance(name, str | int):
        return name
    raise ParameterError(
        f"The column {name!r} cannot be exported to ONNX: the name of a column has to be "
        f"a str, an int or a tuple of these. Rename it before fit."
    )


def _optional(name: Hashable | None) -> Any:
    return None if name is None else plain_name(name)


def _series(graph: Graph, encoder: SeriesEncoder) -> tuple[GraphBatch, Metadata]:
    schema = encoder.schema
    assert schema is not None
    shape = ["batch", "steps", schema.n_channels]
    values = graph.input("series", DOUBLE, shape)
    x = standardized(graph, values, encoder.standardizer)
    metadata = {
        "reader": "series",
        "n_axes": schema.n_axes,
        "n_channels": schema.n_channels,
        "n_steps": schema.n_steps,
        "names": plain_names(schema.names),
        "missing": schema.missing,
        **_scales(encoder.standardizer),
        "id_column": _optional(encoder.roles.id_column),
        "time_column": _optional(encoder.roles.time_column),
    }
    return GraphBatch(x, lengths=lengths_input(graph)), metadata


def _image(graph: Graph, encoder: ImageEncoder) -> tuple[GraphBatch, Metadata]:
    schema = encoder.schema
    assert schema is not None
    pixels = graph.input("images", DOUBLE, ["batch", *schema.shape])
    x = graph.add("Sub", pixels, graph.constant(encoder.mean, np.float64))
    x = graph.add("Div", x, graph.constant(encoder.scale, np.float64))
    x = graph.add("Transpose", graph.cast(x, FLOAT), perm=[0, 3, 1, 2])
    metadata = {
        "reader": "image",
        "shape": schema.shape,
        "size": encoder.size,
        "values": vars(schema.values),
        "max_pixels": encoder.max_pixels,
    }
    return GraphBatch(x), metadata


def _audio(graph: Graph, encoder: AudioEncoder) -> tuple[GraphBatch, Metadata]:
    assert encoder.schema is not None
    rate = encoder.schema.sampling_rate
    return audio_input(graph, encoder), {"reader": "audio", "sampling_rate": rate}


def _histories(graph: Graph, encoder: HistoryEncoder) -> tuple[GraphBatch, Metadata]:
    """Windows as `HistoryEncoder` cuts them; `Predictor` does the same."""
    schema = encoder.schema
    assert schema is not None
    if encoder.known:
        raise ParameterError(
            f"A network with known_columns={list(encoder.known_columns)!r} cannot be "
            f"exported to ONNX: their future values are no input of the graph. Fit "
            f"without known_columns."
        )
    shape = ["batch", "steps", encoder.spec.n_channels]
    x = graph.input("windows", FLOAT, shape)
    batch = GraphBatch(
        x,
        lengths=lengths_input(graph),
        level_and_scale=graph.input("level_and_scale", DOUBLE, ["batch", 2]),
    )
    metadata = {
        "reader": "histories",
        "n_columns": schema.n_columns,
        "names": plain_names(schema.columns),
        "horizon": encoder.horizon,
        "season": encoder.season,
        "window": encoder.window,
        "mean": encoder.mean.tolist(),
        "scale": encoder.scale.tolist(),
    }
    return batch, metadata


INPUTS: dict[type, AddInputs] = {
    TableEncoder: _table,
    SeriesEncoder: _series,
    ImageEncoder: _image,
    AudioEncoder: _audio,
    TextEncoder: text_input,
    BagEncoder: bags_input,
    TokenEncoder: tokens_input,
    HistoryEncoder: _histories,
}
