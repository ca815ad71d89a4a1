"""Tables -> x (B, C) of scaled numbers and one-hot categories, codes (B, K) of the others.

Missing among categories is a category of its own. A category that `fit` did not see has no
code: its one-hot columns are zero, and so is its embedding.
"""

from dataclasses import replace
from typing import Any, Self

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.base import Encoder, InAnyOrder, Samples, TensorSamples
from lamina.encoders.names import text_names
from lamina.encoders.standardizer import Numbers, floating
from lamina.encoders.tables.reader import Columns, TableParams, TableReader, TableSchema

ONE_HOT_UP_TO = 9
LARGE = 1 << 24
"""Numbers of which no second array is made; scaling fewer once makes epochs faster."""
AT_ONCE = 4096
"""Rows that are scaled at a time on their way to a GPU."""


class TableEncoder(Encoder):
    """Arrays, sparse matrices and frames, one row a sample."""

    params = TableParams

    def __init__(self, params: Any):
        self.reader = TableReader(type(params).__name__, params.categorical_features)

    def read(self, X: Any) -> Columns:
        return self.reader.read(X)

    @property
    def schema(self) -> TableSchema | None:
        """What was learnt about the columns."""
        return self.reader.schema

    @property
    def n_features(self) -> int:
        """Columns of X."""
        return self._columns.n_columns

    @property
    def feature_names(self) -> np.ndarray | None:
        """Names of the columns where all are strings."""
        return text_names(self._columns.names)

    @property
    def _columns(self) -> TableSchema:
        assert self.reader.schema is not None
        return self.reader.schema

    def fit(self, plain: Columns, weight: np.ndarray | None = None) -> Self:
        """Learn scales and categories from the training rows."""
        self.numbers = Numbers().fit(plain.numbers, weight)
        values = [sorted(set(c), key=_missing_first) for c in plain.categories]
        self.codes = [{v: i + 1 for i, v in enumerate(seen)} for seen in values]
        self.one_hot = [len(codes) <= ONE_HOT_UP_TO for codes in self.codes]
        sizes = list(zip(self.codes, self.one_hot, strict=True))
        self.spec = Spec(
            n_channels=self.numbers.n_channels
            + sum(len(codes) for codes, one_hot in sizes if one_hot),
            n_categories=tuple(
                len(codes) + 1 for codes, one_hot in sizes if not one_hot
            ),
        )
        missing = tuple(self.numbers.missing.tolist())
        schema = replace(self._columns, missing=missing)
        self.reader.schema = _completed(schema, values)
        self.reader.is_complete = True
        return self

    def encode(self, plain: Columns) -> Samples:
        """The samples for a network."""
        numbers = plain.numbers
        if sparse.issparse(numbers):
            return Rows(floating(numbers), self.numbers)
        if numbers.size > LARGE and not plain.categories:
            return Rows(numbers, self.numbers)
        x = np.empty((len(plain), self.spec.n_channels), np.float32)
        self.numbers.write(numbers, x)
        codes = self._code_categories(plain, x)
        return TensorSamples(torch.from_numpy(x), codes)

    def _code_categories(self, plain: Columns, x: np.ndarray) -> Tensor | None:
        start, coded = self.numbers.n_channels, []
        for values, codes, one_hot in zip(
            plain.categories, self.codes, self.one_hot, strict=True
        ):
            numbers = np.array([codes.get(value, 0) for value in values.tolist()])
            if one_hot:
                stop = start + len(codes)
                x[:, start:stop] = numbers[:, None] == np.arange(1, len(codes) + 1)
                start = stop
            else:
                coded.append(numbers)
        return torch.from_numpy(np.stack(coded, 1)) if coded else None


class Rows(InAnyOrder):
    """Rows of a sparse matrix or a large array: scaled, and dense, only in a batch."""

    lengths, decodes = None, False

    def __init__(self, numbers: Any, scaling: Numbers):
        self.values, self.scaling = numbers, scaling
        # torch gathers and scales a batch on all cores, if it may look at the memory.
        self.tensor = None
        if scaling.is_single and _is_float32(numbers):
            self.tensor = torch.from_numpy(numbers)

    def __len__(self) -> int:
        return self.values.shape[0]

    def resident(self, device: torch.device, room: int) -> Samples:
        # In float32; twice, while the parts are put together.
        if 8 * len(self) * self.scaling.n_channels > room:
            return self
        parts = torch.arange(len(self)).split(AT_ONCE)
        x = torch.cat([self.take(rows).x.to(device) for rows in parts])
        return TensorSamples(x)

    def take(self, rows: Tensor) -> Batch:
        if self.tensor is not None:
            x = self.tensor.index_select(0, rows)
            self.scaling.apply_(x)
            return Batch(x)
        numbers = self.values[rows.numpy()]
        if sparse.issparse(numbers):
            numbers = numbers.toarray()
        x = np.empty((len(rows), self.scaling.n_channels), np.float32)
        self.scaling.write(numbers, x)
        return Batch(torch.from_numpy(x))


def _completed(schema: TableSchema, values: list[list]) -> TableSchema:
    """The schema with the categories of each column, and which had missing values."""
    if schema.columns is None:
        return schema
    found, n_numbers, start = iter(values), 0, len(schema.places)
    columns = []
    for column in schema.columns:
        if column.kind == "category":
            seen = tuple(next(found))
            columns.append(replace(column, categories=seen, has_missing=None in seen))
            continue
        if column.kind == "number":
            place, n_numbers = n_numbers, n_numbers + 1
        else:  # dates and durations stand after all numbers
            place, start = start, start + column.width
        columns.append(replace(column, has_missing=place in schema.missing))
    return replace(schema, columns=tuple(columns))


def _is_float32(numbers: Any) -> bool:
    """Whether this is an array in single precision, its rows end to end, not read-only."""
    if not isinstance(numbers, np.ndarray):
        return False
    return numbers.dtype == np.float32 and numbers.flags.carray


def _missing_first(value: str | None) -> tuple[bool, str]:
    return value is not None, value or ""
