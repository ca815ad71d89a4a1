"""Values that stand for a missing one: None, NaN, NaT and pandas.NA."""

import numpy as np


def is_missing(value: object) -> bool:
    """Whether a value is None, NaN, NaT or pandas.NA."""
    try:
        # What is missing is not equal to itself.
        return value is None or bool(value != value)  # noqa: PLR0124
    except (TypeError, ValueError):  # bool(pandas.NA) raises; so does an array's
        return not isinstance(value, np.ndarray)
