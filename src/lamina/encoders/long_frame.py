"""Series in a frame: a series in each row, or with an id column a step in each."""

from collections.abc import Hashable
from typing import Any

import numpy as np

from lamina.encoders.columns import column_of, converted
from lamina.encoders.frames import Table, Values, table_of
from lamina.encoders.names import refuse_duplicates
from lamina.exceptions import DataError
from lamina.missing import is_missing

Names = tuple[Hashable, ...]


def read_frame(
    X: Any, id_column: str | None, time_column: str | None
) -> tuple[Any, Names]:
    """An array (n, T), or a list of arrays (T_i, C); and the names of T or C columns."""
    table = table_of(X)
    labels = table.labels or []
    refuse_duplicates(labels)
    if id_column is None:
        if time_column is not None:
            raise DataError(
                "time_column needs id_column, which says whose step a row is."
            )
        return _numbers_of(table, labels), tuple(labels)
    for name, column in (("id_column", id_column), ("time_column", time_column)):
        if column is not None and column not in labels:
            raise DataError(f"{name}={column!r} is not a column of {labels!r}.")
    channels = [c for c in labels if c not in (id_column, time_column)]
    if not channels:
        raise DataError(
            f"X has no column beside {labels!r}, so its series have no numbers."
        )
    numbers, ids = _numbers_of(table, channels), _ids(table, id_column)
    first: dict[Any, int] = {}
    owners = np.array([first.setdefault(i, len(first)) for i in ids])
    if time_column is not None:
        order = _order(table, time_column, owners)
        numbers, owners = numbers[order], owners[order]
    by_owner = np.argsort(owners, kind="stable")
    stops = np.bincount(owners).cumsum()
    return np.split(numbers[by_owner], stops[:-1]), tuple(channels)


def _numbers_of(table: Table, names: list) -> np.ndarray:
    labels = table.labels or []
    places = np.array([labels.index(name) for name in names])
    numbers = table.numbers(places)
    if numbers is not None:
        return numbers
    columns = []
    for i in places:
        values = table.column(i)
        column = column_of(labels[i], values, False)
        if column.kind != "number":
            raise DataError(
                f"Column {labels[i]!r} holds {column.kind} values; a series is numbers. "
                f"Encode it as numbers, or leave it out."
            )
        columns.append(converted(column, values))
    return np.stack(columns, 1)


def _ids(table: Table, name: str) -> list[Hashable]:
    ids = _values_of(table, name).array.tolist()
    for row, value in enumerate(ids):
        if is_missing(value):
            raise DataError(f"Column {name!r} has no id in row {row}.")
    return ids


def _order(table: Table, name: str, owners: np.ndarray) -> np.ndarray:
    """Rows by time; a missing time, and one that a series has twice, is refused."""
    values = _values_of(table, name)
    column = column_of(name, values, False)
    if column.kind == "category":
        raise DataError(
            f"Column {name!r} holds neither times nor numbers, such as "
            f"{values.array[0]!r}; convert it by pandas.to_datetime."
        )
    times = converted(column, values).reshape(len(owners), -1)[:, 0]
    if np.isnan(times).any():
        row = int(np.isnan(times).argmax())
        raise DataError(f"Column {name!r} has no time in row {row}.")
    order = np.lexsort((times, owners))
    same = (np.diff(times[order]) == 0) & (np.diff(owners[order]) == 0)
    if same.any():
        row = int(order[1:][same][0])
        raise DataError(f"The time of row {row} stands twice in its series ({name!r}).")
    return order


def _values_of(table: Table, name: str) -> Values:
    return table.column((table.labels or []).index(name))
