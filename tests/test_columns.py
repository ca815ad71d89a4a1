"""Columns of tables: their kinds in `fit`, and the conversion of later ones."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from scipy import sparse

import lamina
from lamina import DNNClassifier, DNNRegressor
from lamina.encoders.tables.encoder import TableEncoder
from lamina.encoders.tables.reader import TableParams
from lamina.encoders.texts.encoder import BagEncoder
from lamina.encoders.tokenizers import BagParams
from lamina.exceptions import DataError, DataWarning

TINY = {"hidden_layer_sizes": (4,), "max_iter": 1, "random_state": 0}
NUMBERS = [1.5, -2.0, 4.25, 0.0, 7.5, 3.0]


def reader(X, **params):
    """An encoder that has learnt the columns of X."""
    encoder = TableEncoder(TableParams(**params))
    return encoder.fit(encoder.read(X))


def encoded(X, by=None, **params):
    """The inputs of the network: numbers, and codes of categories if there are any."""
    encoder = reader(X, **params) if by is None else by
    plain = encoder.read(X)
    batch = encoder.encode(plain).take(torch.arange(len(plain)))
    return batch.x.numpy() if batch.codes is None else [batch.x.numpy(), batch.codes]


def kinds(X, **params):
    return [column.kind for column in reader(X, **params).schema.columns]


def column(values, dtype=object):
    return pd.DataFrame({"a": pd.Series(values, dtype=dtype)})


def same(actual, truth):
    np.testing.assert_allclose(actual, truth, atol=1e-5)


# Numbers in columns of objects


@pytest.mark.parametrize(
    "make",
    [
        float,
        np.float32,
        Decimal,
        Fraction,
        lambda v: int(v) if v == int(v) else v,
        lambda v: np.int8(v) if v == int(v) else Decimal(v),
    ],
    ids=["float", "numpy", "Decimal", "Fraction", "int", "mixed"],
)
def test_objects_that_are_numbers_are_read_as_numbers(make):
    objects = [make(v) for v in NUMBERS]
    same(encoded(column(objects)), encoded(np.c_[NUMBERS]))
    table = pl.DataFrame({"a": pl.Series(objects, dtype=pl.Object)})
    same(encoded(table), encoded(np.c_[NUMBERS]))
    same(encoded(np.c_[np.array(objects, object)]), encoded(np.c_[NUMBERS]))
    same(encoded({"a": objects}), encoded(np.c_[NUMBERS]))


@pytest.mark.parametrize(
    "missing", [None, np.nan, pd.NA, Decimal("NaN"), pd.NaT], ids=repr
)
def test_missing_values_among_objects_leave_the_others_numbers(missing):
    X = np.c_[[*NUMBERS, np.nan]]
    same(encoded(column([*NUMBERS, missing])), encoded(X))


def test_numbers_beside_a_column_of_texts_are_numbers_in_an_array_of_objects():
    objects = np.array([[v, "ab"[i % 2]] for i, v in enumerate(NUMBERS)], object)
    assert kinds(objects) == ["number", "category"]
    same(encoded(objects)[:, :1], encoded(np.c_[NUMBERS]))


def test_a_network_learns_from_objects_as_from_numbers():
    x = np.random.default_rng(0).normal(size=200)
    X = pd.DataFrame({"a": x})
    scores = []
    for table in (X, X.astype(object)):
        network = DNNRegressor(
            hidden_layer_sizes=(8,),
            max_iter=8,
            learning_rate_init=0.05,
            random_state=0,
        )
        scores.append(network.fit(table[:150], x[:150]).score(table[150:], x[150:]))
    assert scores[0] == scores[1] > 0.5


def test_booleans_are_numbers_in_whatever_column():
    truth = encoded(np.array([[True], [False], [True]]))
    for values in ([True, False, True], [np.True_, np.False_, np.True_]):
        same(encoded(column(values)), truth)


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 1j],
        [1.0, np.complex64(1j)],
        [1, [2]],
        [{"a": 1}, {}],
        [np.arange(2), np.arange(2)],
        [object(), object()],
    ],
    ids=["complex", "complex64", "list", "dict", "array", "object"],
)
def test_a_value_that_is_no_scalar_is_refused_by_column_and_row(values):
    with pytest.raises(DataError, match=r"'a'.* row [01]"):
        reader(column(values))


# A type that differs from that in `fit`


TYPES = {
    "int": lambda n: n,
    "float": float,
    "numpy": np.float32,
    "text": str,
    "text of a float": lambda n: f"{n}.0",
    "bytes": lambda n: str(n).encode(),
    "Decimal": Decimal,
}


@pytest.mark.parametrize("later", TYPES)
@pytest.mark.parametrize("first", ["text", "bytes"])
def test_categories_are_recognised_in_whatever_type_they_come(first, later):
    numbers = [2, 30, 2, 1, 30]
    encoder = reader(column([TYPES[first](n) for n in numbers]))
    truth = np.eye(3)[np.unique([str(n) for n in numbers], return_inverse=True)[1]]
    later = column([TYPES[later](n) for n in numbers])
    np.testing.assert_array_equal(encoded(later, by=encoder), truth)


@pytest.mark.parametrize("later", TYPES)
def test_numbers_are_recognised_in_whatever_type_they_come(later):
    numbers = [2, 30, 2, 1, 30]
    encoder = reader(column(numbers, "int64"))
    matrix = encoded(column([TYPES[later](n) for n in numbers]), by=encoder)
    same(matrix, encoded(np.c_[numbers]))


def test_a_code_with_leading_zeros_is_no_number():
    encoder = reader(column(["01", "1", "007"]))
    matrix = encoded(column(["1", "01", "007"]), by=encoder)
    assert len({tuple(row) for row in matrix}) == 3
    with pytest.warns(DataWarning, match="did not occur in fit, such as '7'"):
        assert not encoded(column(["7"]), by=encoder).any()


@pytest.mark.parametrize("bad", ["old", "1,5", "1_000", b"\xff", dt.date(2020, 1, 2)])
def test_what_is_no_number_is_refused_by_column_row_and_value(bad):
    network = DNNRegressor(**TINY).fit(column(NUMBERS, float), NUMBERS)
    with pytest.raises(
        DataError, match=r"'a' held numbers in fit, and contains .* in row 1"
    ) as caught:
        network.predict(column([1.0, bad]))
    assert repr(bad) in str(caught.value)


def test_unseen_categories_give_a_warning_if_they_are_the_majority():
    encoder = reader(column(list("aabbcc")))
    assert not encoded(column(list("aabx")), by=encoder)[3].any()
    with pytest.warns(DataWarning, match=r"'a' are categories.* such as 'x'"):
        encoded(column(list("axyz")), by=encoder)


# Dates


STAMPS = [dt.datetime(2024, 2, 28 + i // 2, 6 * (i % 4), 30) for i in range(4)]


@pytest.mark.parametrize(
    "make",
    [
        column,
        lambda d: column([str(v) for v in d]),
        lambda d: column([v.isoformat() for v in d]),
        lambda d: column([v.isoformat().encode().decode() for v in d], "string"),
        lambda d: {"a": np.array(d, "datetime64[s]")},
        lambda d: {"a": d},
        lambda d: pl.DataFrame({"a": d}),
        lambda d: pa.table({"a": d}),
        lambda d: np.array(d, "datetime64[m]")[:, None],
        lambda d: np.array([[v] for v in d], dtype=object),
        lambda d: column([np.datetime64(v) for v in d]),
    ],
)
def test_dates_are_read_alike_as_objects_texts_and_arrays(make):
    truth = encoded(pd.DataFrame({"a": pd.to_datetime(STAMPS)}))
    assert truth.shape == (4, 7)
    same(encoded(make(STAMPS)), truth)


def test_days_as_texts_and_objects_are_their_midnight():
    days = [dt.date(2024, 2, 28), dt.date(2024, 2, 29), dt.date(2025, 3, 1)]
    truth = encoded(pd.DataFrame({"a": pd.to_datetime(days)}))
    same(encoded(column(days)), truth)
    same(encoded(column([d.isoformat() for d in days])), truth)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NaT])
def test_a_missing_date_leaves_the_others_dates(missing):
    texts = [str(v) for v in STAMPS]
    truth = encoded(pd.DataFrame({"a": pd.to_datetime([*STAMPS, None])}))
    same(encoded(column([*texts, missing])), truth)
    same(encoded(column([*STAMPS, missing])), truth)


def test_a_date_is_converted_from_text_where_fit_saw_dates_and_back():
    dates, texts = column(STAMPS, "datetime64[ns]"), column([str(v) for v in STAMPS])
    for first, later in ((dates, texts), (texts, dates)):
        encoder = reader(first)
        same(encoded(later, by=encoder), encoded(first, by=encoder))


@pytest.mark.parametrize("bad", ["29.02.2024", "2024-02-30", "soon", 5])
def test_what_is_no_date_is_refused_by_column_and_row(bad):
    encoder = reader(column(STAMPS))
    with pytest.raises(
        DataError, match=r"'a' held dates in fit, and contains .* in row 1"
    ):
        encoder.read(column([STAMPS[0], bad]))
    with pytest.raises(DataError, match=r"'a' has type .*, and held dates in fit"):
        encoder.read(column([1.0, 2.0], float))


@pytest.mark.parametrize("texts", [["03/04/2024", "05/06/2024"], ["3.4.2024"] * 2])
def test_dates_with_ambiguous_day_and_month_give_a_warning(texts):
    with pytest.warns(DataWarning, match=r"'a' holds texts that look like dates"):
        assert kinds(column(texts)) == ["category"]


@pytest.mark.parametrize(
    "written", ["{:,}", "{}.5", "{},5", "$ {}", "{} €", "{} %", "-{}.0", " {:,}.25 "]
)
def test_numbers_written_as_texts_give_a_warning(written):
    texts = [written.format(1089 * i) for i in range(1, 30)]
    with pytest.warns(DataWarning, match=r"'a' holds texts that look like numbers"):
        assert kinds(column(texts)) == ["category"]


@pytest.mark.parametrize(
    "texts",
    [
        [str(94110 + i) for i in range(30)],
        [f"{i:05}" for i in range(30)],
        [f"1.{i}.2" for i in range(30)],
        [f"A{i}.5" for i in range(30)],
        ["1.5", "2.5"] * 20,
    ],
)
def test_codes_and_few_levels_give_none(texts):
    assert kinds(column(texts)) == ["category"]


ZONES = ["UTC", "America/New_York", "Etc/GMT+5", "America/Port-au-Prince"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("to", [lambda X: X, pl.from_pandas], ids=["pandas", "polars"])
def test_dates_in_a_zone_are_its_wall_time_and_other_zones_are_converted(zone, to):
    wall = pd.DataFrame({"a": pd.to_datetime(STAMPS)})
    there = wall.apply(lambda s: s.dt.tz_localize(zone))
    encoder = reader(to(there))
    same(encoded(to(there), by=encoder), encoded(wall))
    tokyo = there.apply(lambda s: s.dt.tz_convert("Asia/Tokyo"))
    same(encoded(to(tokyo), by=encoder), encoded(wall))
    same(encoded(tokyo.astype(object), by=encoder), encoded(wall))


def test_dates_with_and_without_a_zone_are_not_mixed():
    plain = pd.DataFrame({"a": pd.to_datetime(STAMPS)})
    zoned = plain.apply(lambda s: s.dt.tz_localize("Europe/Paris"))
    with pytest.raises(DataError, match=r"'a' .*Europe/Paris.*no time zone in fit"):
        reader(plain).read(zoned)
    with pytest.raises(DataError, match=r"'a' .*no time zone.*Europe/Paris in fit"):
        reader(zoned).read(plain)
    with pytest.raises(DataError, match="no time zone"):
        reader(zoned).read(column([str(v) for v in STAMPS]))


# Labels of columns


@pytest.mark.parametrize(
    "names", [[0, 1], [("a", "x"), ("b", "y")], ["a", 3], [2.5, 1]]
)
def test_columns_may_have_any_label(names):
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": list("uvuv")})
    truth = DNNRegressor(**TINY).fit(X, [1, 2, 3, 4]).predict(X)
    X.columns = pd.Index(names, tupleize_cols=False)
    network = DNNRegressor(**TINY).fit(X, [1, 2, 3, 4])
    np.testing.assert_array_equal(network.predict(X), truth)
    assert network.n_features_in_ == 2
    assert not hasattr(network, "feature_names_in_")
    with pytest.raises(ValueError, match="order"):
        network.predict(X[X.columns[::-1]])


def test_levels_of_columns_are_read_as_tuples():
    index = pd.MultiIndex.from_product([["a", "b"], ["x"]])
    X = pd.DataFrame(np.c_[NUMBERS, NUMBERS], columns=index)
    same(encoded(X), encoded(X.to_numpy()))


@pytest.mark.parametrize("names", [["a", "a"], [1, 1], [("a", 1), ("a", 1)]])
def test_two_columns_of_one_name_are_refused(names):
    X = pd.DataFrame(np.ones((4, 2)), columns=pd.Index(names, tupleize_cols=False))
    with pytest.raises(DataError, match="Two columns of X have the name"):
        DNNRegressor(**TINY).fit(X, [1, 2, 3, 4])


# Containers


@pytest.mark.parametrize(
    "make",
    [
        lambda x: pd.DataFrame(x, columns=list("ab")).astype(pd.SparseDtype(float)),
        lambda x: pd.DataFrame(x, columns=list("ab")).astype("Float64"),
        lambda x: pd.DataFrame(x, columns=list("ab")).astype("double[pyarrow]"),
        lambda x: pl.DataFrame(x, schema=["a", "b"]),
        lambda x: pa.table({"a": x[:, 0], "b": x[:, 1]}),
        lambda x: pa.RecordBatch.from_pydict({"a": x[:, 0], "b": x[:, 1]}),
        lambda x: {"a": x[:, 0], "b": list(x[:, 1])},
        lambda x: np.rec.fromarrays(x.T, names="a,b"),
        torch.tensor,
        lambda x: x.tolist(),
        lambda x: tuple(map(tuple, x)),
        lambda x: x.astype(object),
    ],
    ids=[
        "Sparse",
        "Float64",
        "pandas of pyarrow",
        "polars",
        "pyarrow",
        "record batch",
        "dict",
        "structured",
        "tensor",
        "lists",
        "tuples",
        "objects",
    ],
)
def test_numbers_are_the_same_in_every_container(make):
    x = np.c_[NUMBERS, NUMBERS[::-1]]
    container = make(x)
    same(encoded(container), encoded(x))
    network = DNNRegressor(**TINY)
    truth = network.fit(x, NUMBERS).predict(x)
    same(network.fit(container, NUMBERS).predict(container), truth)


def test_masked_values_are_missing():
    x = np.c_[NUMBERS, NUMBERS[::-1]]
    gaps = x.copy()
    gaps[2, 1] = np.nan
    masked = np.ma.MaskedArray(np.nan_to_num(gaps, nan=1e9), np.isnan(gaps))
    same(encoded(masked), encoded(gaps))
    same(encoded({"a": masked[:, 0], "b": masked[:, 1]}), encoded(gaps))
    whole = np.ma.MaskedArray([[1], [2], [999]], [[0], [0], [1]])
    same(encoded(whole), encoded(np.array([[1.0], [2.0], [np.nan]])))


def test_durations_are_their_days():
    spans = [dt.timedelta(days=2, hours=12), dt.timedelta(hours=-6), dt.timedelta(9)]
    truth = encoded(np.array([[2.5], [-0.25], [9.0]]))
    for X in (
        column(spans),
        pd.DataFrame({"a": pd.to_timedelta(spans)}),
        pl.DataFrame({"a": spans}),
        {"a": np.array(spans, "timedelta64[m]")},
        pa.table({"a": spans}),
    ):
        assert kinds(X) == ["duration"]
        same(encoded(X), truth)
    gaps = encoded(column([*spans, None]))
    same(gaps[:, 1], [0, 0, 0, 1])


def test_periods_are_their_beginning():
    months = pd.period_range("2024-01", periods=4, freq="M")
    starts = pd.DataFrame({"a": months.to_timestamp()})
    same(encoded(pd.DataFrame({"a": months})), encoded(starts))


def test_intervals_are_categories_and_those_of_pandas_cut_are_ordered():
    intervals = pd.cut(NUMBERS, [-3, 0, 3, 9])
    X = pd.DataFrame({"a": intervals})
    same(encoded(X), encoded(intervals.codes[:, None].astype(float)))
    X = pd.DataFrame({"a": intervals.as_unordered()})
    same(encoded(X), encoded(X.astype(str)))
    raw = pd.DataFrame({"a": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3])})
    same(encoded(raw), np.eye(3))


def test_a_lazy_frame_is_refused_with_the_remedy():
    lazy = pl.LazyFrame({"a": NUMBERS})
    with pytest.raises(DataError, match="collect"):
        DNNRegressor(**TINY).fit(lazy, NUMBERS)


@pytest.mark.parametrize(
    "X",
    [
        {"a": NUMBERS, "b": NUMBERS[:-1]},
        {"a": NUMBERS, "b": "text"},
        {"a": NUMBERS, "b": np.c_[NUMBERS, NUMBERS]},
    ],
    ids=["short", "text", "two axes"],
)
def test_a_dict_of_unequal_columns_is_refused_by_column(X):
    with pytest.raises(DataError, match="Column 'b'"):
        DNNRegressor(**TINY).fit(X, NUMBERS)


# Numbers that are categories


CODES = pd.DataFrame({"size": NUMBERS, "town": [10, 20, 30, 10, 20, 30]})
AS_TEXT = CODES.assign(town=CODES["town"].astype(str))


@pytest.mark.parametrize(
    "chosen",
    [["town"], [1], np.array([1]), [False, True], np.array([False, True])],
    ids=["name", "number", "array", "mask", "mask array"],
)
def test_columns_are_declared_categories_by_name_number_or_mask(chosen):
    truth = encoded(AS_TEXT)
    same(encoded(CODES, categorical_features=chosen), truth)
    if not isinstance(chosen[0], str):
        same(encoded(CODES.to_numpy(), categorical_features=chosen), truth)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (["tow"], "'tow'"),
        ([2], "2, which is not a column"),
        ([-1], "-1, which is not a column"),
        ([True], "1 values for 2 columns"),
    ],
)
def test_an_unknown_declared_column_is_refused(chosen, message):
    network = DNNClassifier(**TINY, categorical_features=chosen)
    with pytest.raises(DataError, match=message):
        network.fit(CODES, [0, 1] * 3)


def test_declared_categories_are_recognised_among_later_types():
    network = DNNRegressor(**TINY, categorical_features=["town"]).fit(CODES, NUMBERS)
    truth = network.predict(CODES)
    same(network.predict(CODES.astype({"town": float})), truth)
    same(network.predict(AS_TEXT), truth)


def test_a_sparse_matrix_takes_no_categories():
    network = DNNClassifier(**TINY, categorical_features=[0])
    with pytest.raises(DataError, match="sparse"):
        network.fit(sparse.eye(6, format="csr"), [0, 1] * 3)


def test_the_schema_says_which_columns_had_missing_values():
    n = np.arange(20.0)
    X = pd.DataFrame(
        {"a": n, "day": pd.date_range("2024", periods=20), "b": n, "c": "u"}
    )
    X["late"] = X["day"].where(n > 2)
    X["span"] = pd.to_timedelta(n, "D")
    X.loc[3, "b"] = np.nan
    X.loc[4, "c"] = None
    schema = DNNClassifier(max_iter=1).fit(X, [0, 1] * 10).schema_
    missing = {c.name for c in schema.columns if c.has_missing}
    assert missing == set(X.columns[X.isna().any()]) == {"b", "c", "late"}


# Columns of texts


def sentences(n, seed=0):
    """N distinct texts of six words, and whether each has more good words than bad ones."""
    rng = np.random.default_rng(seed)
    words = rng.choice(["good", "fine", "bad", "poor", "a", "door", "sky"], (n, 6))
    signs = np.isin(words, ["good", "fine"]).sum(1) - np.isin(
        words, ["bad", "poor"]
    ).sum(1)
    texts = [f"{' '.join(row)} n{i}" for i, row in enumerate(words)]
    return texts, signs > 0


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([f"a text of {i}" for i in range(50)], "text"),
        ([f"a text of {i}" for i in range(49)], "category"),
        ([f"level {i}" for i in range(60)], "category"),
        ([f"天气很好我们去公园吧{chr(0x4E00 + i)}" for i in range(60)], "text"),
        ([f"2024-01-{1 + i % 28:02} 10:00:{i % 60:02}" for i in range(60)], "date"),
    ],
    ids=["texts", "few", "two words", "without spaces", "dates"],
)
def test_strings_of_several_words_are_texts(values, kind):
    assert kinds(column(values * 3)) == [kind]
    assert kinds(column(values * 3), text_features=[]) != ["text"]


def test_an_ordered_or_declared_category_is_no_text():
    values = [f"a text of {i}" for i in range(60)] * 3
    assert kinds(column(values), categorical_features=["a"]) == ["category"]
    assert kinds(column(values, "category")) == ["category"]


@pytest.mark.parametrize("chosen", [["t"], [1], [False, True]])
def test_columns_are_declared_texts_by_name_number_or_mask(chosen):
    X = pd.DataFrame({"n": [1.0, 2.0] * 30, "t": ["one", "two"] * 30})
    assert kinds(X, text_features=chosen) == ["number", "text"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"text_features": ["n"]},
            "'n' is one of text_features, and contains 1.0 in row 0",
        ),
        ({"text_features": ["x"]}, "text_features has 'x'"),
        (
            {"text_features": ["t"], "categorical_features": ["t"]},
            "'t' is in categorical_features and in text_features",
        ),
    ],
)
def test_a_column_that_cannot_be_texts_is_refused_by_name(params, message):
    X = pd.DataFrame({"n": [1.0, 2.0] * 30, "t": ["one", "two"] * 30})
    with pytest.raises(DataError, match=message):
        reader(X, **params)


def test_a_number_where_fit_saw_texts_is_refused_by_column_and_row():
    texts, _ = sentences(60)
    by = reader(column(texts))
    with pytest.raises(
        DataError, match="'a' held texts in fit, and contains 3 in row 1"
    ):
        by.read(column(["a text", 3]))


def test_a_column_of_texts_has_the_bags_of_a_list_of_texts():
    texts, _ = sentences(80)
    later = ["good sky", "unknown", "a bad door"]
    by, of_list = reader(column(texts)), BagEncoder(BagParams())
    of_list.fit(of_list.read(texts))
    rows = torch.arange(3)
    (bags,) = by.encode(by.read(column(later))).take(rows).bags
    (expected,) = of_list.encode(of_list.read(later)).take(rows).bags
    assert torch.equal(bags.ids, expected.ids)
    assert torch.equal(bags.weights, expected.weights)
    assert torch.equal(bags.lengths, expected.lengths)


def bags_of(by, values):
    (bags,) = by.encode(by.read(column(values))).take(torch.arange(len(values))).bags
    return bags


def test_a_missing_or_empty_text_is_an_empty_bag_and_changes_no_other():
    texts, _ = sentences(80)
    by = reader(column([None, *texts, "", None]))
    bags = bags_of(by, [None, "good sky", "", "bad"])
    present = bags_of(by, ["good sky", "bad"])
    assert bags.lengths[[0, 2]].tolist() == [0, 0]
    assert torch.equal(bags.ids, present.ids)
    assert torch.equal(bags.weights, present.weights)
    assert bags_of(by, [None, None]).lengths.tolist() == [0, 0]


def reviews():
    """A frame with texts, numbers and gaps, of which both say something of the labels."""
    texts, good = sentences(500)
    number = np.random.default_rng(1).normal(size=500)
    X = pd.DataFrame({"review": texts, "number": number})
    X.loc[::40, "review"] = None
    return X, good + number > 0.5


def fitted_on(X, y):
    return DNNClassifier(max_iter=20, random_state=0).fit(X[:400], y[:400])


def test_texts_and_numbers_are_learnt_together():
    X, y = reviews()
    scores = [
        fitted_on(X[names], y).score(X[names][400:], y[400:]) for names in COLUMNS
    ]
    assert scores[-1] > max(scores[:-1]) + 0.05


COLUMNS = [["review"], ["number"], ["review", "number"]]


def test_texts_are_read_alike_in_every_frame_and_after_saving(tmp_path):
    X, y = reviews()
    network, later = fitted_on(X, y), X[400:]
    proba = network.predict_proba(later)
    as_strings = later.astype({"review": "string"})
    lamina.save(network, tmp_path / "network.lamina")
    restored = lamina.load(tmp_path / "network.lamina")
    assert np.array_equal(network.predict_proba(pl.from_pandas(later)), proba)
    assert np.array_equal(network.predict_proba(as_strings), proba)
    assert np.array_equal(restored.predict_proba(later), proba)
    np.testing.assert_allclose(network.predict_proba(later[:3]), proba[:3], rtol=1e-5)


def test_two_columns_of_texts_are_not_mixed_up():
    texts, good = sentences(500)
    others, _ = sentences(500, seed=1)
    X = pd.DataFrame({"review": texts, "answer": others})
    exchanged = X.rename(columns={"review": "answer", "answer": "review"})[list(X)]
    network = fitted_on(X, good)
    assert network.score(X[400:], good[400:]) > 0.75
    assert network.score(exchanged[400:], good[400:]) < 0.65
