"""Series of numbers, equally long or not -> x (B, T, C), each channel standardised.

Outliers, missing numbers and those beyond the range of `fit` are read as in tables
(`lamina.encoders.numbers`); a long tail without outliers stays as it is.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Annotated, Any, Self

import numpy as np
import torch

from lamina.batch import Spec
from lamina.encoders.base import (
    Encoder,
    RaggedSamples,
    Samples,
    TensorSamples,
)
from lamina.encoders.containers import opened
from lamina.encoders.frames import is_frame
from lamina.encoders.history_params import column_name
from lamina.encoders.long_frame import Roles, read_frame
from lamina.encoders.names import check_names, text_names
from lamina.encoders.numbers import Numbers
from lamina.encoders.series_reader import SeriesList, read_series
from lamina.exceptions import DataError, warn_of_data
from lamina.params import Params, Use
from lamina.schema import Schema


class SeriesParams(Params):
    """How series lie in a frame."""

    id_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        """Of a frame with a row for each step: which series a row belongs to; series are
        in the order in which they first occur. None: each row of a frame is a series.""",
    ] = None
    time_column: Annotated[
        Hashable | None,
        column_name(),
        Use.FROZEN,
        "Of a frame with a row for each step: the order of the steps of a series.",
    ] = None


@dataclass(frozen=True)
class SeriesSchema(Schema):
    """The axes and the channels of series."""

    form: str = "series"
    n_axes: int = 2
    """Of a sample: 1 (steps,), 2 (steps, channels)."""
    n_channels: int = 1
    n_steps: int | None = None
    """Steps of every sample, where X was a 2-D array."""
    names: tuple[Hashable, ...] | None = None
    """The names of the columns, where X was a frame."""
    missing: tuple[int, ...] = ()
    """Channels in which numbers were missing."""


class SeriesEncoder(Encoder):
    """(n, T) is read as n univariate series, (n, T, C) as n series of C channels.

    A list of arrays (T_i,) or (T_i, C) holds series of unequal length; a frame holds a
    series in each row, or with `id_column` a step in each.
    """

    params = SeriesParams
    schema: SeriesSchema | None = None

    def __init__(self, params: Any):
        self.owner = type(params).__name__
        self.roles = Roles(params.id_column, params.time_column)

    def read(self, X: Any) -> SeriesList:
        """The series of X; the first that are read say which axes and channels there are."""
        X = opened(X, is_table=False)
        names = None
        if is_frame(X):
            X, names = read_frame(X, self.roles)
        elif self.roles != Roles():
            raise DataError("id_column and time_column are of a frame, and X is none.")
        n_axes, n_steps = self._axes(X)
        series = read_series(X, self.owner)
        if self.schema is None:
            self.schema = self._learnt(series, n_axes, n_steps, names)
        else:
            self._check(series, n_axes, n_steps, names)
        return series

    @property
    def n_features(self) -> int | None:
        """Columns of a 2-D X, channels of longer samples."""
        return self._known.n_steps or self._known.n_channels

    @property
    def feature_names(self) -> np.ndarray | None:
        """Names of the columns of a frame where all are strings."""
        return text_names(self._known.names)

    @property
    def _known(self) -> SeriesSchema:
        assert self.schema is not None
        return self.schema

    def _axes(self, X: Any) -> tuple[int, int | None]:
        """Axes of a sample, and the steps of all where X is one 2-D array."""
        if isinstance(X, np.ndarray):
            self._refuse_single(X)
            return X.ndim - 1, X.shape[1] if X.ndim == 2 else None
        return max(np.ndim(X[0]), 1), None

    def _refuse_single(self, X: np.ndarray) -> None:
        """One sample is not taken for many: its steps would be read as samples."""
        if X.ndim not in (1, 2, 3):
            raise DataError(f"X has {X.ndim} dimensions, which is not series data.")
        if self.schema is not None and self.schema.n_axes == 2 and X.ndim == 2:
            raise DataError(
                f"X has shape {X.shape}, and fit saw samples (steps, channels). If X is one "
                f"sample, pass X[None]; if it holds samples of one channel, X[:, :, None]."
            )

    def _learnt(
        self,
        series: SeriesList,
        n_axes: int,
        n_steps: int | None,
        names: tuple[Hashable, ...] | None,
    ) -> SeriesSchema:
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
                f"Channel {channel} of X has no number at all; leave it out."
            )
        return SeriesSchema(
            n_axes=n_axes,
            n_channels=n_channels,
            n_steps=n_steps,
            names=names,
            missing=tuple(missing.tolist()),
        )

    def _check(
        self,
        series: SeriesList,
        n_axes: int,
        n_steps: int | None,
        names: tuple[Hashable, ...] | None,
    ) -> None:
        schema, n_channels = self._known, series.flat.shape[1]
        if n_channels != schema.n_channels:
            raise DataError(
                f"X has series of {n_channels} channels, but this network was fitted "
                f"on {schema.n_channels}; pass the channels that fit saw."
            )
        if n_steps is not None and schema.n_steps is not None:
            check_names(self.owner, schema.names, names, n_steps, schema.n_steps)
        elif names is not None and schema.names is not None:
            check_names(self.owner, schema.names, names, n_channels, schema.n_channels)
        missing = np.flatnonzero(np.isnan(series.flat).any(0)).tolist()
        new = [i for i in missing if i not in schema.missing]
        if new:
            warn_of_data(
                f"Channel {new[0]} has missing numbers, and had none in fit; "
                f"they are replaced by its mean."
            )

    def fit(self, plain: SeriesList, weight: np.ndarray | None = None) -> Self:
        """Learn the location and scale of each channel."""
        step_weight = None if weight is None else np.repeat(weight, plain.lengths)
        self.numbers = Numbers(keeps_tails=True).fit(plain.flat, step_weight)
        missing = tuple(self.numbers.missing.tolist())
        self.schema = replace(self._known, missing=missing)
        self.spec = Spec(
            n_channels=self.numbers.n_channels,
            n_space=1,
            max_length=int(plain.lengths.max()),
        )
        return self

    def encode(self, plain: SeriesList) -> Samples:
        """The samples for a network."""
        flat, lengths = plain.flat, plain.lengths
        scaled = np.empty((len(flat), self.spec.n_channels), np.float32)
        self.numbers.write(flat, scaled)
        z = torch.from_numpy(scaled)
        if (lengths == lengths[0]).all():
            return TensorSamples(z.view(len(lengths), int(lengths[0]), -1))
        return RaggedSamples(z, torch.from_numpy(lengths))
