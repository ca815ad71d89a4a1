"""Samples that are series in a frame: a series in each row, or a step in each row."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.encoders.frames import table_of
from lamina.encoders.names import refuse_duplicates
from lamina.encoders.series.regular import ordered_panel
from lamina.encoders.series.steps import numbers_of, read_steps
from lamina.exceptions import DataError


@dataclass(frozen=True)
class Roles:
    """Which columns of a frame say whose step a row is, and when it was."""

    id_column: Hashable | None = None
    time_column: Hashable | None = None
    value_column: None = None
    """No column comes before the others."""


def read_frame(X: Any, roles: Roles) -> tuple[Any, tuple[Hashable, ...]]:
    """An array (n, T), or a list of arrays (T_i, C); and the names of T or C columns."""
    if roles.id_column is None:
        if roles.time_column is not None:
            raise DataError(
                "time_column needs id_column, which says whose step a row is."
            )
        return _wide(X)
    steps = read_steps(X, roles, needs_value=False)
    if not steps.columns:
        raise DataError(
            f"X has no column beside id_column={roles.id_column!r} and time_column="
            f"{roles.time_column!r}, so its series have no numbers."
        )
    panel, _ = ordered_panel(steps)
    return panel.values, tuple(steps.columns)


def _wide(X: Any) -> tuple[np.ndarray, tuple[Hashable, ...]]:
    """A series in each row, a column for each step."""
    table = table_of(X)
    labels = table.labels or []
    refuse_duplicates(labels)
    numbers = table.numbers(np.arange(table.n_columns))
    if numbers is None:
        columns = [
            numbers_of(table.column(i).array, f"Column {label!r}")
            for i, label in enumerate(labels)
        ]
        numbers = np.stack(columns, 1)
    return numbers, tuple(labels)
