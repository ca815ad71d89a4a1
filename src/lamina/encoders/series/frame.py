"""Series in a frame: a series in each row, or a step in each row."""

from collections.abc import Hashable

import numpy as np

from lamina.encoders.frames import table_of
from lamina.encoders.names import refuse_duplicates
from lamina.encoders.series.regular import ordered_panel
from lamina.encoders.series.steps import Roles, floats_of, read_steps
from lamina.exceptions import DataError


def read_frame(
    X: object, roles: Roles
) -> tuple[np.ndarray | list[np.ndarray], tuple[Hashable, ...]]:
    """An array (n, T), or a list of arrays (T_i, C); and the names of T or C columns."""
    if roles.id_column is None:
        if roles.time_column is not None:
            raise DataError(
                "time_column needs id_column, the column that names the series of a row."
            )
        return _wide(X)
    steps = read_steps(X, roles, needs_value=False)
    if not steps.columns:
        raise DataError(
            f"X has no column beside id_column={roles.id_column!r} and time_column="
            f"{roles.time_column!r}, so its series have no values."
        )
    panel, _ = ordered_panel(steps)
    return panel.values, tuple(steps.columns)


def _wide(X: object) -> tuple[np.ndarray, tuple[Hashable, ...]]:
    """A series in each row, a column for each step."""
    table = table_of(X)
    labels = table.labels or []
    refuse_duplicates(labels)
    values = table.floats(np.arange(table.n_columns))
    if values is None:
        columns = [
            floats_of(table.column(i).array, f"Column {label!r}")
            for i, label in enumerate(labels)
        ]
        values = np.stack(columns, 1)
    return values, tuple(labels)
