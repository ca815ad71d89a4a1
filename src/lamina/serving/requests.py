"""The body of a request -> a job: samples, and what goes with them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import HTTPException

from lamina.encoders.audio.encoder import AudioSchema
from lamina.encoders.images.schema import ImageSchema
from lamina.encoders.series.panel import PanelSchema
from lamina.encoders.series.samples import SeriesSchema
from lamina.encoders.tables.schema import TableSchema
from lamina.encoders.texts.encoder import TextSchema
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.kinds import entry_of
from lamina.exceptions import DataError, ParameterError
from lamina.schema import Schema
from lamina.serving.limits import Limits
from lamina.serving.media import ImageReader, SoundReader
from lamina.serving.readers import Reader, TextReader, TokensReader, shown
from lamina.serving.series import HistoryReader, SeriesReader
from lamina.serving.tables import RowReader

Value = TypeVar("Value")
JSON = "application/json"
READERS: dict[type[Schema], type[Reader]] = {
    TableSchema: RowReader,
    SeriesSchema: SeriesReader,
    PanelSchema: HistoryReader,
    ImageSchema: ImageReader,
    AudioSchema: SoundReader,
    TextSchema: TextReader,
}
"""The reader of each form of data; tokens have one of their own."""
LIMITED = {
    "max_steps": "characters or steps",
    "max_pixels": "pixels",
    "max_seconds": "seconds of sound",
}
"""What each limit of the samples of a request counts."""


@dataclass(frozen=True)
class Job:
    """The samples of a request."""

    samples: list[Any]
    future: list[Any] | None = None
    """The future of each sample, for a forecaster with known columns."""
    target: dict[str, Any] = field(default_factory=dict)
    """The argument `target` of `explain`, if it was given."""

    def __len__(self) -> int:
        return len(self.samples)


def reader_of(estimator: NeuralEstimator) -> Reader:
    """The reader for the form of data of a fitted estimator."""
    schema = estimator.schema_
    if isinstance(schema, TextSchema) and schema.unit == "token":
        return TokensReader(estimator, schema)
    reader = entry_of(READERS, schema)
    if reader is None:
        raise ParameterError(
            f"{type(estimator).__name__} cannot be served: it was fitted on "
            f"{estimator.form_} data with a {type(schema).__name__}, which has no reader."
        )
    return reader(estimator, schema)


def job_of(body: bytes, content_type: str, reader: Reader, limits: Limits) -> Job:
    """The job of a request with this body."""
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == JSON:
        job = _job_of_json(body, reader, limits)
    elif any(media_type.startswith(kind) for kind in reader.media_types):
        job = Job([reader.contents(body)])
    else:
        others = ", ".join((JSON, *reader.accepted()))
        raise HTTPException(
            415, f"The media type {shown(media_type)} is not read; send {others}."
        )
    if reader.cost_limit is not None:
        _refuse_costs(job, reader, limits)
    return job


def _job_of_json(body: bytes, reader: Reader, limits: Limits) -> Job:
    content = parsed(body)
    allowed = {"samples", "target"}
    has_future = isinstance(reader, HistoryReader)
    allowed |= {"future"} if has_future else set()
    if not isinstance(content, dict) or "samples" not in content:
        raise DataError(
            f"The body is {shown(content)}; pass an object with the key 'samples'."
        )
    if unknown := content.keys() - allowed:
        raise DataError(
            f"The body has the key {shown(min(unknown))}; only {sorted(allowed)} are read."
        )
    samples = _listed(content["samples"], "samples", limits.max_samples)
    future = content.get("future")
    if future is not None:
        future = _listed(future, "future", limits.max_samples)
        if len(future) != len(samples):
            raise DataError(
                f"future has {len(future)} entries for {len(samples)} samples; pass one "
                f"for each."
            )
        assert isinstance(reader, HistoryReader)
        future = _each(reader.future, future)
    target = {"target": _hashable(content["target"])} if "target" in content else {}
    return Job(_each(reader.sample, samples), future, target)


def parsed(body: bytes) -> Any:
    """The value of JSON; NaN and infinity, which JSON does not have, are refused."""
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise DataError(
            "The body is not read: its lists or objects are nested too deep."
        ) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise DataError(f"The body is not JSON: {str(error)[:200]}.") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON; pass null for a missing value")


def _listed(value: object, name: str, max_samples: int) -> list[object]:
    if not isinstance(value, list) or not value:
        raise DataError(f"{name} is {shown(value)}; pass a list of at least one entry.")
    if len(value) > max_samples:
        raise HTTPException(
            413,
            f"{name} has {len(value)} entries; at most {max_samples} are read "
            f"(max_samples). Send several requests.",
        )
    return value


def _each(read: Callable[[object, int], Value], values: list[object]) -> list[Value]:
    return [read(value, i) for i, value in enumerate(values)]


def _hashable(target: object) -> object:
    """A target of `explain`: a list, of an output and a label, is a tuple."""
    return tuple(map(_hashable, target)) if isinstance(target, list) else target


def _refuse_costs(job: Job, reader: Reader, limits: Limits) -> None:
    """Raise if the samples together exceed the limit of their form."""
    name = reader.cost_limit
    assert name is not None
    total, most = 0.0, getattr(limits, name)
    for i, sample in enumerate(job.samples):
        total += reader.cost(sample, i)
        if total > most:
            raise HTTPException(
                413,
                f"The samples up to number {i} have {total:g} {LIMITED[name]}; at most "
                f"{most} are read ({name}). Send fewer or smaller samples.",
            )
