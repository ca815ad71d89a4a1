"""Series as lists of numbers, or of lists with a number for each channel."""

from abc import abstractmethod
from collections.abc import Hashable
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from lamina.encoders.forecasting.encoder import HistoryEncoder
from lamina.encoders.series.encoder import SeriesEncoder
from lamina.encoders.series.panel import PanelSchema
from lamina.encoders.series.samples import SeriesSchema
from lamina.encoders.series.steps import Roles
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.forecaster import SeriesForecaster
from lamina.exceptions import DataError
from lamina.serving.fields import rounded
from lamina.serving.readers import FormSchema, Reader, shown

MAX_EXAMPLE = 200
"""Steps of an example."""


class StepsReader(Reader[FormSchema, np.ndarray]):
    """Abstract: series of any kind; null is a missing value."""

    cost_limit = "max_steps"
    n_channels: int
    known_columns: tuple[Hashable, ...] = ()
    """The channels of which the future is passed too."""

    @property
    @abstractmethod
    def channels(self) -> list[str]:
        """The names of the channels."""

    def sample(self, value: object, i: int) -> np.ndarray:
        return numbers(value, i, self.n_channels, "Sample")

    def cost(self, sample: np.ndarray, i: int) -> float:
        return len(sample)

    def json_schema(self) -> dict[str, Any]:
        number = {"type": ["number", "null"]}
        step = {"type": "array", "items": number, "minItems": self.n_channels}
        return {"type": "array", "items": number if self.n_channels == 1 else step}


class SeriesReader(StepsReader[SeriesSchema]):
    """Series for a classifier, a regressor or a tagger."""

    def __init__(self, estimator: NeuralEstimator, schema: SeriesSchema):
        encoder, estimator = copy(estimator.encoder_), copy(estimator)
        assert isinstance(encoder, SeriesEncoder)
        encoder.roles = Roles()  # arrays, if it was fitted on frames too
        estimator.encoder_ = self.encoder = encoder
        super().__init__(estimator, schema)
        self.n_channels = schema.n_channels

    @property
    def channels(self) -> list[str]:
        names, n = self.schema.names, self.n_channels
        if names is None or len(names) != n:
            return [f"x{k}" for k in range(n)]
        return [str(name) for name in names]

    def example(self) -> Any:
        scaler, n = self.encoder.standardizer, self.encoder.spec.max_length
        n_steps = min(self.schema.n_steps or n or MAX_EXAMPLE, MAX_EXAMPLE)
        wave = np.sin(np.linspace(0, 4 * np.pi, n_steps))[:, None]
        return listed(scaler.mean + wave * scaler.scale)


class HistoryReader(StepsReader[PanelSchema]):
    """Histories for a forecaster; the first channel is forecast."""

    def __init__(self, estimator: NeuralEstimator, schema: PanelSchema):
        encoder, estimator = copy(estimator.encoder_), copy(estimator)
        assert isinstance(encoder, HistoryEncoder)
        assert isinstance(estimator, SeriesForecaster)
        encoder.roles = Roles()  # arrays, if it was fitted on frames too
        encoder.schema = estimator.schema_ = replace(schema, columns=None)
        estimator.encoder_ = encoder
        super().__init__(estimator, schema)
        self.series, self.horizon = estimator.series_, encoder.horizon
        self.n_channels, self.known_columns = schema.n_columns, encoder.known_columns

    @property
    def channels(self) -> list[str]:
        names = self.series.columns
        default = ["value", *(f"x{k}" for k in range(1, self.n_channels))]
        return default if names is None else [str(name) for name in names]

    def future(self, value: object, i: int) -> np.ndarray:
        """The next values of the known columns, (horizon, n_known)."""
        n_known = len(self.known_columns)
        array = numbers(value, i, n_known, "The future of sample")
        return array.reshape(len(array), n_known)

    def example(self) -> Any:
        return listed(self.series.values[0][-MAX_EXAMPLE:])


def numbers(value: object, i: int, n_channels: int, what: str) -> np.ndarray:
    """(T,) or (T, C) of a value of JSON."""
    if not isinstance(value, list) or not value:
        raise DataError(f"{what} {i} is {shown(value)}; pass a list with its steps.")
    for step, each in enumerate(value):
        row = each if isinstance(each, list) else [each]
        if len(row) != n_channels:
            raise DataError(
                f"{what} {i} has {len(row)} values in step {step}; pass {n_channels}."
            )
        for v in row:
            if isinstance(v, bool) or not isinstance(v, int | float | None):
                raise DataError(
                    f"{what} {i} has {shown(v)} in step {step}; pass a number, or null "
                    f"if it is missing."
                )
    try:
        array = np.array(value, dtype=np.float64)
    except (ValueError, OverflowError):
        raise DataError(
            f"{what} {i} has steps of several kinds, or a number that is out of range; "
            f"pass a number for each step, or a list for each."
        ) from None
    return array[:, 0] if array.ndim == 2 and n_channels == 1 else array


def listed(array: np.ndarray) -> list:
    """(T, C) as a value of JSON, rounded, with null for NaN; numbers if C is 1."""
    rows = [
        [None if np.isnan(v) else rounded(v) for v in row] for row in array.tolist()
    ]
    return [row[0] for row in rows] if array.shape[1] == 1 else rows
