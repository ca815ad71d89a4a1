"""Frames and series of a data library with a row for each step -> values, ids and times.

`Roles` names the columns, or levels of pandas' index, that are the id and the time. Levels
of the index that it does not name are used as follows: dates, periods, texts and
increasing integers are the time, and the other one of two levels is the id.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from lamina.encoders.names import refuse_duplicates
from lamina.encoders.series.times import TimeKind, Times, read_times
from lamina.exceptions import DataError, warn_of_data
from lamina.missing import as_array, is_missing
from lamina.numeric import as_floats
from lamina.state import Stored

RESET = "pass X.reset_index(drop=True) if its rows are the steps in order"


@dataclass(frozen=True)
class Roles(Stored):
    """The columns of a frame, or levels of its index, with a role."""

    id_column: Hashable | None = None
    """Names the series of a row."""
    time_column: Hashable | None = None
    value_column: Hashable | None = None
    """What is forecast."""


@dataclass(frozen=True)
class Source(Stored):
    """The container of the series in X, to return forecasts in the same container."""

    container: str = "arrays"
    """"arrays", "series" or "frame"."""
    library: Any = None
    """The data library, a `narwhals.Implementation`."""
    is_single: bool = False
    """Whether X was a single series."""
    name: Hashable = None
    """The name of a pandas or polars series."""
    value: Hashable = None
    """The column that is forecast."""
    id: Hashable = None
    time: Hashable = None
    id_in_index: bool = False
    time_in_index: bool = False
    kind: TimeKind | None = None
    """The type of the time stamps; None without time stamps."""


@dataclass
class Steps:
    """The rows of a frame: numeric columns, the value first, with ids and times."""

    columns: dict[Hashable, np.ndarray]
    source: Source
    ids: list | None = None
    times: Times | None = None


@dataclass
class _Parts:
    """Columns and levels of the index without a role so far."""

    columns: dict[Hashable, nw.Series]
    levels: dict[Hashable, nw.Series] = field(default_factory=dict)

    def pop(self, label: Hashable, parameter: str) -> tuple[nw.Series, bool]:
        """Remove and return the column or level; and whether it was in the index."""
        for parts in (self.columns, self.levels):
            if label in parts:
                return parts.pop(label), parts is self.levels
        index = f" nor a level of the index {list(self.levels)!r}"
        raise DataError(
            f"{parameter}={label!r} is not a column of {list(self.columns)!r}"
            f"{index if self.levels else ''}."
        )


def is_native(X: object) -> bool:
    """Whether X is a frame or a series of a data library."""
    if isinstance(X, np.ndarray | list | tuple):
        return False
    if nw.dependencies.is_into_lazyframe(X) and not _is_eager(X):
        raise DataError("X is a lazy frame; pass X.collect().")
    return _is_eager(X) or nw.dependencies.is_into_series(X)


def read_steps(X: Any, roles: Roles, needs_value: bool = True) -> Steps:
    """The values, ids and times of a frame or a series."""
    parts, library, name = _parts_of(X)
    if not all(map(len, parts.columns.values())):
        raise DataError("Found array with 0 sample(s): X has columns and no rows.")
    is_series = not _is_eager(X)
    ids = times = id_label = time_label = None
    id_in_index = time_in_index = False
    if roles.id_column is not None:
        id_label = roles.id_column
        ids, id_in_index = parts.pop(id_label, "id_column")
    if roles.time_column is not None:
        time_label = roles.time_column
        times, time_in_index = parts.pop(time_label, "time_column")
    elif parts.levels:
        time_label, times = _time_level(parts, ids is not None)
        time_in_index = times is not None
    if ids is None and parts.levels and time_in_index:
        id_label, ids, id_in_index = *parts.levels.popitem(), True
    value = name if is_series else _value_label(parts, roles.value_column, needs_value)
    others = [label for label in parts.columns if label != value]
    labels = [value, *others] if value in parts.columns else others
    if not is_series:
        _refuse_texts({c: parts.columns[c] for c in labels}, roles)
    columns = {c: floats_of(parts.columns[c], f"Column {c!r}") for c in labels}
    stamps = None
    if times is not None:
        stamps = read_times(times, _named("Column", time_label, time_in_index))
    source = Source(
        container="series" if is_series else "frame",
        library=library,
        is_single=ids is None,
        name=X.name if is_series else None,
        value=value,
        id=id_label,
        time=time_label,
        id_in_index=id_in_index,
        time_in_index=time_in_index,
        kind=None if stamps is None else stamps.kind,
    )
    return Steps(columns, source, _ids_of(ids, id_label), stamps)


def floats_of(column: nw.Series | np.ndarray, name: str) -> np.ndarray:
    """A column or an array of numbers as floats, NaN where a value is missing."""
    if isinstance(column, nw.Series):
        is_numeric = column.dtype.is_numeric() or column.dtype == nw.Boolean
        if is_numeric and not column.is_null().any():
            return np.asarray(column.to_numpy(), dtype=np.float64)
        column = np.array([*column.to_list(), None], dtype=object)[:-1]
    array = as_array(column)
    if array.ndim == 0:
        raise DataError(f"{name} is {column!r:.60}; a series is an array of numbers.")
    return as_floats(array, name)


def _is_eager(X: object) -> bool:
    if not nw.dependencies.is_into_dataframe(X):
        return False
    return not nw.dependencies.is_narwhals_lazyframe(X)


def _parts_of(X: Any) -> tuple[_Parts, nw.Implementation, Hashable]:
    """The columns and levels of X, the library, and the name of a series."""
    native = nw.to_native(X, pass_through=True)
    if not _is_eager(X):
        series = nw.from_native(X, series_only=True)
        name = series.name if series.name not in (None, "") else "value"
        return _Parts({name: series}, _levels(native)), series.implementation, name
    if nw.dependencies.is_pandas_like_dataframe(native):
        labels = list(native.columns)
        refuse_duplicates(labels)
        columns = {
            label: nw.from_native(native.iloc[:, j], series_only=True)
            for j, label in enumerate(labels)
        }
        library = nw.from_native(native.iloc[:, :0], eager_only=True).implementation
        return _Parts(columns, _levels(native)), library, None
    frame = nw.from_native(X, eager_only=True)
    columns = {label: frame[label] for label in frame.columns}
    return _Parts(columns), frame.implementation, None


def _levels(native: Any) -> dict[Hashable, nw.Series]:
    """The levels of pandas' index, by name, or by position where they have none."""
    if not (
        nw.dependencies.is_pandas_like_dataframe(native)
        or nw.dependencies.is_pandas_like_series(native)
    ):
        return {}
    index, levels = native.index, {}
    for number, name in enumerate(index.names):
        values = index.get_level_values(number).to_series()
        label = number if name is None else name
        levels[label] = nw.from_native(values, series_only=True)
    if len(levels) > 2:
        raise DataError(
            f"The index of X has {len(levels)} levels, {list(levels)!r}; it may have two, "
            f"the id and the time. Join several levels into one id."
        )
    return levels


def _time_level(parts: _Parts, has_id: bool) -> tuple[Hashable, nw.Series | None]:
    """Remove and return the level of the index that is the time; (None, None) if none."""
    labels = list(parts.levels)
    dated = [label for label in labels if _is_dated(parts.levels[label])]
    label = dated[-1] if dated else labels[-1]
    level = parts.levels[label]
    if label in dated or len(labels) > 1:
        return label, parts.levels.pop(label)
    if not level.dtype.is_numeric():
        parts.levels.pop(label)
        return label, level
    parts.levels.clear()
    if has_id:
        return None, None
    if (np.diff(level.to_numpy().astype(np.float64)) > 0).all():
        return label, level
    warn_of_data(
        "The index of X is integers that do not increase; its rows are read as steps in "
        "this order. Pass time_column to order them, or X.reset_index(drop=True)."
    )
    return None, None


def _is_dated(level: nw.Series) -> bool:
    dtype = level.dtype
    is_native = str(level.to_native().dtype).startswith(("period[", "datetime64["))
    return is_native or isinstance(dtype, nw.Datetime) or dtype == nw.Date


def _value_label(parts: _Parts, value: Hashable, needs_value: bool) -> Hashable:
    """The label of the column that is forecast; None if it is not determined."""
    labels = list(parts.columns)
    if value is not None:
        if needs_value and value not in labels:
            raise DataError(f"value_column={value!r} is not a column of {labels!r}.")
        return value
    if len(labels) != 1 and needs_value:
        raise DataError(
            f"X has the columns {labels!r} beside id and time; pass the one to forecast as "
            f"value_column (and id_column and time_column, if these are among them)."
        )
    return labels[0] if len(labels) == 1 else None


def _ids_of(column: nw.Series | None, label: Hashable) -> list | None:
    if column is None:
        return None
    ids = column.to_list()
    for row, value in enumerate(ids):
        if is_missing(value):
            raise DataError(
                f"Column {label!r} has a missing id in row {row}; fill it in or drop the "
                f"row."
            )
    return ids


def _refuse_texts(columns: dict[Hashable, nw.Series], roles: Roles) -> None:
    """Raise for a column of texts, which is often the id or belongs to no step."""
    role, parameter = "series", "id_column"
    if roles.id_column is not None:
        role, parameter = "times", "time_column"
    for label, column in columns.items():
        if column.dtype not in (nw.String, nw.Categorical, nw.Enum):
            continue
        for row, value in enumerate(column.to_list()):
            if not is_missing(value):
                raise DataError(
                    f"Column {label!r} is not an array of numbers: row {row} is "
                    f"{value!r:.80}, and the steps of series are numbers. If it has the "
                    f"{role}, pass it as {parameter}; otherwise leave it out."
                )


def _named(what: str, label: Hashable, in_index: bool) -> str:
    return "The index of X" if in_index else f"{what} {label!r}"
