"""Tables -> x (B, C) of scaled numbers and one-hot categories, codes (B, K), bags of texts.

A missing value is a category. A category that did not occur in `fit` has code 0: its
one-hot columns and its embedding are zero.
"""

from collections.abc import Hashable
from dataclasses import replace
from typing import Self, TypeGuard

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.base import Encoder, IndependentSamples, Samples, TensorSamples
from lamina.encoders.names import text_names
from lamina.encoders.ngrams import NGrams
from lamina.encoders.standardizer import Place, Standardizer, as_floats
from lamina.encoders.tables.bins import MAX_COLUMNS, Edges, bin_edges
from lamina.encoders.tables.chosen import ChosenColumns
from lamina.encoders.tables.reader import TableParams, TableReader
from lamina.encoders.tables.schema import Columns, TableSchema
from lamina.encoders.tokenizers import BagParams
from lamina.exceptions import DataError, ParameterError, warn_of_data
from lamina.params import declared

MAX_ONE_HOT = 9
"""Categories of a column up to which it is encoded one-hot."""
MIN_ROWS_NAMED = 50
"""Rows of a table from which a column whose categories are distinct in more than half of
them is left out: it names the rows, and says nothing of others."""
LARGE = 1 << 24
"""Values of a table above which no scaled copy is made, which makes epochs faster."""
ROWS_PER_COPY = 4096
"""Rows that are scaled and copied to a GPU at a time."""


class TableEncoder(Encoder[Columns]):
    """Arrays, sparse matrices and frames, with a row for each sample."""

    params = TableParams

    def __init__(self, params: TableParams):
        self.reader = TableReader(
            type(params).__name__,
            ChosenColumns(
                params.categorical_features, params.text_features, params.token_unit
            ),
        )
        self.embedding = params.numeric_embedding
        self.ngram_dropout = params.ngram_dropout
        values = [(d, getattr(params, d.name)) for d in declared(BagParams)]
        self.of_texts = [f"{d.name}={v!r}" for d, v in values if not d.is_default(v)]

    def read(self, X: object) -> Columns:
        return self.reader.read(X)

    @property
    def schema(self) -> TableSchema | None:
        """The columns that `fit` saw."""
        return self.reader.schema

    @property
    def n_features(self) -> int:
        """The number of columns of X."""
        return self._columns.n_columns

    @property
    def feature_names(self) -> np.ndarray | None:
        """The names of the columns, if all are strings."""
        return text_names(self._columns.names)

    @property
    def _columns(self) -> TableSchema:
        assert self.reader.schema is not None
        return self.reader.schema

    def fit(self, plain: Columns, weight: np.ndarray | None = None) -> Self:
        """Learn scales and categories from the training rows."""
        self.standardizer = Standardizer().fit(plain.numeric, weight)
        names = [c.name for _, c in self._columns.other_columns if c.kind == "category"]
        columns = zip(names, plain.categories, strict=True)
        categories = [_categories(*column) for column in columns]
        self.codes = [{v: i + 1 for i, v in enumerate(values)} for values in categories]
        columns = zip(plain.categories, self.codes, strict=True)
        self.frequencies = [_frequencies(*column, weight) for column in columns]
        self.one_hot = [len(codes) <= MAX_ONE_HOT for codes in self.codes]
        self.ngrams = [NGrams().fit(tokens.tolist()) for tokens in plain.texts]
        if self.of_texts and not self.ngrams:
            raise ParameterError(
                f"{self.of_texts[0]} has no effect on a table without a column of texts; "
                f"leave it at its default."
            )
        sizes = list(zip(self.codes, self.one_hot, strict=True))
        self.spec = Spec(
            n_channels=self.standardizer.n_channels
            + sum(len(codes) for codes, one_hot in sizes if one_hot),
            edges=self._edges(plain, weight),
            n_categories=tuple(
                len(codes) + 1 for codes, one_hot in sizes if not one_hot
            ),
            n_ngrams=tuple(map(len, self.ngrams)),
            ngram_dropout=self.ngram_dropout if self.ngrams else 0.0,
        )
        if not (self.spec.n_channels or self.spec.n_categories or self.ngrams):
            raise DataError(
                "X has no column but names of rows; pass columns with numbers or with fewer "
                "categories, and texts as a list or a column, X[name]."
            )
        missing = tuple(self.standardizer.missing.tolist())
        schema = replace(self._columns, missing=missing)
        self.reader.schema = _completed(schema, categories)
        self.reader.is_complete = True
        return self

    def encode(self, plain: Columns) -> Samples:
        """The samples for a network."""
        numeric = plain.numeric
        if not isinstance(numeric, np.ndarray):
            return Rows(as_floats(numeric), self.standardizer, self._place(plain))
        if numeric.size > LARGE and not plain.categories and not plain.texts:
            return Rows(numeric, self.standardizer, self._place(plain))
        x = np.empty((len(plain), self.spec.n_channels), np.float32)
        self.standardizer.write(numeric, x, self._place(plain))
        codes = self._encode_categories(plain, x)
        texts = zip(self.ngrams, plain.texts, strict=True)
        bags = tuple(ngrams.encode(tokens.tolist()) for ngrams, tokens in texts)
        return TensorSamples(torch.from_numpy(x), codes, bags)

    def channel_columns(self) -> np.ndarray:
        """(C + K + T,) the column of X of each channel, each column of codes and each bag."""
        schema = self._columns
        others = schema.other_columns
        numeric = [*schema.number_columns.tolist()]
        numeric += [i for i, column in others for _ in range(column.width)]
        missing = [numeric[i] for i in self.standardizer.missing]
        categories = [i for i, column in others if column.kind == "category"]
        sizes = list(zip(categories, self.codes, self.one_hot, strict=True))
        one_hot = [i for i, codes, is_one_hot in sizes if is_one_hot for _ in codes]
        coded = [i for i, _, is_one_hot in sizes if not is_one_hot]
        texts = [i for i, column in others if column.kind == "text"]
        return np.array(numeric + missing + one_hot + coded + texts)

    def average(self) -> tuple[np.ndarray, list[np.ndarray]]:
        """A row between those of `fit`: x (C,), and the weights of each column's codes.

        Numbers are at their location, and categories are weighted by their frequency.
        """
        x, coded = [np.zeros(self.standardizer.n_channels)], []
        for frequencies, one_hot in zip(self.frequencies, self.one_hot, strict=True):
            if one_hot:
                x.append(frequencies)
            else:
                coded.append(np.append(0.0, frequencies))
        return np.concatenate(x), coded

    def _edges(self, plain: Columns, weight: np.ndarray | None) -> Edges:
        values = plain.numeric
        has_many = values.shape[1] > MAX_COLUMNS
        is_plain = self.embedding == "none" or (self.embedding == "auto" and has_many)
        if is_plain or not values.shape[1]:
            return ()
        return bin_edges(values, weight, self.standardizer, self._place(plain))

    def _place(self, plain: Columns) -> Place:
        def place(row: int, column: int) -> str:
            name, value = self._columns.name_of(column), plain.numeric[row, column]
            number = row if plain.row_numbers is None else plain.row_numbers[row]
            return f"Column {name!r} contains {value} in row {number}"

        return place

    def _encode_categories(self, plain: Columns, x: np.ndarray) -> Tensor | None:
        """Fill the one-hot columns of x; return the codes (n, K) of the other columns."""
        start, embedded = self.standardizer.n_channels, []
        for values, codes, one_hot in zip(
            plain.categories, self.codes, self.one_hot, strict=True
        ):
            column = np.array([codes.get(value, 0) for value in values.tolist()])
            if one_hot:
                stop = start + len(codes)
                x[:, start:stop] = column[:, None] == np.arange(1, len(codes) + 1)
                start = stop
            else:
                embedded.append(column)
        return torch.from_numpy(np.stack(embedded, 1)) if embedded else None


class Rows(IndependentSamples):
    """Rows of a sparse matrix or a large array, made dense and scaled for each batch."""

    def __init__(
        self,
        values: np.ndarray | sparse.csr_matrix,
        standardizer: Standardizer,
        place: Place,
    ):
        self.values, self.standardizer, self.place = values, standardizer, place
        # torch gathers and scales the rows of a batch in parallel, numpy does not.
        self.tensor = None
        if standardizer.is_single and _is_float32(values):
            self.tensor = torch.from_numpy(values)

    def __len__(self) -> int:
        return self.values.shape[0]

    def resident(self, device: torch.device, max_bytes: int) -> Samples:
        # Four bytes a value, twice while the parts are concatenated.
        if 8 * len(self) * self.standardizer.n_channels > max_bytes:
            return self
        parts = torch.arange(len(self)).split(ROWS_PER_COPY)
        x = torch.cat([self.take(rows).x.to(device) for rows in parts])
        return TensorSamples(x)

    def take(self, rows: Tensor) -> Batch:

        def place(row: int, column: int) -> str:
            return self.place(int(rows[row]), column)

        if self.tensor is not None:
            x = self.tensor.index_select(0, rows)
            self.standardizer.apply_(x, place)
            return Batch(x)
        values = self.values[rows.numpy()]
        if not isinstance(values, np.ndarray):
            values = values.toarray()
        x = np.empty((len(rows), self.standardizer.n_channels), np.float32)
        self.standardizer.write(values, x, place)
        return Batch(torch.from_numpy(x))


def _completed(schema: TableSchema, categories: list[list]) -> TableSchema:
    """The schema with the categories of each column, and which had missing values."""
    if schema.columns is None:
        return schema
    remaining, n_numbers, start = iter(categories), 0, len(schema.number_columns)
    columns = []
    for column in schema.columns:
        if column.kind == "category":
            values = tuple(next(remaining))
            has_missing = None in values
            columns.append(replace(column, categories=values, has_missing=has_missing))
            continue
        if column.kind == "text":
            columns.append(column)
            continue
        if column.kind == "number":
            i, n_numbers = n_numbers, n_numbers + 1
        else:  # dates and durations follow all numbers
            i, start = start, start + column.width
        columns.append(replace(column, has_missing=i in schema.missing))
    return replace(schema, columns=tuple(columns))


def _is_float32(values: np.ndarray | sparse.csr_matrix) -> TypeGuard[np.ndarray]:
    """Whether this is a float32 array that torch can share: C-contiguous and writeable."""
    if not isinstance(values, np.ndarray):
        return False
    return values.dtype == np.float32 and values.flags.carray


def _frequencies(
    values: np.ndarray, codes: dict[str | None, int], weight: np.ndarray | None
) -> np.ndarray:
    """The fraction of the weight of the rows (n,) that each category has."""
    if not codes:
        return np.zeros(0)
    positions = [codes[value] - 1 for value in values.tolist()]
    counts = np.bincount(positions, weight, len(codes))
    return counts / counts.sum()


def _categories(name: Hashable, values: np.ndarray) -> list[str | None]:
    """The categories that are learnt of a column (n,), sorted; none if it names the rows."""
    distinct = set(values)
    if len(values) >= MIN_ROWS_NAMED and len(distinct) > len(values) / 2:
        warn_of_data(
            f"Column {name!r} has another category in most rows, as names of rows have, and "
            f"has no effect; leave it out, or convert it to numbers or fewer categories."
        )
        return []
    return sorted(distinct, key=_missing_first)


def _missing_first(value: str | None) -> tuple[bool, str]:
    return value is not None, value or ""
