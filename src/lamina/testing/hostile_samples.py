"""Mutations of X, by its container: an array, or a list of arrays or strings."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy import sparse
from torch.utils.data import DataLoader, Dataset

from lamina.testing.hostile_frames import FRAMES
from lamina.testing.mutations import (
    Mutation,
    constant,
    mutations,
    objects,
    with_number,
    with_one,
)

OBJECTS: dict[str, Any] = {
    "None": None,
    "NaN": float("nan"),
    "text": "abc",
    "empty text": "",
    "surrogate": "a\ud800b",
    "bytes": b"abc",
    "path": Path("missing.dat"),
    "integer": 3,
    "big integer": 10**400,
    "unsigned integer": np.uint64(2**64 - 1),
    "beyond float64": np.longdouble("1e4000"),
    "beyond float32": 1e39,
    "boolean": True,
    "complex": 1 + 2j,
    "complex of numpy": np.complex64(1 + 2j),
    "decimal": Decimal("1.5"),
    "signalling NaN": Decimal("sNaN"),
    "masked value": np.ma.masked,
    "raw memory": np.void(b"abc"),
    "fraction": Fraction(1, 3),
    "date": date(2024, 2, 29),
    "datetime64": np.datetime64("2024-02-29"),
    "NaT": np.datetime64("NaT", "s"),
    "timedelta64": np.timedelta64(3, "s"),
    "list": [],
    "tuple": (1, "a"),
    "dict": {"a": 1},
    "set": {1, 2},
    "function": len,
    "class": int,
    "0-d array": np.array(1.0),
    "5-D array": np.ones((1, 1, 1, 1, 1)),
    "empty array": np.empty((0, 0)),
    "structured": np.zeros(2, dtype=[("a", "f8"), ("b", "U3")]),
    "complex array": np.ones((2, 2), dtype=complex),
    "text array": np.array([["a", "b"]]),
    "tensor": torch.ones(2, 2, dtype=torch.bfloat16),
    "complex tensor": torch.ones(2, dtype=torch.complex64),
    "meta tensor": torch.empty(2, 2, device="meta"),
    "sparse tensor": torch.eye(2).to_sparse(),
    "sparse matrix": sparse.eye(2, format="coo"),
    "range": range(3),
    "memoryview": memoryview(b"abcd"),
    "ellipsis": ...,
}
"""Odd values that replace X, a sample or a number."""


class _Listed(Dataset):
    """A list as a data set of torch."""

    def __init__(self, items: list):
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]


ANY: list[Mutation] = [
    *(Mutation(f"is {name}", constant(lambda v=v: v)) for name, v in OBJECTS.items()),
    *(
        Mutation(f"one is {name}", with_one(lambda _, v=v: v))
        for name, v in OBJECTS.items()
    ),
    *mutations(
        empty=lambda X, rng: X[:0],
        one_sample=lambda X, rng: X[:1],
        the_sample_itself=lambda X, rng: X[0],
        nested_once_more=lambda X, rng: [X],
        each_nested=lambda X, rng: [[x] for x in X],
        generator=lambda X, rng: (x for x in X),
        iterator=lambda X, rng: iter(X),
        map=lambda X, rng: map(list, X),
        dict_of_samples=lambda X, rng: dict(enumerate(X)),
        set_of_texts=lambda X, rng: {str(x) for x in X},
        DataLoader=lambda X, rng: DataLoader(_Listed(list(X)), collate_fn=list),
        pairs_of_X_and_y=lambda X, rng: (X, np.zeros(len(X))),
        samples_as_text=lambda X, rng: [str(x) for x in X],
        samples_pickled=lambda X, rng: [repr(x).encode() for x in X],
        twice=lambda X, rng: [*X, *X],
        shuffled_types=lambda X, rng: [x if i % 2 else None for i, x in enumerate(X)],
        all_missing=lambda X, rng: [None] * len(X),
    ),
    *mutations(
        True,
        array_of_objects=lambda X, rng: objects(X),
        list_of_samples=lambda X, rng: list(X),
    ),
]
"""For any container."""

ARRAYS: list[Mutation] = [
    *(
        Mutation(f"a number is {name}", with_number(value))
        for name, value in {**OBJECTS, "infinity": np.inf, "huge": 1e308}.items()
        if np.ndim(value) == 0 or isinstance(value, str | bytes)
    ),
    *mutations(
        complex=lambda X, rng: X.astype(complex),
        complex_objects=lambda X, rng: X.astype(complex).astype(object),
        raw_memory=lambda X, rng: np.zeros(X.shape, dtype="V4"),
        texts_of_numbers=lambda X, rng: X.astype(str),
        bytes_of_numbers=lambda X, rng: X.astype("S8"),
        decimals=lambda X, rng: np.vectorize(Decimal, otypes=[object])(X),
        dates=lambda X, rng: X.astype("datetime64[s]"),
        time_differences=lambda X, rng: X.astype("timedelta64[s]"),
        booleans=lambda X, rng: X > 0,
        small_integers=lambda X, rng: (X * 10).astype(np.int8),
        unsigned=lambda X, rng: np.abs(X * 50).astype(np.uint8),
        half_precision=lambda X, rng: X.astype(np.float16),
        infinite_in_half_precision=lambda X, rng: np.where(X > 0, X, np.inf).astype(
            np.float16
        ),
        beyond_float64=lambda X, rng: X * np.longdouble("1e4000"),
        beyond_int64=lambda X, rng: (X > 0) + np.full(X.shape, 2**63, np.uint64),
        nearly_constant=lambda X, rng: 1 + 1e-15 * X,
        masked=lambda X, rng: np.ma.masked_greater(X, 0.5),
        rows_masked=lambda X, rng: [np.ma.masked_greater(x, 0.5) for x in X],
        all_masked=lambda X, rng: np.ma.masked_all(X.shape),
        all_NaN=lambda X, rng: np.full(X.shape, np.nan),
        all_zero=lambda X, rng: np.zeros(X.shape),
        scaled_up=lambda X, rng: X * 1e30,
        scaled_down=lambda X, rng: X * 1e-300,
        transposed=lambda X, rng: X.T,
        flat=lambda X, rng: X.ravel(),
        one_axis_more=lambda X, rng: X[..., None],
        one_axis_before=lambda X, rng: X[None],
        one_axis_less=lambda X, rng: X[:, 0],
        no_columns=lambda X, rng: X[..., :0],
        last_column_dropped=lambda X, rng: X[..., :-1],
        last_column_twice=lambda X, rng: np.concatenate([X, X[..., -1:]], -1),
        ragged=lambda X, rng: [x[: 1 + i % len(x)] for i, x in enumerate(X)],
        structured=lambda X, rng: X.reshape(len(X), -1)[:, :2].astype(
            [("a", "f8"), ("b", "f8")]
        ),
        bfloat16_tensor=lambda X, rng: torch.from_numpy(X).bfloat16(),
        complex_tensor=lambda X, rng: torch.from_numpy(X).to(torch.complex64),
        sparse_tensor=lambda X, rng: torch.from_numpy(X).to_sparse(),
        meta_tensor=lambda X, rng: torch.empty(X.shape, device="meta"),
        nested_tensor=lambda X, rng: torch.nested.nested_tensor(list(X)),
    ),
    *mutations(
        True,
        Fortran_order=lambda X, rng: np.asfortranarray(X),
        strided=lambda X, rng: np.repeat(X, 2, axis=0)[::2],
        reversed_twice=lambda X, rng: X[::-1].copy()[::-1],
        other_byte_order=lambda X, rng: X.astype(">f8"),
        read_only=lambda X, rng: _read_only(X),
        numbers_as_objects=lambda X, rng: X.astype(object),
        nested_lists=lambda X, rng: X.tolist(),
        long_double=lambda X, rng: X.astype(np.longdouble),
        tensor=lambda X, rng: torch.from_numpy(X.copy()).requires_grad_(),
        unmasked=lambda X, rng: np.ma.masked_array(X, mask=False),
    ),
]
"""For arrays of numbers."""

SAMPLES: list[Mutation] = [
    *(
        Mutation(f"a number is {name}", with_number(value))
        for name, value in {**OBJECTS, "infinity": np.inf, "huge": 1e308}.items()
        if np.ndim(value) == 0 or isinstance(value, str | bytes)
    ),
    *mutations(
        one_holds_complex_numbers=with_one(lambda x: x.astype(complex)),
        one_holds_texts=with_one(lambda x: x.astype(str)),
        one_is_transposed=with_one(lambda x: x.T),
        one_is_flat=with_one(lambda x: x.ravel()),
        one_has_an_axis_more=with_one(lambda x: x[..., None]),
        one_is_empty=with_one(lambda x: x[:0]),
        one_has_one_step=with_one(lambda x: x[:1]),
        one_is_masked=with_one(lambda x: np.ma.masked_greater(x, 0)),
        one_is_all_NaN=with_one(lambda x: np.full(x.shape, np.nan)),
        one_is_integers=with_one(lambda x: (x * 100).astype(np.int16)),
        all_are_integers=lambda X, rng: [(x * 100).astype(np.int16) for x in X],
        all_are_objects=lambda X, rng: [x.astype(object) for x in X],
        all_are_zero=lambda X, rng: [np.zeros(x.shape) for x in X],
        scaled_up=lambda X, rng: [x * 1e30 for x in X],
        mixed_types=lambda X, rng: [
            x.astype([np.float16, np.int8, np.float64, bool][i % 4])
            for i, x in enumerate(X)
        ],
        of_equal_length=lambda X, rng: np.stack([x[: min(map(len, X))] for x in X]),
    ),
    *mutations(
        True,
        tuple=lambda X, rng: tuple(X),
        lists_of_numbers=lambda X, rng: [x.tolist() for x in X],
        tensors=lambda X, rng: [torch.from_numpy(x.copy()) for x in X],
        strided_samples=lambda X, rng: [np.repeat(x, 2, axis=0)[::2] for x in X],
    ),
]
"""For lists of arrays."""

TEXTS: list[Mutation] = [
    *mutations(
        one_is_blank=with_one(lambda _: " \t\n"),
        one_is_long=with_one(lambda _: "la " * 3000),
        one_is_one_long_word=with_one(lambda _: "x" * 5000),
        one_is_combining_marks=with_one(lambda _: "e\u0301\u200d\ufe0f\u0928\u093f"),
        one_is_NUL=with_one(lambda _: "a\0b"),
        one_is_emoji=with_one(lambda _: "\U0001f469\u200d\U0001f680 \ufffd"),
        one_is_right_to_left=with_one(lambda _: "\u05d0\u05d1 \u202e\u0661\u0662"),
        all_are_equal=lambda X, rng: ["the same"] * len(X),
        all_are_empty=lambda X, rng: [""] * len(X),
        bytes_strings=lambda X, rng: [str(x).encode() for x in X],
        array_of_bytes=lambda X, rng: np.array([str(x).encode() for x in X]),
        array_with_axis_more=lambda X, rng: np.array([[str(x)] for x in X]),
        joined=lambda X, rng: " ".join(map(str, X)),
        numbers=lambda X, rng: list(range(len(X))),
    ),
]
"""For lists of strings, and of lists of strings."""


def mutations_of(X: np.ndarray | list) -> list[Mutation]:
    """The mutations that apply to these samples."""
    if isinstance(X, np.ndarray):
        is_matrix = X.ndim == 2
        return ANY + (ARRAYS if X.dtype.kind == "f" else []) + FRAMES * is_matrix
    return ANY + (SAMPLES if isinstance(X[0], np.ndarray) else TEXTS)


def _read_only(X: np.ndarray) -> np.ndarray:
    copied = X.copy()
    copied.flags.writeable = False
    return copied
