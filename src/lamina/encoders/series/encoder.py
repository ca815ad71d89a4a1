"""Series, of equal length or not -> x (B, T, C), each channel standardised.

Outliers, missing values and values beyond the range of `fit` are treated as in tables
(`lamina.encoders.standardizer`); a long tail without outliers is not compressed.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
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
from lamina.encoders.containers import unwrap
from lamina.encoders.frames import is_frame
from lamina.encoders.names import check_names, column_name, text_names
from lamina.encoders.series.frame import read_frame
from lamina.encoders.series.reader import SeriesList, read_series
from lamina.encoders.series.steps import Roles
from lamina.encoders.standardizer import Standardizer
from lamina.exceptions import DataError, warn_of_data
from lamina.params import Params, Use
from lamina.schema import Schema


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


@dataclass(frozen=True)
class SeriesSchema(Schema):
    """The axes and the channels of series."""

    form: str = "series"
    n_axes: int = 2
    """Axes of a sample: 1 for (steps,), 2 for (steps, channels)."""
    n_channels: int = 1
    n_steps: int | None = None
    """Steps of every sample, if X was a 2-D array."""
    names: tuple[Hashable, ...] | None = None
    """The names of the columns, if X was a frame."""
    missing: tuple[int, ...] = ()
    """Channels with missing values."""


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
        data, names = unwrap(X, is_table=False), None
        if is_frame(data):
            data, names = read_frame(data, self.roles)
        elif self.roles != Roles():
            raise DataError(
                f"id_column and time_column name columns of a frame, and X is a "
                f"{type(X).__name__}; pass a frame, or leave them at None."
            )
        n_axes, n_steps = self._axes(data)
        series = read_series(data, self.owner)
        if self.schema is None:
            self.schema = _schema_of(series, n_axes, n_steps, names)
        else:
            self._check(series, n_axes, n_steps, names)
        return series

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

    def _axes(self, X: np.ndarray | list) -> tuple[int, int | None]:
        """The axes of a sample; and the steps of all samples, if X is a 2-D array."""
        if isinstance(X, np.ndarray):
            self._refuse_single(X)
            return X.ndim - 1, X.shape[1] if X.ndim == 2 else None
        return max(np.ndim(X[0]), 1), None

    def _refuse_single(self, X: np.ndarray) -> None:
        """Refuse a single sample, whose steps would be read as samples."""
        if X.ndim not in (1, 2, 3):
            raise DataError(f"X has {X.ndim} dimensions, which is not series data.")
        if self.schema is not None and self.schema.n_axes == 2 and X.ndim == 2:
            raise DataError(
                f"X has shape {X.shape}, and samples had (steps, channels) in fit. If X is "
                f"one sample, pass X[None]; if its samples have one channel, X[:, :, None]."
            )

    def _check(
        self,
        series: SeriesList,
        n_axes: int,
        n_steps: int | None,
        names: tuple[Hashable, ...] | None,
    ) -> None:
        schema, n_channels = self._fitted, series.flat.shape[1]
        if n_channels != schema.n_channels:
            raise DataError(
                f"X has series of {n_channels} channels, but this network was fitted "
                f"on {schema.n_channels}; pass the channels of fit."
            )
        if n_steps is not None and schema.n_steps is not None:
            check_names(self.owner, schema.names, names, n_steps, schema.n_steps)
        elif names is not None and schema.names is not None:
            check_names(self.owner, schema.names, names, n_channels, schema.n_channels)
        missing = np.flatnonzero(np.isnan(series.flat).any(0)).tolist()
        new = [i for i in missing if i not in schema.missing]
        if new:
            warn_of_data(
                f"Channel {new[0]} has missing values, and had none in fit; "
                f"they are replaced by its mean."
            )

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


def _schema_of(
    series: SeriesList,
    n_axes: int,
    n_steps: int | None,
    names: tuple[Hashable, ...] | None,
) -> SeriesSchema:
    """The schema of the series in `fit`."""
    n_channels, longest = series.flat.shape[1], int(series.lengths.max())
    if n_channels > 2 * longest or (longest == 1 and n_channels > 1):
        warn_of_data(
            f"X is read as series of at most {longest} steps and {n_channels} channels; "
            f"if the channels come before the steps, exchange the axes, as in "
            f"X.transpose(0, 2, 1)."
        )
    is_missing = np.isnan(series.flat)
    missing = np.flatnonzero(is_missing.any(0))
    for channel in missing[is_missing[:, missing].all(0)]:
        raise DataError(
            f"All values of channel {channel} of X are missing; leave it out."
        )
    return SeriesSchema(
        n_axes=n_axes,
        n_channels=n_channels,
        n_steps=n_steps,
        names=names,
        missing=tuple(missing.tolist()),
    )
