"""Values that are stored: the same after `dismantled`, JSON and `assembled`."""

import datetime
import json
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from lamina import state
from lamina.exceptions import SavedFileError
from lamina.foreign import FOREIGN
from lamina.state import Stored, assembled, dismantled


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
    if isinstance(a, np.ndarray) and a.dtype.hasobject:
        return a.shape == b.shape and same(a.ravel().tolist(), b.ravel().tolist())
    if isinstance(a, np.ndarray | np.generic):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
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
                st.sampled_from(
                    [*state.READERS, *state.SEQUENCES, *FOREIGN, "x"]
                ),
                inner,
                max_size=2,
            )
        ),
    )
)
def test_any_json_is_assembled_or_refused(tree):
    with suppress(SavedFileError):
        assembled(tree, {"0": np.zeros(3)})


def test_dates_have_their_zone():
    now = datetime.datetime(2024, 3, 31, 2, 30, tzinfo=datetime.UTC)
    assert again(now) == now
    assert again(now).tzinfo is not None
