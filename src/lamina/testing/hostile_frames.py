"""Mutations of a matrix to frames with other names or types of columns."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from scipy import sparse

from lamina.testing.mutations import Mutation, mutations


def names_of(X: np.ndarray) -> list[str]:
    """A name for each column."""
    return [f"column {i}" for i in range(X.shape[1])]


def pandas_frame(X: np.ndarray) -> Any:
    """The columns of X, each with the type of its values."""
    import pandas

    columns = {n: c.tolist() for n, c in zip(names_of(X), X.T, strict=True)}
    return pandas.DataFrame(columns)


def polars_frame(X: np.ndarray) -> Any:
    """The columns of X, each with the type of its values."""
    import polars

    columns = {n: c.tolist() for n, c in zip(names_of(X), X.T, strict=True)}
    return polars.DataFrame(columns, strict=False)


def arrow_table(X: np.ndarray) -> Any:
    """The columns of X as a table of pyarrow."""
    import pyarrow

    columns = {n: c.tolist() for n, c in zip(names_of(X), X.T, strict=True)}
    return pyarrow.table(columns)


def relabelled(make: Callable[[int], list]) -> Callable[[Any, Any], Any]:
    """A pandas frame with these labels of its columns."""

    def change(X: np.ndarray, rng: np.random.Generator) -> Any:
        frame = pandas_frame(X)
        frame.columns = make(X.shape[1])
        return frame

    return change


def with_column(make: Callable[[Any, int], Any]) -> Callable[[Any, Any], Any]:
    """A pandas frame with one column replaced by `make(pandas, number of rows)`."""

    def change(X: np.ndarray, rng: np.random.Generator) -> Any:
        import pandas

        frame = pandas_frame(X)
        frame[frame.columns[int(rng.integers(X.shape[1]))]] = make(pandas, len(X))
        return frame

    return change


def with_polars_column(make: Callable[[Any, int], Any]) -> Callable[[Any, Any], Any]:
    """A polars frame with one column replaced by `make(polars, number of rows)`."""

    def change(X: np.ndarray, rng: np.random.Generator) -> Any:
        import polars

        frame = polars_frame(X)
        name = frame.columns[int(rng.integers(X.shape[1]))]
        return frame.with_columns(make(polars, len(X)).alias(name))

    return change


PANDAS: list[Mutation] = [
    *mutations(
        True,
        pandas_frame=lambda X, rng: pandas_frame(X),
        pandas_frame_of_another_index=lambda X, rng: pandas_frame(X).set_index(
            np.arange(len(X))[::-1] * 7
        ),
        pandas_frame_of_objects=lambda X, rng: pandas_frame(X).astype(object),
    ),
    *mutations(
        integer_labels=relabelled(lambda n: list(range(n))),
        tuple_labels=relabelled(lambda n: [("a", i) for i in range(n)]),
        mixed_labels=relabelled(lambda n: ["a", 1, None, 2.5][:n] + list(range(n - 4))),
        date_labels=relabelled(lambda n: [date(2024, 1, i % 28 + 1) for i in range(n)]),
        duplicate_labels=relabelled(lambda n: ["a"] * n),
        empty_labels=relabelled(lambda n: [" " * i for i in range(n)]),
        reversed_columns=lambda X, rng: pandas_frame(X).iloc[:, ::-1],
        dropped_column=lambda X, rng: pandas_frame(X).iloc[:, 1:],
        frame_without_columns=lambda X, rng: pandas_frame(X).iloc[:, :0],
        frame_without_rows=lambda X, rng: pandas_frame(X).iloc[:0],
        MultiIndex_columns=lambda X, rng: (
            pandas_frame(X)
            .T.set_index([np.arange(X.shape[1]) // 2, np.arange(X.shape[1])])
            .T
        ),
        repeated_index=lambda X, rng: pandas_frame(X).set_index(np.zeros(len(X))),
        stacked=lambda X, rng: pandas_frame(X).stack(),
        a_column=lambda X, rng: pandas_frame(X).iloc[:, 0],
        grouped=lambda X, rng: pandas_frame(X).groupby(np.arange(len(X)) % 2),
        as_texts=lambda X, rng: pandas_frame(X).astype(str),
        as_strings=lambda X, rng: pandas_frame(X).astype("string"),
        as_categories=lambda X, rng: pandas_frame(X).astype("category"),
    ),
    *(
        Mutation(f"column of {name}", with_column(make))
        for name, make in {
            "None": lambda pd, n: None,
            "NaN": lambda pd, n: np.nan,
            "NA": lambda pd, n: pd.array([pd.NA] * n, dtype="Int64"),
            "one NA": lambda pd, n: pd.array([pd.NA, *range(n - 1)], dtype="Int64"),
            "booleans with NA": lambda pd, n: pd.array(
                [pd.NA, *[True] * (n - 1)], dtype="boolean"
            ),
            "dates": lambda pd, n: pd.date_range("2024", periods=n),
            "NaT": lambda pd, n: pd.NaT,
            "zoned dates": lambda pd, n: pd.date_range(
                "2024", periods=n, tz="Asia/Ho_Chi_Minh"
            ),
            "differences": lambda pd, n: pd.to_timedelta(range(n), unit="h"),
            "periods": lambda pd, n: pd.period_range("2024", periods=n, freq="M"),
            "intervals": lambda pd, n: pd.interval_range(0, n),
            "sparse": lambda pd, n: pd.arrays.SparseArray([0.0] * n),
            "categories": lambda pd, n: pd.Categorical(["a", "b"] * n)[:n],
            "number categories": lambda pd, n: pd.Categorical([1, 2] * n)[:n],
            "Python dates": lambda pd, n: [date(2024, 1, 1 + i % 28) for i in range(n)],
            "decimals": lambda pd, n: [Decimal(i) / 3 for i in range(n)],
            "texts": lambda pd, n: [f"t{i}" for i in range(n)],
            "numbers as texts": lambda pd, n: [f"{i}.5" for i in range(n)],
            "bytes": lambda pd, n: [b"a"] * n,
            "lists": lambda pd, n: [[i] for i in range(n)],
            "dicts": lambda pd, n: [{"a": i} for i in range(n)],
            "complex": lambda pd, n: np.ones(n) * 1j,
            "infinity": lambda pd, n: np.inf,
            "mixed": lambda pd, n: [1, "a", None, 2.5, b"b", True, (1,), {}][:n],
            "text and NaN": lambda pd, n: (
                ["a", np.nan, None, "", "b"] + ["c"] * (n - 5)
            ),
            "huge": lambda pd, n: [10**30] * n,
        }.items()
    ),
]
POLARS: list[Mutation] = [
    *mutations(True, polars_frame=lambda X, rng: polars_frame(X)),
    *mutations(
        LazyFrame=lambda X, rng: polars_frame(X).lazy(),
        polars_column=lambda X, rng: polars_frame(X).to_series(0),
        polars_without_rows=lambda X, rng: polars_frame(X)[:0],
        polars_reversed=lambda X, rng: polars_frame(X)[:, ::-1],
    ),
    *(
        Mutation(f"polars column of {name}", with_polars_column(make))
        for name, make in {
            "null": lambda pl, n: pl.Series([None] * n),
            "dates": lambda pl, n: pl.Series([date(2024, 1, 1 + i) for i in range(n)]),
            "durations": lambda pl, n: pl.Series(range(n)).cast(pl.Duration("ms")),
            "times": lambda pl, n: pl.Series([0] * n).cast(pl.Time),
            "decimals": lambda pl, n: pl.Series([Decimal(i) for i in range(n)]),
            "categories": lambda pl, n: pl.Series(["a"] * n, dtype=pl.Categorical),
            "lists": lambda pl, n: pl.Series([[i] for i in range(n)]),
            "structs": lambda pl, n: pl.Series([{"a": i} for i in range(n)]),
            "binary": lambda pl, n: pl.Series([b"a"] * n),
            "objects": lambda pl, n: pl.Series([{1}] * n, dtype=pl.Object),
            "texts": lambda pl, n: pl.Series([f"{i}" for i in range(n)]),
        }.items()
    ),
]
OTHERS: list[Mutation] = [
    *mutations(True, arrow_table=lambda X, rng: arrow_table(X)),
    *mutations(
        narwhals_frame=lambda X, rng: _narwhals(X),
        arrow_record_batches=lambda X, rng: arrow_table(X).to_batches(),
        dict_of_columns=lambda X, rng: dict(zip(names_of(X), X.T, strict=True)),
        dict_of_unequal_columns=lambda X, rng: {
            name: column[: 1 + i] for i, (name, column) in enumerate(enumerate(X.T))
        },
        list_of_dicts=lambda X, rng: [
            dict(zip(names_of(X), x, strict=True)) for x in X
        ],
        matrix=lambda X, rng: np.asmatrix(X),
        sparse_of_objects=lambda X, rng: sparse.coo_matrix(np.eye(len(X)) * 1j),
        sparse_transposed=lambda X, rng: sparse.csr_matrix(np.ones(X.shape)).T,
        sparse_without_rows=lambda X, rng: sparse.csr_matrix(np.ones(X.shape))[:0],
    ),
]
FRAMES: list[Mutation] = [*PANDAS, *POLARS, *OTHERS]
"""For matrices of numbers or of objects."""


def _narwhals(X: np.ndarray) -> Any:
    import narwhals

    return narwhals.from_native(polars_frame(X))
