"""Series in any container are sorted by time and matched by name, or refused."""

from decimal import Decimal

import numpy as np
import pytest

from lamina.encoders.forecasting.encoder import HistoryEncoder
from lamina.encoders.forecasting.params import HistoryParams
from lamina.exceptions import DataError, DataWarning

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

DAYS = pd.date_range("2024-01-01", periods=40)
Y = np.arange(40.0)


def encoder(**params):
    given: dict = {"horizon": 3, "season": 2} | params
    return HistoryEncoder(HistoryParams(**given))


def read(X, **params):
    return encoder(**params).read(X)


def long_frame():
    parts = [
        pd.DataFrame(
            {"shop": shop, "day": DAYS[i:], "sold": Y[i:] + 100 * i, "rain": i}
        )
        for i, shop in enumerate("ab")
    ]
    return pd.concat(parts, ignore_index=True)


COLUMNS = {"id_column": "shop", "time_column": "day", "value_column": "sold"}


def containers():
    frame = long_frame()
    return {
        "pandas": frame,
        "index": frame.set_index("day"),
        "levels": frame.set_index(["shop", "day"]),
        "polars": pl.from_pandas(frame),
        "pyarrow": pa.Table.from_pandas(frame, preserve_index=False),
        "text": frame.assign(day=frame.day.dt.strftime("%Y-%m-%d")),
        "periods": frame.assign(day=frame.day.dt.to_period("D")),
        "objects": frame.assign(sold=[Decimal(v) for v in frame.sold]),
    }


@pytest.mark.parametrize("name", list(containers()))
def test_the_order_of_rows_does_not_matter(name):
    panel = read(containers()[name], **COLUMNS)
    assert panel.ids == ["a", "b"]
    np.testing.assert_array_equal(panel[0][:, 0], Y)
    np.testing.assert_array_equal(panel[1], np.stack([Y[1:] + 100, Y[1:] * 0 + 1], 1))
    X = containers()[name]
    rows = np.random.default_rng(0).permutation(len(X))
    if isinstance(X, pd.DataFrame):
        mixed = X.iloc[rows]
    else:
        mixed = X.take(pa.array(rows)) if isinstance(X, pa.Table) else X[rows.tolist()]
    shuffled = read(mixed, **COLUMNS)
    assert shuffled.ids is not None
    for i, shop in enumerate(shuffled.ids):
        np.testing.assert_array_equal(shuffled[i], panel["ab".index(shop)])


def test_the_index_of_pandas_is_the_time():
    back = pd.Series(Y, DAYS)[::-1]
    np.testing.assert_array_equal(read(back)[0][:, 0], Y)
    periods = pd.Series(Y, pd.period_range("2024", periods=40, freq="M"))[::-1]
    np.testing.assert_array_equal(read(periods)[0][:, 0], Y)
    levels = long_frame().drop(columns="rain").set_index(["day", "shop"])["sold"][::-1]
    panel = read(levels)
    assert panel.ids == ["b", "a"]
    np.testing.assert_array_equal(panel[1][:, 0], Y)
    text = pd.DataFrame({"y": Y}, index=DAYS.strftime("%Y-%m-%d"))
    np.testing.assert_array_equal(read(text[::-1])[0][:, 0], Y)


def test_integers_in_the_index_are_positions_where_they_increase():
    series = pd.Series(Y)
    assert read(series[10:])[0].shape == (30, 1)
    with pytest.warns(DataWarning, match="2 steps are absent"):
        panel = read(series.drop([5, 6]))
    assert np.isnan(panel[0][:, 0]).nonzero()[0].tolist() == [5, 6]
    with pytest.warns(DataWarning, match="do not increase"):
        assert read(series[::-1])[0][0, 0] == 39


def test_absent_steps_are_missing_and_one_warning_counts_them():
    frame = long_frame().drop(index=[4, 5, 50])
    with pytest.warns(DataWarning) as caught:
        panel = read(frame, **COLUMNS)
    assert len(caught) == 1 and "3 steps are absent" in str(caught[0].message)
    assert np.isnan(panel[0][:, 0]).nonzero()[0].tolist() == [4, 5]
    assert np.isnan(panel[1][:, 0]).nonzero()[0].tolist() == [10]
    with pytest.warns(DataWarning, match="TimeSeriesSplit"):
        read(pd.Series(Y, DAYS).drop(DAYS[10:20]))


@pytest.mark.parametrize(
    ("X", "params", "words"),
    [
        (pd.Series(Y, [DAYS[0], *DAYS[:39]]), {}, "2024-01-01 twice, in rows 0 and 1"),
        (pd.concat([long_frame()] * 2), COLUMNS, "'a' has the time 2024-01-01 twice"),
        (pd.Series(Y, DAYS + pd.to_timedelta(Y**2, unit="min")), {}, "common distance"),
        (
            pd.Series(Y, [*DAYS[:39], DAYS[0] + pd.Timedelta("3653D")]),
            {},
            "time stamp is wrong",
        ),
        (pd.Series(Y, [pd.NaT, *DAYS[1:]]), {}, "missing time in row 0"),
        (pd.Series(Y, DAYS.strftime("%d.%m.%Y")), {}, "dayfirst=True"),
        (long_frame().assign(shop=None), COLUMNS, "missing id in row 0"),
        (long_frame(), {}, "value_column"),
        (long_frame(), COLUMNS | {"value_column": "sole"}, "'sole' is not a column"),
        (long_frame(), COLUMNS | {"known_columns": ["sun"]}, "known_columns has 'sun'"),
        (pd.DataFrame({"y": ["1", "2"]}), {}, "row 0 is '1'"),
        (
            pd.DataFrame(np.ones((9, 2)), columns=["y", "y"]),
            {},
            "Two columns of X have the name 'y'",
        ),
        (pl.DataFrame({"y": Y}).lazy(), {}, "collect"),
        (np.array(["1"] * 20), {}, "Series 0 is not an array of numbers"),
        (DAYS.to_numpy(), {}, "Series 0 is not an array of numbers"),
        (np.array([1.0, "a"] * 9, dtype=object), {}, "row 1 is 'a'"),
        (np.array([1j] * 20), {}, "Series 0 is not an array of numbers"),
        (np.ones((200, 3)), {}, r"pass \[X\]"),
        (np.array(5.0), {}, "single value"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(X, params, words):
    with pytest.raises(DataError, match=words):
        read(X, **params)


def test_rows_that_look_like_columns_give_a_warning():
    X = np.random.default_rng(0).normal(size=(300, 30))
    with pytest.warns(DataWarning, match="300 series of 30 steps"):
        assert len(read(X)) == 300
    assert len(read(list(X))) == 300 and read([X])[0].shape == (300, 30)


def test_values_that_are_masked_or_missing_are_nan():
    masked = np.ma.masked_greater(Y, 37)
    for X in (
        masked,
        [masked],
        pd.Series(Y).where(Y < 38).astype("Float64"),
        [*Y[:38], None, None],
    ):
        assert np.isnan(read(X)[0][:, 0]).nonzero()[0].tolist() == [38, 39]
    sparse = pd.DataFrame({"y": pd.arrays.SparseArray(Y)})
    np.testing.assert_array_equal(read(sparse)[0][:, 0], Y)


def test_columns_are_matched_by_name():
    frame = pd.DataFrame({0: Y, ("promo", 1): Y % 2, "noise": Y % 3}, index=DAYS)
    fitted = encoder(value_column=0)
    fitted.read(frame)
    again = fitted.read(frame[["noise", ("promo", 1), 0]])
    np.testing.assert_array_equal(again[0], frame.to_numpy())
    for other, words in [
        (frame.drop(columns="noise"), r"lacks the columns \['noise'\]"),
        (frame.assign(more=1.0), r"\['more'\], which fit did not have"),
        ([frame.to_numpy()], "matched by name"),
    ]:
        with pytest.raises(DataError, match=words):
            fitted.read(other)
    assert fitted.schema is not None
    assert fitted.schema.columns == (0, ("promo", 1), "noise")


def test_later_stamps_must_agree_with_those_of_fit():
    fitted = encoder()
    fitted.read(pd.Series(Y, DAYS))
    assert len(fitted.read(pd.Series(Y[:5], DAYS[:5]))[0]) == 5
    assert len(fitted.read(Y)[0]) == 40
    for index, words in [
        (pd.date_range("2024", periods=40, freq="h"), "1 day apart"),
        (pd.date_range("2024", periods=40, freq="2D"), "1 day apart"),
        (DAYS.tz_localize("UTC"), "without a time zone"),
        (range(40), "numbers"),
    ]:
        with pytest.raises(DataError, match=words):
            fitted.read(pd.Series(Y, index))


def test_later_stamps_may_have_another_time_zone():
    berlin = pd.date_range("2024-03-30", periods=40, freq="h", tz="Europe/Berlin")
    fitted = encoder()
    fitted.read(pd.Series(Y, berlin))
    panel = fitted.read(pd.Series(Y, berlin.tz_convert("UTC")))
    np.testing.assert_array_equal(panel[0][:, 0], Y)


@pytest.mark.parametrize("library", [pd, pl])
@pytest.mark.parametrize(
    ("roles", "column", "remedy"),
    [
        ({"time_column": "day", "value_column": "sold"}, "shop", "id_column"),
        (COLUMNS, "weather", "time_column"),
    ],
)
def test_a_column_of_texts_is_named_with_what_it_may_be(library, roles, column, remedy):
    frame = long_frame()
    if column == "weather":
        frame = frame.assign(weather="dry")
    X = frame if library is pd else pl.from_pandas(frame)
    with pytest.raises(DataError, match=f"{column!r} is not.*row 0 is.*{remedy}"):
        read(X, **roles)


@pytest.mark.parametrize("library", [pd, pl])
def test_a_frame_without_rows_is_refused(library):
    X = long_frame()[:0] if library is pd else pl.from_pandas(long_frame()).head(0)
    with pytest.raises(DataError, match="no rows"):
        read(X, **COLUMNS)
