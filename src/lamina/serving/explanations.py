"""Explanations: numbers for columns and words, pictures for the other forms of data."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from lamina.exceptions import ParameterError
from lamina.inspection import Attribution, AttributionDisplay, explain
from lamina.inspection.attribution import Words
from lamina.serving.readers import Reader
from lamina.serving.requests import Job
from lamina.serving.series import SeriesReader
from lamina.serving.tables import RowReader

SVG = "data:image/svg+xml;base64,"
SIZES = {"image": (5.4, 4.4), "audio": (7.5, 3.6)}
"""Inches of the pictures, width and height."""
MAX_LANES = 15
"""Channels of a series that a picture shows, at most."""


class Explanation(BaseModel):
    """What contributed to an output of one sample."""

    output_name: str
    output: float
    base_value: float
    values: dict[str, float] | None = Field(
        None, description="What each column of a table added to the base value."
    )
    pieces: list[tuple[str, float | None]] | None = Field(
        None,
        description="The pieces of a text, and what each word added to the base value; "
        "null for what is between words.",
    )
    picture: str | None = Field(
        None, description="A picture of what contributed, as a data URL of SVG."
    )


class ExplanationAnswer(BaseModel):
    """An explanation of each sample, or why there is none."""

    explanations: list[Explanation]
    reason: str | None = Field(
        None, description="Why this estimator is not explained; the list is empty then."
    )


class Explainer:
    """Explains the samples of jobs."""

    def __init__(self, reader: Reader):
        self.reader = reader

    def __call__(self, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """The answer to each job."""
        return [self._of_job(job) for job in jobs]

    def _of_job(self, job: Job) -> dict[str, Any]:
        try:
            return {"explanations": self._explanations(job), "reason": None}
        except ParameterError as error:
            if job.target:
                raise
            # It is about the estimator, not about the request.
            return {"explanations": [], "reason": str(error)}

    def _explanations(self, job: Job) -> list[dict[str, Any]]:
        reader = self.reader
        X = reader.join(job.samples)
        attribution = explain(reader.estimator, X, **job.target)
        return [
            {
                "output_name": attribution.output_name,
                "output": float(attribution.output[i]),
                "base_value": float(attribution.base_value[i]),
                **self._contributions(attribution, i),
            }
            for i in range(len(job))
        ]

    def _contributions(self, attribution: Attribution, i: int) -> dict[str, Any]:
        """What contributed to the output of one sample."""
        if isinstance(self.reader, RowReader):
            values = attribution.values[i].tolist()
            return {"values": dict(zip(self.reader.names, values, strict=True))}
        if attribution.samples is not None and attribution.form == "text":
            return {"pieces": pieces(attribution.samples[i], attribution.values[i])}
        size = SIZES.get(attribution.form)
        if isinstance(self.reader, SeriesReader):
            size = 7.5, 2.4 + 0.4 * min(self.reader.n_channels, MAX_LANES)
        return {"picture": picture(AttributionDisplay(attribution), i, size)}


def pieces(sample: Words, values: np.ndarray) -> list[tuple[str, float | None]]:
    """The pieces of a text: the words, with their values, and what is between them."""
    divided, end = [], 0
    for (start, stop), value in zip(
        sample.offsets.tolist(), values.tolist(), strict=True
    ):
        if start > end:
            divided.append((sample.text[end:start], None))
        divided.append((sample.text[start:stop], value))
        end = stop
    return [*divided, (sample.text[end:], None)] if end < len(sample.text) else divided


def picture(
    display: AttributionDisplay, row: int, size: tuple[float, float] | None
) -> str:
    """The picture of one sample, as a data URL."""
    from matplotlib.figure import Figure

    # A figure of its own: pyplot would open a window, and keep the figure.
    figure = Figure(figsize=size, layout="constrained")
    display.plot(row=row, ax=figure.subplots()).ax_.set_title("")  # the page says it
    file = io.BytesIO()
    figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    return SVG + base64.b64encode(file.getvalue()).decode()
