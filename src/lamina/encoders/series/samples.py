"""Series in any container -> their steps, checked against those that `fit` saw."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lamina.encoders.containers import unwrap
from lamina.encoders.frames import is_frame
from lamina.encoders.names import check_names
from lamina.encoders.series.frame import read_frame
from lamina.encoders.series.reader import SeriesList, read_series
from lamina.encoders.series.steps import Roles
from lamina.exceptions import DataError, warn_of_data
from lamina.schema import Schema


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


class SeriesSamples(NamedTuple):
    """The series of X, and its form."""

    series: SeriesList
    n_axes: int
    """Axes of a sample."""
    n_steps: int | None
    """The steps of all samples, if X is a 2-D array."""
    names: tuple[Hashable, ...] | None
    """The names of the columns, if X is a frame."""


def read_samples(
    X: object, roles: Roles, owner: str, fitted: SeriesSchema | None
) -> SeriesSamples:
    """The series of X, checked against the schema of `fit` if there is one."""
    data, names = unwrap(X, is_table=False), None
    if is_frame(data):
        data, names = read_frame(data, roles)
    elif roles != Roles():
        raise DataError(
            f"id_column and time_column name columns of a frame, and X is a "
            f"{type(X).__name__}; pass a frame, or leave them at None."
        )
    n_axes, n_steps = _axes(data, fitted)
    read = SeriesSamples(read_series(data, owner), n_axes, n_steps, names)
    if fitted is not None:
        _check(read, owner, fitted)
    return read


def _axes(X: np.ndarray | list, fitted: SeriesSchema | None) -> tuple[int, int | None]:
    """The axes of a sample; and the steps of all samples, if X is a 2-D array."""
    if isinstance(X, np.ndarray):
        _refuse_single(X, fitted)
        return X.ndim - 1, X.shape[1] if X.ndim == 2 else None
    return max(np.ndim(X[0]), 1), None


def _refuse_single(X: np.ndarray, fitted: SeriesSchema | None) -> None:
    """Refuse a single sample, whose steps would be read as samples."""
    if X.ndim not in (1, 2, 3):
        raise DataError(f"X has {X.ndim} dimensions, which is not series data.")
    if fitted is not None and fitted.n_axes == 2 and X.ndim == 2:
        raise DataError(
            f"X has shape {X.shape}, and samples had (steps, channels) in fit. If X is "
            f"one sample, pass X[None]; if its samples have one channel, X[:, :, None]."
        )


def _check(read: SeriesSamples, owner: str, fitted: SeriesSchema) -> None:
    """Raise if the series are not of the form of `fit`."""
    series, n_channels = read.series, read.series.flat.shape[1]
    if n_channels != fitted.n_channels:
        raise DataError(
            f"X has series of {n_channels} channels, but this network was fitted "
            f"on {fitted.n_channels}; pass the channels of fit."
        )
    names, n_steps = read.names, read.n_steps
    if n_steps is not None and fitted.n_steps is not None:
        check_names(owner, fitted.names, names, n_steps, fitted.n_steps)
    elif names is not None and fitted.names is not None:
        check_names(owner, fitted.names, names, n_channels, fitted.n_channels)
    missing = np.flatnonzero(np.isnan(series.flat).any(0)).tolist()
    new = [i for i in missing if i not in fitted.missing]
    if new:
        warn_of_data(
            f"Channel {new[0]} has missing values, and had none in fit; "
            f"they are replaced by its mean."
        )


def schema_of(read: SeriesSamples) -> SeriesSchema:
    """The schema of the series in `fit`."""
    series = read.series
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
        n_axes=read.n_axes,
        n_channels=n_channels,
        n_steps=read.n_steps,
        names=read.names,
        missing=tuple(missing.tolist()),
    )
