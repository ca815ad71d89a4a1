"""Mutations of y and of sample weights."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from scipy import sparse

from lamina.testing.hostile_samples import OBJECTS
from lamina.testing.mutations import (
    Mutation,
    constant,
    mutations,
    objects,
    with_one,
)


def _series(y: Iterable, index: object = None) -> Any:
    import pandas

    return pandas.Series(list(y), index=index)


def _frame(y: Iterable, n_columns: int) -> Any:
    import pandas

    return pandas.DataFrame({f"y{i}": list(y) for i in range(n_columns)})


def _polars(y: Iterable) -> Any:
    import polars

    return polars.Series(list(y))


def _arrow(y: Iterable) -> Any:
    import pyarrow

    return pyarrow.chunked_array([pyarrow.array(list(y))])


def _categorical(y: Iterable) -> Any:
    return _series(y).astype("category")


_HELD: list[Mutation] = [
    *(Mutation(f"is {name}", constant(lambda v=v: v)) for name, v in OBJECTS.items()),
    *(
        Mutation(f"one is {name}", with_one(lambda _, v=v: v))
        for name, v in OBJECTS.items()
    ),
    *(
        Mutation(f"all are {name}", lambda y, rng, v=v: [v] * len(y))
        for name, v in OBJECTS.items()
    ),
    *mutations(
        empty=lambda y, rng: y[:0],
        one_less=lambda y, rng: y[:-1],
        one_more=lambda y, rng: [*y, y[0]],
        only_one=lambda y, rng: y[:1],
        item=lambda y, rng: y[0],
        generator=lambda y, rng: (t for t in y),
        set=lambda y, rng: {str(t) for t in y},
        dict=lambda y, rng: dict(enumerate(y)),
        three_axes=lambda y, rng: np.zeros((len(y), 1, 2)),
        two_columns=lambda y, rng: _frame(y, 2),
        no_columns=lambda y, rng: np.zeros((len(y), 0)),
        one_missing=with_one(lambda _: None),
        infinite=with_one(lambda _: np.inf),
        huge=with_one(lambda _: 1e308),
        sparse=lambda y, rng: sparse.csr_matrix(np.eye(len(y))),
        sparse_column=lambda y, rng: sparse.coo_array(np.ones((len(y), 1))),
        masked=lambda y, rng: np.ma.masked_array(
            np.arange(len(y)), np.arange(len(y)) < 2
        ),
        rows_masked=lambda y, rng: [
            np.ma.masked_array([i % 2, 1], [i == 1, False]) for i in range(len(y))
        ],
        complex_objects=lambda y, rng: np.arange(len(y)).astype(complex).astype(object),
        dates_with_NaT=lambda y, rng: np.where(
            np.arange(len(y)) > 1,
            np.datetime64("2024-01-01"),
            np.datetime64("NaT", "s"),
        ),
        long_doubles=lambda y, rng: np.arange(len(y)) * np.longdouble("1e4000"),
        zero_d=lambda y, rng: np.array(y[0], dtype=object),
        nested=lambda y, rng: [[t] for t in y],
        nested_twice=lambda y, rng: [[[t]] for t in y],
        ragged=lambda y, rng: [[t] * (1 + i % 3) for i, t in enumerate(y)],
        structured=lambda y, rng: np.zeros(len(y), dtype=[("a", "f8"), ("b", "U3")]),
        tensor_on_meta=lambda y, rng: torch.empty(len(y), device="meta"),
        as_texts=lambda y, rng: [str(t) for t in y],
        as_bytes=lambda y, rng: [str(t).encode() for t in y],
        random_permutation=lambda y, rng: [y[i] for i in rng.permutation(len(y))],
    ),
]

TARGETS: list[Mutation] = [
    *_HELD,
    *mutations(
        True,
        list=lambda y, rng: list(y),
        tuple=lambda y, rng: tuple(y),
        array_of_objects=lambda y, rng: objects(list(y)),
        pandas_series=lambda y, rng: _series(y),
        pandas_series_of_another_index=lambda y, rng: _series(y, range(len(y), 0, -1)),
        polars_series=lambda y, rng: _polars(y),
        arrow_array=lambda y, rng: _arrow(y),
    ),
    *mutations(
        pandas_categorical=lambda y, rng: _categorical(y),
        column=lambda y, rng: _frame(y, 1),
        labels_one_and_two=lambda y, rng: [1 + i % 2 for i in range(len(y))],
        labels_of_booleans=lambda y, rng: [i % 2 == 0 for i in range(len(y))],
        labels_of_mixed_types=lambda y, rng: [i % 2 or "a" for i in range(len(y))],
        indicators=lambda y, rng: np.eye(2, dtype=int)[np.arange(len(y)) % 2],
        several_outputs=lambda y, rng: np.arange(2 * len(y)).reshape(-1, 2) % 3,
        numbers=lambda y, rng: rng.normal(size=len(y)),
        huge_numbers=lambda y, rng: 1e300 * rng.normal(size=len(y)),
        big_integers=lambda y, rng: [10**30 + i for i in range(len(y))],
        numbers_at_the_limit=lambda y, rng: np.where(
            np.arange(len(y)) % 2, 1.7e308, -1.7e308
        ),
        tiny_numbers=lambda y, rng: 1e-320 * np.arange(len(y)),
        constant=lambda y, rng: [y[0]] * len(y),
        steps_left_out=with_one(lambda t: t[:-1] if isinstance(t, list | str) else t),
        steps_twice=with_one(lambda t: t * 2),
        unseen=with_one(lambda t: ["new"] * len(t) if isinstance(t, list) else "new"),
    ),
]
"""For the targets of any estimator."""

WEIGHTS: list[Mutation] = [
    *_HELD,
    *mutations(
        negative=with_one(lambda _: -1.0),
        zeros=lambda w, rng: np.zeros(len(w)),
        one_zero=with_one(lambda _: 0.0),
        all_but_one_zero=lambda w, rng: np.eye(len(w))[int(rng.integers(len(w)))],
        huge_weights=lambda w, rng: np.full(len(w), 1e308),
        tiny_weights=lambda w, rng: np.full(len(w), 1e-308),
        least_weights=lambda w, rng: np.full(len(w), 5e-324),
        far_apart=lambda w, rng: np.logspace(-30, 30, len(w)),
        far_apart_within_limits=lambda w, rng: np.logspace(70, 99, len(w)),
        scalar=lambda w, rng: 2.0,
        random=lambda w, rng: rng.random(len(w)),
        two_axes=lambda w, rng: np.ones((len(w), 2)),
        column=lambda w, rng: np.ones((len(w), 1)),
        texts=lambda w, rng: ["1.0"] * len(w),
        booleans=lambda w, rng: np.arange(len(w)) % 2 == 0,
    ),
    *mutations(
        True,
        ones=lambda w, rng: np.ones(len(w)),
        integers=lambda w, rng: np.ones(len(w), dtype=int),
        list=lambda w, rng: [1.0] * len(w),
        half_precision=lambda w, rng: np.ones(len(w), dtype=np.float16),
        pandas_series=lambda w, rng: _series(np.ones(len(w)), range(len(w), 0, -1)),
        polars_series=lambda w, rng: _polars(np.ones(len(w))),
        arrow_array=lambda w, rng: _arrow(np.ones(len(w))),
    ),
]
"""For sample weights; those of equivalent mutations are all 1."""
