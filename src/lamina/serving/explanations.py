"""Explanations of samples: numbers for the columns of a table, otherwise a picture."""

import base64
import io
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from lamina.exceptions import ParameterError
from lamina.inspection import AttributionDisplay, explain
from lamina.serving.readers import Reader
from lamina.serving.requests import Job
from lamina.serving.tables import RowReader

SVG = "data:image/svg+xml;base64,"


class Explanation(BaseModel):
    """What contributed to an output of one sample."""

    output_name: str
    output: float
    base_value: float
    values: dict[str, float] | None = Field(
        None, description="What each column of a table added to the base value."
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
        attribution = explain(reader.estimator, reader.join(job.samples), **job.target)
        explanations = []
        for i in range(len(job)):
            explanation: dict[str, Any] = {
                "output_name": attribution.output_name,
                "output": float(attribution.output[i]),
                "base_value": float(attribution.base_value[i]),
            }
            if isinstance(reader, RowReader):
                values = attribution.values[i].tolist()
                explanation["values"] = dict(zip(reader.names, values, strict=True))
            else:
                explanation["picture"] = picture(AttributionDisplay(attribution), i)
            explanations.append(explanation)
        return explanations


def picture(display: AttributionDisplay, row: int) -> str:
    """The picture of one sample, as a data URL."""
    from matplotlib.figure import Figure

    # A figure of its own: pyplot would open a window, and keep the figure.
    axes = Figure(figsize=(6.4, 3.6), layout="constrained").subplots()
    display.plot(row=row, ax=axes)
    file = io.BytesIO()
    axes.figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    return SVG + base64.b64encode(file.getvalue()).decode()
