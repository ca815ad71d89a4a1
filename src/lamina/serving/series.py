"""Series as lists of numbers, or of lists with a number for each channel."""

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from lamina.encoders.series.encoder import SeriesEncoder
from lamina.encoders.series.steps import Roles
from lamina.estimators.forecaster import SeriesForecaster
from lamina.exceptions import DataError
from lamina.serving.fields import rounded
from lamina.serving.readers import Reader, shown

MAX_EXAMPLE = 200
"""Steps of an example."""


class SeriesReader(Reader):
    """Series for a classifier, a regressor or a tagger; null is a missing value."""

    cost_limit = "max_steps"

    def __init__(self, estimator: Any):
        super().__init__(as_arrays(estimator))
        self.n_channels: int = self.estimator.schema_.n_channels

    @property
    def channels(self) -> list[str]:
        """The names of the channels."""
        names, n = self.estimator.schema_.names, self.n_channels
        if names is None or len(names) != n:
            return [f"x{k}" for k in range(n)]
        return [str(name) for name in names]

    def sample(self, value: Any, i: int) -> np.ndarray:
        return numbers(value, i, self.n_channels, "Sample")

    def cost(self, sample: np.ndarray, i: int) -> float:
        return len(sample)

    def json_schema(self) -> dict[str, Any]:
        number = {"type": ["number", "null"]}
        step = {"type": "array", "items": number, "minItems": self.n_channels}
        return {"type": "array", "items": number if self.n_channels == 1 else step}

    def example(self) -> Any:
        encoder = self.estimator.encoder_
        assert isinstance(encoder, SeriesEncoder)
        scaler, n = encoder.standardizer, encoder.spec.max_length
        n_steps = min(self.estimator.schema_.n_steps or n or MAX_EXAMPLE, MAX_EXAMPLE)
        wave = np.sin(np.linspace(0, 4 * np.pi, n_steps))[:, None]
        return listed(scaler.mean + wave * scaler.scale)


class HistoryReader(Reader):
    """Histories for a forecaster."""

    cost_limit = "max_steps"

    def __init__(self, estimator: Any):
        super().__init__(as_arrays(estimator))
        self.n_channels: int = self.estimator.schema_.n_columns

    @property
    def channels(self) -> list[str]:
        """The names of the columns, the one that is forecast first."""
        names = self.estimator.series_.columns
        default = ["value", *(f"x{k}" for k in range(1, self.n_channels))]
        return default if names is None else [str(name) for name in names]

    def sample(self, value: Any, i: int) -> np.ndarray:
        return numbers(value, i, self.n_channels, "Sample")

    def future(self, value: Any, i: int) -> np.ndarray:
        """The next values of the known columns, (horizon, n_known)."""
        n_known = len(self.estimator.encoder_.known_columns)
        array = numbers(value, i, n_known, "The future of sample")
        return array.reshape(len(array), n_known)

    def cost(self, sample: np.ndarray, i: int) -> float:
        return len(sample)

    def json_schema(self) -> dict[str, Any]:
        number = {"type": ["number", "null"]}
        step = {"type": "array", "items": number, "minItems": self.n_channels}
        return {"type": "array", "items": number if self.n_channels == 1 else step}

    def example(self) -> Any:
        return listed(self.estimator.series_.values[0][-MAX_EXAMPLE:])


def as_arrays(estimator: Any) -> Any:
    """A copy of an estimator that takes arrays, if it was fitted on frames too."""
    encoder = copy(estimator.encoder_)
    encoder.roles = Roles()
    estimator = copy(estimator)
    if isinstance(estimator, SeriesForecaster):
        encoder.schema = replace(encoder.schema, columns=None)
        estimator.schema_ = encoder.schema
    estimator.encoder_ = encoder
    return estimator


def numbers(value: Any, i: int, n_channels: int, what: str) -> np.ndarray:
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
