"""A panel of series: arrays (steps, columns), the column that is forecast first.

It keeps the container, the ids and the time stamps of X, to return forecasts in the same
form.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import overload

import numpy as np

from lamina.encoders.series.frequencies import Frequency
from lamina.encoders.series.steps import Source
from lamina.encoders.series.times import TimeKind
from lamina.exceptions import DataError
from lamina.schema import Schema
from lamina.state import Stored


@dataclass(frozen=True)
class PanelSchema(Schema):
    """The columns and the time stamps of the series in `fit`."""

    columns: tuple[Hashable, ...] | None = None
    """Names of the columns, the one that is forecast first; None for arrays."""
    n_columns: int = 1
    time: TimeKind | None = None
    frequency: Frequency | None = None
    container: str = "arrays"


@dataclass(frozen=True)
class Earlier(Stored):
    """The steps of a series before those that are kept."""

    n_steps: int
    profile: np.ndarray
    """(season,) the median deviation of each step from the mean of its season, over all
    seasons of the series."""


NONE_EARLIER = Earlier(0, np.empty(0))


class Panel(Stored):
    """Series as arrays (steps, columns), indexed by row numbers."""

    def __init__(
        self,
        values: list[np.ndarray],
        source: Source,
        ids: list | None = None,
        columns: tuple[Hashable, ...] | None = None,
    ):
        self.values, self.source = values, source
        self.ids, self.columns = ids, columns
        self.first_stamps: list[float] | None = None
        """The first time stamp of each series; None without time stamps."""
        self.frequency: Frequency | None = None
        self.future: list[np.ndarray] | None = None
        """(horizon, known columns) of each series: the values of the steps that follow."""
        self.earlier: list[Earlier] | None = None
        """What the steps before the first of `values` contribute; None if there are none."""

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.values)

    @overload
    def __getitem__(self, rows: int) -> np.ndarray: ...

    @overload
    def __getitem__(self, rows: slice | np.ndarray) -> "Panel": ...

    def __getitem__(self, rows: int | slice | np.ndarray) -> "np.ndarray | Panel":
        """The array of one series, or a panel of several."""
        if isinstance(rows, int | np.integer):
            return self.values[rows]
        rows = np.arange(len(self))[rows]
        panel = self.with_values([self.values[i] for i in rows])
        if self.ids is not None:
            panel.ids = [self.ids[i] for i in rows]
        if self.first_stamps is not None:
            panel.first_stamps = [self.first_stamps[i] for i in rows]
        if self.future is not None:
            panel.future = [self.future[i] for i in rows]
        if self.earlier is not None:
            panel.earlier = [self.earlier[i] for i in rows]
        return panel

    def with_values(self, values: list[np.ndarray]) -> "Panel":
        """Whole series with other values, from the same time stamps on."""
        panel = Panel(values, self.source, self.ids, self.columns)
        panel.first_stamps, panel.frequency = self.first_stamps, self.frequency
        panel.future = self.future
        return panel

    def stops(self) -> list[int]:
        """The steps of each series, with the earlier ones."""
        earlier = self.earlier or [NONE_EARLIER] * len(self)
        return [e.n_steps + len(x) for e, x in zip(earlier, self, strict=True)]

    def name(self, i: int) -> str:
        """The name of a series in messages."""
        return f"Series {i}" if self.ids is None else f"Series {self.ids[i]!r}"


def schema_of(panel: Panel) -> PanelSchema:
    """The schema of the panel that `fit` saw."""
    return PanelSchema(
        form="series",
        columns=panel.columns,
        n_columns=panel[0].shape[1],
        time=panel.source.kind,
        frequency=panel.frequency,
        container=panel.source.container,
    )


def check_columns(panel: Panel, schema: PanelSchema) -> None:
    """Put the columns into the order of `fit`; raise if they are not those of `fit`."""
    n_columns = panel[0].shape[1]
    if schema.columns is None or panel.columns is None:
        if n_columns != schema.n_columns:
            raise DataError(
                f"{panel.name(0)} has {n_columns} columns; this network was fitted on "
                f"{schema.n_columns}. Pass the columns of fit."
            )
        if n_columns > 1 and schema.columns != panel.columns:
            raise DataError(
                f"X is {'a frame' if panel.columns else 'arrays'}, and was "
                f"{'a frame' if schema.columns else 'arrays'} in fit, so that columns "
                f"cannot be matched by name. Pass the container of fit."
            )
        return
    if n_columns == schema.n_columns == 1:
        return
    missing = [c for c in schema.columns if c not in panel.columns]
    extra = [c for c in panel.columns if c not in schema.columns]
    if missing or extra:
        words = [f"lacks the columns {missing!r}"] if missing else []
        words += [f"has the columns {extra!r}, which fit did not have"] if extra else []
        raise DataError(f"X {' and '.join(words)}; pass those of fit.")
    order = [panel.columns.index(c) for c in schema.columns]
    panel.values = [series[:, order] for series in panel.values]
    panel.columns = schema.columns
