"""The tables with classes that are more than a column of a package's frame.

lamina is imported where it is used, so that cells of other libraries do not load torch.
"""

import numpy as np
import pandas as pd

from benchmarks.tables.sources import Rows, classes, columns, r_frame, table

BEFORE_DEPARTURE = (
    "month",
    "day",
    "sched_dep_time",
    "sched_arr_time",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "distance",
)
MINUTES_LATE = 15
"""A flight is late if it arrives more than so many minutes after its time."""


def adult() -> Rows:
    """The training rows, then the official test rows."""
    from lamina.datasets import load_adult

    X, y = load_adult(subset="all", return_X_y=True)
    return columns(X), classes(y)


def flights() -> Rows:
    """Minutes of delay at arrival, from what is known before departure."""
    from lamina.datasets import fetch_flights

    X, y = fetch_flights(subset="all", return_X_y=True)
    y = np.asarray(y, dtype=np.float64)
    arrived = np.isfinite(y)
    X = X.loc[arrived, list(BEFORE_DEPARTURE)].reset_index(drop=True)
    return columns(X), y[arrived]


def flights_late() -> Rows:
    X, delay = flights()
    return X, (delay > MINUTES_LATE).astype(np.int64)


def stops() -> Rows:
    """Police stops in Minneapolis: a suspicious person, or a matter of traffic."""
    frame = r_frame("carData", "MplsStops")
    time = pd.to_datetime(frame.pop("date"))
    frame["month"], frame["hour"] = time.dt.month, time.dt.hour
    frame["weekday"] = time.dt.day_name()
    frame["policePrecinct"] = frame["policePrecinct"].astype("category")
    outcomes = ("MDC", "citationIssued", "personSearch", "vehicleSearch")
    return table(frame, "problem", ("idNum", *outcomes), labels=True)
