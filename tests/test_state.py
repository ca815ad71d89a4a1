"""Values that are stored: the same after `dismantled`, JSON and `assembled`."""

import datetime
import json
import re
from collections import Counter, OrderedDict
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.model_selection import KFold, PredefinedSplit, ShuffleSplit

from lamina import state
from lamina.exceptions import SavedFileError
from lamina.foreign import FOREIGN
from lamina.state import Stored, assembled, dismantled
from lamina.units import BytePairs


class Pair(Stored):
    """A class from outside of lamina."""

    def __init__(self, left, right):
        self.left, self.right = left, right


def again(value, classes=()):
    tree, arrays = dismantled(value)
    return assembled(json.loads(json.dumps(tree, allow_nan=False)), arrays, classes)


def same(a, b):
    """Equal in type and in every element, NaN as itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, np.ndarray):
        if (a.dtype, a.shape) != (b.dtype, b.shape):
            return False
        a, b = (
            v.ravel().tolist() if v.dtype.hasobject else v.tobytes() for v in (a, b)
        )
    if isinstance(a, np.generic):
        a, b = (a.dtype, a.tobytes()), (b.dtype, b.tobytes())
    return repr(a) == repr(b)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.complex_numbers()
    | st.dates()
    | st.datetimes()
)
arrays = npst.arrays(
    npst.boolean_dtypes()
    | npst.integer_dtypes()
    | npst.unsigned_integer_dtypes()
    | npst.floating_dtypes()
    | npst.unicode_string_dtypes()
    | npst.byte_string_dtypes()
    | npst.datetime64_dtypes()
    | npst.timedelta64_dtypes(),
    npst.array_shapes(min_dims=0, min_side=0, max_side=4),
)
values = st.recursive(
    scalars | arrays | arrays.filter(lambda a: a.ndim == 0).map(lambda a: a[()]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(scalars, inner, max_size=4)
    ),
)


@given(values)
def test_a_value_is_the_same_after_it_was_stored(value):
    assert same(again(value), value)


@given(st.sets(scalars))
def test_sets(value):
    assert {repr(v) for v in again(value)} == {repr(v) for v in value}
    assert isinstance(again(frozenset(value)), frozenset)


def test_arrays_of_objects_and_tensors():
    a = np.array([[1, "x"], [None, 2.5]], dtype=object)
    assert same(again(a), a)
    texts = np.array(["a", "bc"], np.dtypes.StringDType())
    assert same(again(texts), texts)
    for dtype in (torch.float32, torch.bfloat16, torch.int64, torch.bool):
        t = torch.arange(6).reshape(2, 3).to(dtype)
        assert torch.equal(again(t), t)
        assert again(t).dtype == dtype


def test_a_shared_object_stays_one_object():
    inner = Pair(np.arange(3), None)
    pair = again([inner, Pair(inner, 1)], [Pair])
    assert pair[0] is pair[1].left
    assert pair[0].left.tolist() == [0, 1, 2]


def test_what_is_not_plain_is_refused_with_its_place():
    with pytest.raises(SavedFileError, match=r"a\.1\.b is <function"):
        dismantled({"a": [0, {"b": lambda: 0}]})
    deep = []
    for _ in range(1000):
        deep = [deep]
    with pytest.raises(SavedFileError, match="levels"):
        dismantled(deep)
    pair = Pair(1, 2)
    pair.left = pair
    with pytest.raises(SavedFileError, match="within itself"):
        again(pair, [Pair])


def test_a_class_is_never_found_by_its_name():
    tree, arrays = dismantled(Pair(1, 2))
    with pytest.raises(SavedFileError, match=r"classes=\[Pair\]"):
        assembled(tree, arrays)
    for name in ("os.system", "builtins.eval", "state.Stored"):
        with pytest.raises(SavedFileError, match="none of"):
            assembled({"object": [name, []]}, {})


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*state.READERS, *state.SEQUENCES, *FOREIGN, "x"]),
                inner,
                max_size=2,
            )
        ),
    )
)
def test_any_json_is_assembled_or_refused(tree):
    with suppress(SavedFileError):
        assembled(tree, {"0": np.zeros(3)})


FOREIGN_VALUES = [
    datetime.time(1, 2, 3),
    datetime.timedelta(days=-1, microseconds=3),
    Decimal("1.50"),
    Fraction(2, 6),
    UUID(int=7),
    OrderedDict(b=1, a=2),
    Counter("aab"),
    pd.Timestamp("2024-03-31 02:30", tz="UTC").as_unit("ns"),
    pd.Timestamp("2024-03-31 01:30:00.000000001", tz="Europe/Berlin"),
    pd.Timestamp("2024-03-31", tz="UTC+02:00"),
    pd.Timedelta(5, "ns"),
    pd.Period("2024-01", "M"),
    pd.Period("2024-01-03", "W-SUN"),
    pd.Interval(pd.Timestamp("2024"), pd.Timestamp("2025"), closed="left"),
    nw.Implementation.POLARS,
    KFold(3, shuffle=True, random_state=1),
    ShuffleSplit(test_size=0.3),
    PredefinedSplit([0, 1, -1]),
]


@pytest.mark.parametrize("value", FOREIGN_VALUES, ids=lambda v: type(v).__name__)
def test_values_of_other_types_are_the_same(value):
    other = again(value)
    assert type(other) is type(value)
    assert repr(other) == repr(value)
    if type(value).__eq__ is not object.__eq__:
        assert other == value
        assert again({value: 1} if value.__hash__ else [value]) == (
            {value: 1} if value.__hash__ else [value]
        )


def test_random_states_continue_and_wrong_ones_are_refused():
    generator = np.random.RandomState(5)
    generator.normal(size=3)
    tree, arrays = dismantled(generator)
    twin = assembled(tree, arrays)
    assert twin.normal(size=700).tolist() == generator.normal(size=700).tolist()
    text = json.dumps(tree)
    for position in (-1, 625, 10**9):
        changed = re.sub(r'"pos", \d+', f'"pos", {position}', text)
        assert changed != text
        with pytest.raises(SavedFileError, match="RandomState"):
            assembled(json.loads(changed), arrays)
    with pytest.raises(SavedFileError, match="PCG64"):
        dismantled(np.random.RandomState(np.random.PCG64(1)))


def test_what_is_not_plain_may_be_stored_by_others():
    pair, function = Pair(1, 2), len
    others = []
    tree, arrays = dismantled([pair, function, {"a": pair}], others)
    assert others == [pair, function]
    value = assembled(json.loads(json.dumps(tree)), arrays, others=others)
    assert value[0] is value[2]["a"] is pair


def test_a_tokenizer_with_other_parts_is_refused():
    units = BytePairs().fit(["a rose is a rose"], 300)
    tree, arrays = dismantled(units)
    assert assembled(tree, arrays).split("a rose") == units.split("a rose")
    text = units.tokenizer.to_str()
    for part in ("normalizer", "pre_tokenizer", "model", "decoder"):
        parts = json.loads(text)
        parts[part] = {"type": "Split"}
        tree["object"][1] = [["tokenizer", json.dumps(parts)]]
        with pytest.raises(SavedFileError, match="tokenizer"):
            assembled(tree, arrays)


def test_dates_have_their_zone():
    now = datetime.datetime(2024, 3, 31, 2, 30, tzinfo=datetime.UTC)
    assert again(now) == now
    assert again(now).tzinfo is not None
