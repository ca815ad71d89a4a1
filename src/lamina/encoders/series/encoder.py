"""Series, of equal length or not -> x (B, T, C), each channel standardised.

Outliers, missing values and values beyond the range of `fit` are treated as in tables
(`lamina.encoders.standardizer`); a long tail without outliers is not compressed.
"""

from collections.abc import Hashable
from dataclasses import replace
from typing import Annotated, Self

import numpy as np
import torch

from lamina.batch import Spec
from lamina.encoders.base import (
    Encoder,
    RaggedSamples,
    Samples,
    TensorSamples,
)
from lamina.encoders.names import column_name, text_names
from lamina.encoders.series.reader import SeriesList
from lamina.encoders.series.samples import SeriesSchema, read_samples, schema_of
from lamina.encoders.series.steps import Roles
from lamina.encoders.standardizer import Standardizer
from lamina.params import Params, Use


class SeriesParams(Params):
    """The columns of a frame with a row for each step."""

    id_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        """Column of a frame with a row for each step that names the series of the row;
        series are in the order of their first rows. None: each row of a frame is a
        series.""",
    ] = None
    time_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        "Column of a frame with a row for each step by which a series is ordered.",
    ] = None


class SeriesEncoder(Encoder[SeriesList]):
    """Arrays (n, T) or (n, T, C), lists of arrays (T_i,) or (T_i, C), and frames.

    A frame has a series in each row, or with `id_column` a step in each row.
    """

    params = SeriesParams
    schema: SeriesSchema | None = None

    def __init__(self, params: SeriesParams):
        self.owner = type(params).__name__
        self.roles = Roles(params.id_column, params.time_column)

    def read(self, X: object) -> SeriesList:
        """The series of X; the first call learns the axes and the channels."""
        read = read_samples(X, self.roles, self.owner, self.schema)
        if self.schema is None:
            self.schema = schema_of(read)
        return read.series

    @property
    def n_features(self) -> int | None:
        """The steps of a 2-D X, otherwise the channels."""
        return self._fitted.n_steps or self._fitted.n_channels

    @property
    def feature_names(self) -> np.ndarray | None:
        """The names of the columns of a frame, if all are strings."""
        return text_names(self._fitted.names)

    @property
    def _fitted(self) -> SeriesSchema:
        assert self.schema is not None
        return self.schema

    def fit(self, plain: SeriesList, weight: np.ndarray | None = None) -> Self:
        """Learn the location and scale of each channel."""
        step_weight = None if weight is None else np.repeat(weight, plain.lengths)
        self.standardizer = Standardizer(keeps_tails=True).fit(plain.flat, step_weight)
        missing = tuple(self.standardizer.missing.tolist())
        self.schema = replace(self._fitted, missing=missing)
        self.spec = Spec(
            n_channels=self.standardizer.n_channels,
            n_space=1,
            max_length=int(plain.lengths.max()),
        )
        return self

    def encode(self, plain: SeriesList) -> Samples:
        """The samples for a network."""
        flat, lengths = plain.flat, plain.lengths
        scaled = np.empty((len(flat), self.spec.n_channels), np.float32)
        self.standardizer.write(flat, scaled, plain.place)
        z = torch.from_numpy(scaled)
        if (lengths == lengths[0]).all():
            return TensorSamples(z.view(len(lengths), int(lengths[0]), -1))
        return RaggedSamples(z, torch.from_numpy(lengths))
