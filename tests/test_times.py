"""Time stamps, and their distances by the calendar."""

import datetime as dt

import narwhals.stable.v2 as nw
import numpy as np
import pytest

from lamina.encoders.series.frequencies import find_frequency
from lamina.encoders.series.times import (
    TimeKind,
    read_times,
    to_instants,
    to_wall_clock,
)
from lamina.exceptions import DataError

pd = pytest.importorskip("pandas")


def times_of(values):
    return read_times(nw.from_native(pd.Series(values), series_only=True), "Column 't'")


def frequency_of(index):
    times = times_of(index)
    return find_frequency([times.values], times.kind.is_calendar, times.kind.zone)


ALIASES = ["s", "15min", "h", "2h", "D", "2D", "W-TUE", "B", "MS", "ME", "BMS", "BME"]
ALIASES += ["QS", "QE", "QE-FEB", "YS", "YE", "2MS"]


@pytest.mark.parametrize("alias", ALIASES)
@pytest.mark.parametrize("start", ["2024-01-31", "2023-11-30 10:00"])
def test_a_frequency_continues_as_in_pandas(alias, start):
    index = pd.date_range(start, periods=40, freq=alias)
    history, future = index[:25], index[25:]
    holes = history.delete([3, 7, 8, 20])
    for seen in (history, holes):
        values = times_of(seen).values
        frequency = frequency_of(seen)
        assert frequency is not None
        stamps = frequency.after(values[0], np.arange(25, 40))
        assert (stamps.astype("datetime64[us]") == future.to_numpy()).all()
        positions = frequency.positions(values)
        assert (positions == history.get_indexer(seen)).all()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Etc/GMT+5"])
@pytest.mark.parametrize("alias", ["h", "D", "B", "MS"])
def test_days_are_local_and_hours_are_not(zone, alias):
    index = pd.date_range("2024-02-20", periods=300, freq=alias, tz=zone)
    times = times_of(index[:200])
    assert times.kind.zone == zone
    frequency = find_frequency([times.values], True, zone)
    assert frequency is not None
    after = frequency.after(times.values[0], np.arange(200, 300)).astype(
        "datetime64[us]"
    )
    expected = index[200:].tz_convert("UTC").tz_localize(None).to_numpy()
    assert (after == expected).all()


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "UTC+05:30"]
)
def test_clocks_of_a_zone_are_those_of_pandas(zone):
    index = pd.date_range("2015-01-01", "2019-12-31", freq="15min", tz="UTC")
    local = index.tz_convert(zone)
    wall = local.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    instants = index.tz_localize(None).to_numpy().astype("datetime64[us]")
    np.testing.assert_array_equal(to_wall_clock(instants.astype(np.int64), zone), wall)
    back = to_instants(wall, zone)
    same = back == instants.astype(np.int64)
    # An ambiguous local time is the first of its two moments.
    assert (~same).sum() == (wall.size - np.unique(wall).size)
    gaps = np.flatnonzero(np.diff(wall) > 900_000_000)
    for i in gaps:
        assert to_instants(wall[i : i + 1] + 900_000_000, zone) == instants[
            i + 1
        ].astype(int)


@pytest.mark.parametrize(
    ("alias", "seasons"),
    [
        ("h", [24, 168]),
        ("30min", [2, 48, 336]),
        ("D", [7]),
        ("B", [5]),
        ("W", [52]),
        ("MS", [12]),
        ("QE", [4]),
        ("YE", []),
    ],
)
def test_seasons_follow_from_the_frequency(alias, seasons):
    frequency = frequency_of(pd.date_range("2024", periods=30, freq=alias))
    assert frequency is not None
    assert frequency.seasons() == seasons


def test_each_way_to_write_time_is_read():
    expected = pd.date_range("2024-01-01", periods=4).to_numpy()
    days = [dt.date(2024, 1, i) for i in range(1, 5)]
    for values, kind in [
        (expected, "datetime"),
        (days, "date"),
        ([dt.datetime(2024, 1, i) for i in range(1, 5)], "datetime"),
        ([str(day) for day in days], "text"),
        ([f"{day:%Y%m%d}" for day in days], "text"),
        ([f"{day} 00:00" for day in days], "text"),
        (pd.Categorical([str(day) for day in days]), "text"),
        (pd.period_range("2024-01-01", periods=4, freq="D"), "period"),
        (pd.Series(days, dtype=object), "date"),
    ]:
        times = times_of(values)
        assert times.kind.type == kind
        assert (times.values.astype("datetime64[us]") == expected).all()
    months = times_of(["2024-01", "2024-02", "2024-04"])
    quarters = times_of(["2024Q1", "2024-Q2"])
    assert months.kind.style == "month" and quarters.kind.style == "quarter"
    assert (np.diff(quarters.values) == 91 * 86_400_000_000).all()
    aware = times_of(["2024-01-01T00:00+01:00", "2024-01-01T00:00Z"])
    assert np.diff(aware.values) == 3_600_000_000 and aware.kind.zone == "UTC"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["31/01/2024", "01/02/2024"], "dayfirst=True"),
        (["2024-01-01", "01.02.2024"], "row 1"),
        (["2024-01-01", None], "missing time in row 1"),
        ([pd.Timestamp("2024"), pd.NaT], "missing time in row 1"),
        ([1.0, np.nan], "missing time in row 1"),
        ([20240131, 20240201], "look like dates"),
        ([202401, 202402], "look like dates"),
        ([True, False], "not a time"),
        (pd.to_timedelta([1, 2]), "not a time"),
        (["2024-01-01", dt.date(2024, 1, 2)], "mixes types"),
        (["2024-01-01T00:00", "2024-01-01T01:00Z"], "mixes types"),
        ([object(), object()], "row 0"),
    ],
)
def test_what_is_no_time_is_refused(values, words):
    with pytest.raises(DataError, match=words):
        times_of(values)


def test_stamps_without_a_common_distance_have_no_frequency():
    rng = np.random.default_rng(0)
    minutes = pd.date_range("2024", periods=10_000, freq="min")
    some = np.sort(rng.choice(10_000, 50, replace=False))
    assert frequency_of(minutes[some]) is None
    assert frequency_of(np.sort(rng.normal(size=20))) is None
    jitter = pd.date_range("2024", periods=30, freq="h").to_numpy().copy()
    jitter[7] += np.timedelta64(3, "s")
    assert frequency_of(jitter) is None


def test_positions_are_numbers():
    frequency = frequency_of([0.0, 0.1, 0.2, 0.4])
    assert frequency is not None and frequency.step == pytest.approx(0.1)
    np.testing.assert_allclose(frequency.after(0.0, np.arange(5, 7)), [0.5, 0.6])
    years = frequency_of([2001, 2002, 2003])
    assert years is not None and (years.after(2001, np.array([3])) == [2004]).all()
    assert TimeKind("number").text(3.0) == "3"
