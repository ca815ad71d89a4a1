"""What the network was fitted on, and what it is tested on."""

from functools import singledispatch

import numpy as np

from lamina.encoders.audio.encoder import AudioSchema, Recordings
from lamina.encoders.images.schema import ImageSchema
from lamina.encoders.series.panel import Panel, PanelSchema
from lamina.encoders.series.reader import SeriesList
from lamina.encoders.series.samples import SeriesSchema
from lamina.encoders.tables.schema import TableSchema
from lamina.encoders.texts.encoder import TextSchema
from lamina.inputs import Indexable
from lamina.reporting.blocks import Block, Cell, Facts, Paragraph, Table
from lamina.reporting.samples import column_name
from lamina.schema import Schema

MAX_ROWS = 200
"""Rows of the table of columns; the rest is counted."""


@singledispatch
def described(schema: Schema, plain: Indexable) -> list[Block]:
    """The form of the data, as `fit` learnt it, and the size of the test samples."""
    return [Facts([("Form", schema.form), ("Test samples", len(plain))])]


@described.register
def _table(schema: TableSchema, plain: Indexable) -> list[Block]:
    columns = schema.every_column
    facts = Facts(
        [("Form", "table"), ("Test rows", len(plain)), ("Columns", len(columns))]
    )
    rows: list[list[Cell]] = [
        [
            column_name(column.name),
            column.kind,
            column.dtype,
            len(column.categories) or None,
        ]
        for column in columns[:MAX_ROWS]
    ]
    header = ["Column", "Kind", "Type", "Categories"]
    blocks: list[Block] = [facts, Table("Columns, as fit saw them", header, rows)]
    if len(columns) > MAX_ROWS:
        blocks.append(Paragraph(f"And {len(columns) - MAX_ROWS:,} further columns."))
    return blocks


@described.register
def _series(schema: SeriesSchema, plain: SeriesList) -> list[Block]:
    names = schema.names or ()
    facts: list[tuple[str, Cell]] = [
        ("Form", "series"),
        ("Test series", len(plain)),
        ("Channels", schema.n_channels),
        ("Steps", extent(plain.lengths)),
    ]
    if names and len(names) <= MAX_ROWS:
        facts.append(("Columns", ", ".join(map(str, names))))
    if schema.missing:
        facts.append(("Channels with missing values", len(schema.missing)))
    return [Facts(facts)]


@described.register
def _panel(schema: PanelSchema, plain: Panel) -> list[Block]:
    facts: list[tuple[str, Cell]] = [
        ("Form", "series"),
        ("Test series", len(plain)),
        ("Steps, horizon included", extent(np.array([len(x) for x in plain]))),
    ]
    if schema.columns is not None:
        facts.append(("Columns", ", ".join(map(str, schema.columns))))
    elif schema.n_columns > 1:
        facts.append(("Columns", schema.n_columns))
    if schema.frequency is not None:
        facts.append(("Frequency", str(schema.frequency)))
    return [Facts(facts)]


@described.register
def _image(schema: ImageSchema, plain: Indexable) -> list[Block]:
    height, width, channels = schema.shape
    return [
        Facts(
            [
                ("Form", "image"),
                ("Test images", len(plain)),
                ("Height, width", f"{height}, {width} pixels"),
                ("Channels", channels),
                ("Values", str(schema.values)),
            ]
        )
    ]


@described.register
def _audio(schema: AudioSchema, plain: Recordings) -> list[Block]:
    return [
        Facts(
            [
                ("Form", "audio"),
                ("Test recordings", len(plain)),
                ("Sampling rate", f"{schema.sampling_rate:,} Hz"),
                ("Channels", " or ".join(map(str, schema.n_channels))),
                ("Duration", f"{extent(plain.seconds())} s"),
            ]
        )
    ]


@described.register
def _text(schema: TextSchema, plain: list) -> list[Block]:
    unit = "characters" if isinstance(plain[0], str) else "tokens"
    return [
        Facts(
            [
                ("Form", "text"),
                ("Test texts", len(plain)),
                ("Unit", schema.unit),
                (f"Length in {unit}", extent(np.array([len(x) for x in plain]))),
            ]
        )
    ]


def extent(values: np.ndarray) -> str:
    """The least, the median and the largest value; one number if all are equal."""
    low, centre, high = np.quantile(values, [0, 0.5, 1]).tolist()
    if low == high:
        return f"{low:,.4g}"
    return f"{low:,.4g} to {high:,.4g}, median {centre:,.4g}"
