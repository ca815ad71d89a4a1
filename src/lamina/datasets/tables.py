"""Tables and texts."""

import gzip
from typing import Any

import numpy as np

from lamina.datasets.store import FILES, answer, part
from lamina.exceptions import MissingExtraError

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


def load_adult(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Who earned more than 50,000 dollars a year, by the census of 1994.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The official 32,561 training rows, 16,281 test rows, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : pandas.DataFrame of 14 columns
        Six columns of numbers and eight of categories, some missing.
    target : ndarray of str
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
    pandas = _pandas()
    frames = [
        pandas.read_csv(FILES / name, names=ADULT, na_values="?")
        for name in ("adult_data.csv.gz", "adult_test.csv.gz")
    ]
    frame = pandas.concat(frames, ignore_index=True)
    rows = part(subset, len(frames[0]), len(frame))
    frame = frame.iloc[rows].reset_index(drop=True)
    target = frame.pop("income").to_numpy(dtype=str)
    text = [
        name for name in frame if not pandas.api.types.is_numeric_dtype(frame[name])
    ]
    return answer(frame.astype(dict.fromkeys(text, "category")), target, return_X_y)


def load_diamonds(*, return_X_y: bool = False) -> Any:
    """What a diamond costs.

    Parameters
    ----------
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : pandas.DataFrame of 9 columns
        Weight, measures, and three columns of categories.
    target : ndarray of float
        The price in US dollars.

    Raises
    ------
    MissingExtraError
        pandas is not installed.

    Examples
    --------
    >>> from lamina.datasets import load_diamonds
    >>> load_diamonds().data.shape
    (53940, 9)
    """
    frame = _pandas().read_csv(FILES / "diamonds.csv.gz")
    target = frame.pop("price").to_numpy(dtype=np.float64)
    text = dict.fromkeys(("cut", "color", "clarity"), "category")
    return answer(frame.astype(text), target, return_X_y)


def load_sentiment(*, subset: str = "train", return_X_y: bool = False) -> Any:
    """Tweets with the mean rating that ten people gave, from -4 (sad) to 4 (glad).

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        Every tenth tweet is the test; the others, the tenth ones, or all.
    return_X_y : bool, default=False
        Return the pair (data, target) instead of a Bunch.

    Returns
    -------
    data : list of str
        The texts.
    target : ndarray of float
        The ratings.

    Examples
    --------
    >>> from lamina.datasets import load_sentiment
    >>> X, y = load_sentiment(return_X_y=True)
    >>> len(X), bool(-4 <= y.min() < y.max() <= 4)
    (3780, True)
    """
    lines = gzip.decompress((FILES / "sentiment.tsv.gz").read_bytes()).decode()
    rows = [line.split("\t", 1) for line in lines.splitlines()]
    tests, train = rows[::10], [row for i, row in enumerate(rows) if i % 10]
    kept = (train + tests)[part(subset, len(train), len(rows))]
    ratings = np.array([float(rating) for rating, _ in kept])
    return answer([text for _, text in kept], ratings, return_X_y)


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise MissingExtraError("This table", "pandas", "datasets") from None
    return pandas
