"""The page, made from the schema: a template and its files, without a build step."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lamina.serving.media import ImageReader, SoundReader
from lamina.serving.readers import Reader, TokensReader
from lamina.serving.series import HistoryReader, StepsReader
from lamina.serving.service import Service
from lamina.serving.tables import RowReader

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
STATIC = {
    path.name: (path.read_bytes(), MEDIA_TYPES[path.suffix])
    for path in sorted(FOLDER.iterdir())
    if path.suffix in MEDIA_TYPES
}
"""The files of the page, by name: contents and media type."""
MAX_CANVAS = 320
"""Pixels of the longer side of the canvas to draw on."""


def page_of(service: Service, title: str) -> str:
    """The page for a service."""
    # torch requires jinja2, so that it is always there.
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    reader, estimator = service.reader, service.estimator
    return environment.get_template("page.html").render(
        title=title,
        estimator=type(estimator).__name__,
        form=estimator.form_,
        about=about(reader),
        answer=service.answers.model.__name__,
        **_input_of(reader),
    )


def about(reader: Reader) -> str:
    """What the network takes, in a few words."""
    if isinstance(reader, RowReader):
        return f"rows of {len(reader.names)} columns"
    if isinstance(reader, ImageReader):
        schema = reader.schema
        colours = {1: "grey", 3: "colour", 4: "colour with transparency"}
        kind = colours.get(schema.channels, f"{schema.channels}-channel")
        return f"{kind} pictures of {schema.width} \u00d7 {schema.height} pixels"
    if isinstance(reader, SoundReader):
        return f"recordings, at {reader.schema.sampling_rate:,} samples a second"
    if isinstance(reader, HistoryReader):
        return f"histories, of which {reader.horizon} steps are forecast"
    if isinstance(reader, StepsReader):
        n = reader.n_channels
        return f"series of {n} channel{'s' * (n > 1)}"
    return "texts, word by word" if isinstance(reader, TokensReader) else "texts"


def _input_of(reader: Reader) -> dict[str, Any]:
    """What the part of the template for this form needs."""
    if isinstance(reader, RowReader):
        return {"fields": reader.fields()}
    if isinstance(reader, ImageReader):
        schema = reader.schema
        scale = MAX_CANVAS / max(schema.height, schema.width)
        return {
            "height": schema.height,
            "width": schema.width,
            "canvas": (round(schema.width * scale), round(schema.height * scale)),
            "is_dark": bool(_brightness(reader) < 0.5),
        }
    if isinstance(reader, SoundReader):
        return {"rate": reader.schema.sampling_rate}
    if isinstance(reader, StepsReader):
        return {
            "channels": reader.channels,
            "example": reader.example(),
            "known": [str(name) for name in reader.known_columns],
        }
    return {}


def _brightness(reader: ImageReader) -> float:
    """The mean of the pixels of `fit`, between 0 and 1."""
    values = reader.schema.values
    span = values.high - values.low
    mean = float(reader.encoder.mean.mean())
    return (mean - values.low) / span if span else 0.5
