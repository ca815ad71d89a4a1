"""The columns of a table as fields of a form: kinds, ranges, choices and usual values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from lamina.encoders.tables.columns import Column
from lamina.encoders.tables.encoder import TableEncoder
from lamina.encoders.tables.schema import TableSchema
from lamina.estimators.base import NeuralEstimator

DAY = 86_400.0
N_DIGITS = 4
"""Digits of the numbers of hints and of usual values."""


@dataclass(frozen=True)
class Field:
    """A column, as a field."""

    key: str
    """The name of the column in JSON."""
    kind: str
    """The kind of the column."""
    value: Any
    """A usual value, as a value of JSON."""
    hint: str = ""
    choices: tuple[str, ...] = ()
    """The categories that `fit` saw."""
    is_whole: bool = False
    has_zone: bool = False
    """Whether dates have a time zone."""


def fields_of(
    estimator: NeuralEstimator, schema: TableSchema, names: Sequence[str]
) -> list[Field]:
    """A field for each column of the table that an estimator was fitted on."""
    encoder, columns = estimator.encoder_, schema.every_column
    assert isinstance(encoder, TableEncoder)
    locations = _locations(encoder, columns)
    usual = _usual_categories(encoder, columns)
    return [
        _field(name, column, locations.get(k), usual.get(k))
        for k, (name, column) in enumerate(zip(names, columns, strict=True))
    ]


def _field(
    name: str,
    column: Column,
    place: tuple[float, float, float] | None,
    usual: str | None,
) -> Field:
    choices = tuple(c for c in column.categories if c is not None)
    is_whole = (
        np.dtype(column.dtype).kind in "iub" if column.kind == "number" else False
    )
    if column.kind in ("category", "ordered"):
        central = choices[len(choices) // 2] if choices else None
        value = central if usual is None else usual
        return Field(name, column.kind, value, choices=choices)
    if place is None:  # a kind without numbers
        return Field(name, column.kind, "")
    low, usually, high = place
    has_range = low < high
    if column.kind == "date":
        zone = "Z" if column.time_zone else ""
        hint = f"{_date(low)[:10]} to {_date(high)[:10]} in fit" if has_range else ""
        value = _date(usually) + zone
        return Field(name, "date", value, hint, has_zone=bool(zone))
    if column.kind == "duration":
        low, usually, high = (days * DAY for days in place)
    # A value next to 0, compared with the others, is 0 but for rounding.
    low, usually, high = (
        v * (abs(v) > 1e-6 * (high - low)) for v in (low, usually, high)
    )
    ends = f"{rounded(low):,} to {rounded(high):,}"
    unit = "seconds, " if column.kind == "duration" else ""
    hint = f"{unit}{ends} in fit" if has_range else unit.strip(", ")
    value = round(usually) if is_whole else rounded(usually)
    return Field(name, column.kind, value, hint, is_whole=is_whole)


def _locations(
    encoder: TableEncoder, columns: Sequence[Column]
) -> dict[int, tuple[float, float, float]]:
    """The lowest, a usual and the highest value of each column of numbers and times.

    Of a column without edges of bins all are the usual value.
    """
    scaler = encoder.standardizer
    order = [k for k, c in enumerate(columns) if c.kind == "number"]
    starts = dict(zip(order, range(len(order)), strict=True))
    start = len(order)
    for k, column in enumerate(columns):
        if column.kind not in ("number", "category") and column.width:
            starts[k], start = start, start + column.width
    long_tailed = set(scaler.long_tailed.tolist())
    places = {}
    for k, i in starts.items():
        if i >= len(scaler.mean):
            continue
        mean, scale = float(scaler.mean[i]), float(scaler.scale[i])
        edges = encoder.spec.edges[i] if i < len(encoder.spec.edges) else ()
        ends = np.array([edges[0], edges[-1]]) if edges else np.zeros(2)
        ends = np.sinh(ends) if i in long_tailed else ends
        low, high = (ends * scale + mean).tolist()
        places[k] = low, mean, high
    return places


def _usual_categories(
    encoder: TableEncoder, columns: Sequence[Column]
) -> dict[int, str | None]:
    """The most frequent category of each column of categories."""
    positions = [k for k, c in enumerate(columns) if c.kind == "category"]
    usual = {}
    for k, codes, frequencies in zip(
        positions, encoder.codes, encoder.frequencies, strict=True
    ):
        if codes:
            usual[k] = list(codes)[int(frequencies.argmax())]
    return usual


def _date(days: float) -> str:
    """Days since 1970 as an ISO date with hours and minutes."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M")


def rounded(value: float) -> float | int:
    """A number with a few digits, an int where nothing is lost by it."""
    short = float(f"{value:.{N_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short
