"""The columns of a table, and what `fit` learnt about them."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from lamina.encoders.tables.columns import Column
from lamina.schema import Schema

if TYPE_CHECKING:
    from scipy import sparse


@dataclass(frozen=True)
class TableSchema(Schema):
    """The columns of a table."""

    form: str = "table"
    n_columns: int = 0
    names: tuple[Hashable, ...] | None = None
    """The names of the columns; None where they have none."""
    columns: tuple[Column, ...] | None = None
    """The kinds of the columns; None for an array or a sparse matrix of numbers."""
    missing: tuple[int, ...] = ()
    """The numeric columns (of `Columns.numeric`) with missing values in `fit`."""

    @cached_property
    def every_column(self) -> Sequence[Column]:
        """`columns`, also for arrays and sparse matrices."""
        if self.columns is not None:
            return self.columns
        return [Column(n, "number", "float64") for n in range(self.n_columns)]

    @cached_property
    def number_columns(self) -> np.ndarray:
        """The positions of the columns of numbers."""
        kinds = [column.kind for column in self.every_column]
        return np.flatnonzero(np.array(kinds) == "number")

    def name_of(self, numeric: int) -> Hashable:
        """The name of a column of `Columns.numeric`: numbers first, then dates."""
        columns = [self.every_column[i] for i in self.number_columns]
        columns += [c for _, c in self.other_columns for _ in range(c.width)]
        return columns[numeric].name

    @cached_property
    def other_columns(self) -> list[tuple[int, Column]]:
        """The columns that are not numbers, with their positions."""
        columns = enumerate(self.every_column)
        return [(i, column) for i, column in columns if column.kind != "number"]


@dataclass
class Columns:
    """numeric (n, C), an array or a sparse matrix; categories and texts: an array a column."""

    numeric: "np.ndarray | sparse.csr_matrix"
    categories: list[np.ndarray]
    texts: list[np.ndarray] = field(default_factory=list)
    """Of each value a list of tokens."""
    row_numbers: np.ndarray | None = None
    """(n,) numbers of the rows in X, for messages; None if these are all of X."""

    def __len__(self) -> int:
        return self.numeric.shape[0]

    def __getitem__(self, rows: np.ndarray) -> "Columns":
        numbers = rows if self.row_numbers is None else self.row_numbers[rows]
        return Columns(
            self.numeric[rows],
            [c[rows] for c in self.categories],
            [c[rows] for c in self.texts],
            numbers,
        )
