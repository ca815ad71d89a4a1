"""Kinds of data in a table: rows of columns, a column of texts, and rows of steps."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from re import compile as pattern
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from lamina.cli.samples import Part, Samples, Source
from lamina.cli.tables import FileTable, name_of, read_table
from lamina.cli.targets import Target, target_of, texts_of
from lamina.constructor import suggestion
from lamina.exceptions import DataError
from lamina.missing import is_missing

NUMBER = pattern(r"[-+]?[\d.,]+")
"""A name of a column that is rather a value."""
QUANTILES = (0.1, 0.9)
"""What `predict --proba` gives for forecasts."""


@dataclass(frozen=True)
class TableSource(Source):
    """A table with a sample in each row."""

    kind = "table"
    words = "a table, a sample in each row"
    target: str | None = None
    ignored: tuple[str, ...] = ()
    generates: bool = False
    """Whether the targets are texts to generate."""

    def read(self, path: str, encoding: str, *, with_target: bool = True) -> Samples:
        return self.samples(read_table(path, encoding), path, with_target=with_target)

    def samples(
        self, table: FileTable, path: str, *, with_target: bool = True
    ) -> Samples:
        """The samples of a table that is read."""
        frame, target = self.inputs(table, path, with_target=with_target)
        samples = samples_of(table, path)
        samples.X = self.values_of(frame, path)
        if target is None:
            return samples
        kept = samples.take(target.rows)
        kept.how, kept.y = samples.how, target.values
        kept.kind_of_target, kept.why = target.kind, target.why
        n_absent = len(samples) - len(kept)
        if n_absent:
            kept.how.append(
                f"{n_absent} rows have no {self.target!r} and are left out, such as "
                f"{_first_absent(samples, target)}"
            )
        return kept

    def inputs(
        self, table: FileTable, path: str, *, with_target: bool
    ) -> tuple[nw.DataFrame, Target | None]:
        """The columns without target and ignored ones; and the target."""
        frame, target = table.frame, None
        if with_target and self.target is not None:
            column = frame[require(frame, self.target, path)]
            target = self.target_in(column)
        left_out = [c for c in (self.target, *self.ignored) if c in frame.columns]
        frame = frame.drop(left_out)
        if not frame.columns:
            raise DataError(f"{name_of(path)} has no columns beside {left_out}.")
        return frame, target

    def target_in(self, column: nw.Series) -> Target:
        """The targets in their column."""
        return texts_of(column) if self.generates else target_of(column)

    def values_of(self, frame: nw.DataFrame, path: str) -> Any:
        """The samples of the input columns."""
        del path
        return nw.to_native(frame)

    def estimator(self, samples: Samples) -> tuple[str, str]:
        if samples.kind_of_target == "Writer":
            return "Translator", samples.why
        return f"DNN{samples.kind_of_target}", samples.why


@dataclass(frozen=True)
class TextColumnSource(TableSource):
    """A table with a text in each row; its other columns are not used."""

    kind = "text column"
    words = "a table with a text in each row"
    text: str = ""

    def values_of(self, frame: nw.DataFrame, path: str) -> Any:
        texts = frame[require(frame, self.text, path)].to_list()
        return [None if is_missing(text) else str(text) for text in texts]


@dataclass(frozen=True)
class StepsSource(TableSource):
    """A long table of series, a step in each row: one label or number for each series."""

    kind = "series"
    words = "a long table of series, a step in each row"
    id: str = ""
    time: str | None = None

    def samples(
        self, table: FileTable, path: str, *, with_target: bool = True
    ) -> Samples:
        for column in (self.id, self.time):
            if column is not None:
                require(table.frame, column, path)
        frame, target = self.inputs(table, path, with_target=with_target)
        refuse_texts(frame, (self.id, self.time), path)
        samples = samples_of(table, path)
        ids = samples.shown[self.id]
        codes = {series: code for code, series in enumerate(dict.fromkeys(ids))}
        samples.X, samples.unit = self.values_of(frame, path), "series"
        samples.groups = np.array([codes[series] for series in ids])
        samples.shown = {self.id: list(codes)}
        if target is not None:
            refuse_several(target, ids, self.target)
            first = np.unique(samples.groups, return_index=True)[1]
            samples.y = target.values[first]
            samples.kind_of_target, samples.why = target.kind, target.why
        return samples

    def parameters(self) -> dict[str, Any]:
        return {"id_column": self.id, "time_column": self.time}

    def estimator(self, samples: Samples) -> tuple[str, str]:
        return f"RNN{samples.kind_of_target}", f"{samples.why}, one for each series"


@dataclass(frozen=True)
class HistorySource(TableSource):
    """A long table of series to forecast."""

    kind = "histories"
    words = "a long table of series to forecast, a step in each row"
    id: str | None = None
    time: str | None = None
    horizon: int = 1

    def samples(
        self, table: FileTable, path: str, *, with_target: bool = True
    ) -> Samples:
        del with_target  # a series is its own target
        for column in (self.id, self.time, self.target):
            if column is not None:
                require(table.frame, column, path)
        samples = samples_of(table, path)
        left_out = [c for c in self.ignored if c in table.frame.columns]
        frame = table.frame.drop(left_out)
        refuse_texts(frame, (self.id, self.time), path)
        samples.X = nw.to_native(frame)
        samples.unit = "steps"
        return samples

    def parameters(self) -> dict[str, Any]:
        return {
            "horizon": self.horizon,
            "id_column": self.id,
            "time_column": self.time,
            "value_column": self.target,
        }

    def defaults(self) -> dict[str, Any]:
        return {"quantiles": QUANTILES}

    def estimator(self, samples: Samples) -> tuple[str, str]:
        del samples
        return "Forecaster", f"--horizon is {self.horizon}"

    def split(self, samples: Samples, fraction: float, seed: int) -> Part:
        """The last `horizon` steps of each series for the test, whatever the fraction."""
        del fraction, seed
        frame = nw.from_native(samples.X, eager_only=True)
        ids = [None] * len(frame) if self.id is None else frame[self.id].to_list()
        order = range(len(frame))
        if self.time is not None:
            times = frame[self.time].to_list()
            order = sorted(order, key=times.__getitem__)
        rows: dict[Any, list[int]] = {}
        for row in order:
            rows.setdefault(ids[row], []).append(row)
        kept = [row for series in rows.values() for row in series[: -self.horizon]]
        if not kept:
            longest = max(map(len, rows.values()))
            raise DataError(
                f"--horizon {self.horizon} holds out as many steps of each series, and the "
                f"longest series has {longest}; pass a shorter horizon, or --test 0."
            )
        train = samples.take(np.sort(np.array(kept, dtype=int)))
        return Part(train, samples, self.test_name(samples))

    def test_name(self, samples: Samples) -> str:
        n_series = 1
        if self.id is not None:
            n_series = nw.from_native(samples.X, eager_only=True)[self.id].n_unique()
        return f"the last {self.horizon} steps of {n_series} series"


def samples_of(table: FileTable, path: str) -> Samples:
    """All rows of a table; X is its frame."""
    n_rows, n_columns = table.frame.shape
    how = [f"{name_of(path)}: {n_rows} rows, {n_columns} columns, {table.how}"]
    columns: dict[str, Sequence[Any]] = {
        name: table.frame[name].to_list() for name in table.frame.columns
    }
    X = nw.to_native(table.frame)
    return Samples(X, places=table.places, shown=columns, how=how)


def require(frame: nw.DataFrame, column: str, path: str) -> str:
    """The name of a column; refused where the table has none of this name."""
    names = frame.columns
    if column in names:
        return column
    meant = suggestion(column, names)
    hint = f"did you mean {meant!r}?"
    if meant is None:
        hint = f"it has {', '.join(names)}."
        if any(NUMBER.fullmatch(name) for name in names):
            hint += " The first line has to name the columns; write it, if it lacks."
    raise DataError(f"{name_of(path)} has no column {column!r}; {hint}")


def refuse_texts(frame: nw.DataFrame, roles: tuple[str | None, ...], path: str) -> None:
    """Raise if a column of steps has texts and is neither the id nor the time."""
    for name in frame.columns:
        if name not in roles and frame[name].dtype == nw.String:
            raise DataError(
                f"{name_of(path)}: the column {name!r} has texts, and the steps of series "
                f"are numbers. Name it by --id or --time, or pass --ignore {name!r}."
            )


def refuse_several(target: Target, ids: Sequence[Hashable], name: str | None) -> None:
    """Raise if a series has several targets, or none in some row."""
    if len(target.rows) < len(ids):
        raise DataError(
            f"The target {name!r} is missing in {len(ids) - len(target.rows)} rows; write "
            f"the target of a series in each of its rows."
        )
    values: dict[Hashable, Any] = {}
    for row, value in zip(target.rows, target.values, strict=True):
        if values.setdefault(ids[row], value) != value:
            raise DataError(
                f"Series {ids[row]!r} has several values of {name!r}, such as "
                f"{values[ids[row]]} and {value}. To forecast it, pass --horizon."
            )


def _first_absent(samples: Samples, target: Target) -> str:
    present = set(target.rows.tolist())
    return next(samples.places[i] for i in range(len(samples)) if i not in present)
