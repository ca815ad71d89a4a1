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
from lamina.encoders.long_frame import read_frame
from lamina.encoders.names import check_names, text_names
from lamina.encoders.numbers import Numbers
from lamina.exceptions import DataError, warn_of_data
from lamina.params import Params, Rule, Use, none
from lamina.schema import Schema


def column_name() -> Rule:
    """The name of a column."""
    return Rule("str", lambda v: isinstance(v, str))


class SeriesParams(Params):
    """How series lie in a frame."""

    id_column: Annotated[
        str | None,
        column_name(),
        none(),
        Use.FROZEN,
        """Of a frame with a row for each step: which series a row belongs to; series are
        in the order in which they first occur. None: each row of a frame is a series.""",
    ] = None
    time_column: Annotated[
        str | None,
        column_name(),
        none(),
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


@dataclass
class SeriesList:
    """Series end to end: flat (total steps, C), and the number of steps of each (n,)."""

    flat: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: np.ndarray) -> "SeriesList":
        stops = self.lengths.cumsum()
        parts = [self.flat[stops[i] - self.lengths[i] : stops[i]] for i in rows]
        return SeriesList(np.concatenate(parts), self.lengths[rows])


class SeriesEncoder(Encoder):
    """(n, T) is read as n univariate series, (n, T, C) as n series of C channels.

    A list of arrays (T_i,) or (T_i, C) holds series of unequal length; a frame holds a
    series in each row, or with `id_column` a step in each.
    """

    params = SeriesParams
    schema: SeriesSchema | None = None

    def __init__(self, params: Any):
        self.owner = type(params).__name__
        self.id_column: str | None = params.id_column
        self.time_column: str | None = params.time_column

    def read(self, X: Any) -> SeriesList:
        """The series of X; the first that are read say which axes and channels there are."""
        X = opened(X, is_table=False)
        names = None
        if is_frame(X):
            X, names = read_frame(X, self.id_column, self.time_column)
        elif self.id_column is not None or self.time_column is not None:
            raise DataError("id_column and time_column are of a frame, and X is none.")
        n_axes, n_steps = self._axes(X)
        series = (
            _read_array(X, self.owner) if isinstance(X, np.ndarray) else _read_list(X)
        )
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
        missing = np.flatnonzero(np.isnan(series.flat).any(0))
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
        has_new = np.isnan(series.flat).any(0)
        has_new[list(schema.missing)] = False
        if has_new.any():
            warn_of_data(
                f"Channel {int(has_new.argmax())} has missing numbers, and had none in fit; "
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


def _read_array(X: np.ndarray, owner: str) -> SeriesList:
    if X.ndim == 1:
        raise DataError(
            f"Expected 2D array, got 1D array instead: {owner} takes many samples. Reshape "
            f"your data using X.reshape(1, -1) if it is a single sample."
        )
    if 0 in X.shape:
        what = "feature(s)" if len(X) else "sample(s)"
        raise DataError(
            f"Found array with 0 {what} (shape={X.shape}) while a minimum of 1 is required "
            f"by {owner}."
        )
    X = X[:, :, None] if X.ndim == 2 else X
    n, steps, channels = X.shape
    flat = _numbers(X.reshape(n * steps, channels), "X")
    return _checked(SeriesList(flat, np.full(n, steps)))


def _read_list(X: list) -> SeriesList:
    samples = [_as_columns(sample, i) for i, sample in enumerate(X)]
    expected = samples[0].shape[1]
    for i, sample in enumerate(samples):
        if sample.shape[1] != expected:
            raise DataError(
                f"Sample {i} has {sample.shape[1]} channels, sample 0 has {expected}; "
                f"a series is (steps, channels) with the same channels everywhere. If the "
                f"channels come first, transpose each sample."
            )
    lengths = np.array([len(s) for s in samples])
    return _checked(SeriesList(np.concatenate(samples), lengths))


def _as_columns(sample: Any, i: int) -> np.ndarray:
    if sample is None or isinstance(sample, str | bytes | dict):
        raise DataError(f"Sample {i} is {sample!r}; a series is an array of numbers.")
    array = _numbers(sample, f"Sample {i}")
    array = array[:, None] if array.ndim == 1 else array
    if array.ndim != 2:
        raise DataError(
            f"Sample {i} has {array.ndim} dimensions; a series has (steps,) "
            f"or (steps, channels)."
        )
    if 0 in array.shape:
        raise DataError(f"Sample {i} has zero steps; leave empty series out.")
    return array


def _numbers(values: Any, what: str) -> np.ndarray:
    """Single precision stays as it is; any other type of number becomes double."""
    if isinstance(values, np.ma.MaskedArray):
        values = values.astype(np.float64).filled(np.nan)
    try:
        array = np.asarray(values)
        if array.dtype.kind in "cmMUSV":
            raise TypeError(f"it holds {array.dtype}")
        if array.dtype.kind == "O":
            array = np.asarray(np.frompyfunc(_number, 1, 1)(array))
        is_single = array.dtype == np.float32
        return array if is_single else array.astype(np.float64, copy=False)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(
            f"{what} is not an array of numbers: {error}. Complex data not supported."
            if "complex" in str(error)
            else f"{what} is not an array of numbers: {error}."
        ) from None


def _number(value: Any) -> float:
    if value is None:
        return np.nan
    if isinstance(value, str | bytes):
        raise TypeError(f"an argument must be a number, not the string {value!r}")
    try:
        return float(value)
    except TypeError:
        raise TypeError(
            f"an argument must be neither a string nor any object but a number, "
            f"and not {value!r}"
        ) from None


def _checked(series: SeriesList) -> SeriesList:
    bad = np.isinf(series.flat).any(1)
    if bad.any():
        step = int(bad.argmax())
        sample = int(np.searchsorted(series.lengths.cumsum(), step, side="right"))
        raise DataError(
            f"Sample {sample} of X contains infinity; replace it, by NaN if the value is "
            f"not known."
        )
    for channel in np.flatnonzero(np.isnan(series.flat).all(0)):
        raise DataError(f"Channel {channel} of X has no number at all; leave it out.")
    return series
