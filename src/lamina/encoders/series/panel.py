"""A panel of series: arrays (steps, columns), the column that is forecast first.

It keeps what came in, so that forecasts can be given back with the ids and the stamps that
follow, and its schema says what later panels have to agree with.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lamina.encoders.series.frequencies import Frequency
from lamina.encoders.series.steps import Source
from lamina.encoders.series.times import TimeKind
from lamina.exceptions import DataError
from lamina.schema import Schema


@dataclass(frozen=True)
class PanelSchema(Schema):
    """What later series have to agree with."""

    columns: tuple[Hashable, ...] | None = None
    """Names of the columns, the one that is forecast first; None for arrays."""
    n_columns: int = 1
    time: TimeKind | None = None
    frequency: Frequency | None = None
    container: str = "arrays"


class Panel:
    """Series that are read: arrays (steps, columns)."""

    def __init__(
        self,
        values: list[np.ndarray],
        source: Source,
        ids: list | None = None,
        columns: tuple[Hashable, ...] | None = None,
    ):
        self.values, self.source = values, source
        self.ids, self.columns = ids, columns
        self.first: list[Any] | None = None
        """The first stamp of each series; None where there are no stamps."""
        self.frequency: Frequency | None = None
        self.future: list[np.ndarray] | None = None
        """What is known of the steps that follow, (horizon, known columns) a series."""

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.values)

    def __getitem__(self, rows: Any) -> Any:
        """The series of one number, or a panel of those of several."""
        if isinstance(rows, int | np.integer):
            return self.values[rows]
        numbers = np.arange(len(self))[rows]
        panel = self.with_values([self.values[i] for i in numbers])
        panel.ids = None if self.ids is None else [self.ids[i] for i in numbers]
        panel.first = None if self.first is None else [self.first[i] for i in numbers]
        if self.future is not None:
            panel.future = [self.future[i] for i in numbers]
        return panel

    def with_values(self, values: list[np.ndarray]) -> "Panel":
        """Other values of the same series, from the same stamps on."""
        panel = Panel(values, self.source, self.ids, self.columns)
        panel.first, panel.frequency = self.first, self.frequency
        panel.future = self.future
        return panel

    def name(self, i: int) -> str:
        """A series as it is named in an error."""
        return f"Series {i}" if self.ids is None else f"Series {self.ids[i]!r}"


def schema_of(panel: Panel) -> PanelSchema:
    """What the first panel says of the later ones."""
    return PanelSchema(
        form="series",
        columns=panel.columns,
        n_columns=panel[0].shape[1],
        time=panel.source.kind,
        frequency=panel.frequency,
        container=panel.source.container,
    )


def check_columns(panel: Panel, schema: PanelSchema) -> None:
    """Raise where columns are not those of `fit`; put them into its order."""
    n_columns = panel[0].shape[1]
    if schema.columns is None or panel.columns is None:
        if n_columns != schema.n_columns:
            raise DataError(
                f"{panel.name(0)} has {n_columns} columns; this network was fitted on "
                f"{schema.n_columns}."
            )
        if n_columns > 1 and schema.columns != panel.columns:
            raise DataError(
                f"fit saw {'a frame' if schema.columns else 'arrays'}, and this is "
                f"{'a frame' if panel.columns else 'arrays'}; its columns cannot be "
                f"matched by name. Pass what fit saw."
            )
        return
    if n_columns == schema.n_columns == 1:
        return
    missing = [c for c in schema.columns if c not in panel.columns]
    extra = [c for c in panel.columns if c not in schema.columns]
    if missing or extra:
        words = [f"lacks the columns {missing!r}"] if missing else []
        words += [f"has the columns {extra!r}, which fit did not see"] if extra else []
        raise DataError(f"X {' and '.join(words)}; pass those of fit.")
    order = [panel.columns.index(c) for c in schema.columns]
    panel.values = [series[:, order] for series in panel.values]
    panel.columns = schema.columns
