"""Values that stand for a missing one: None, NaN, NaT and pandas.NA."""


def is_missing(value: object) -> bool:
    """Whether a value is None, NaN, NaT or pandas.NA."""
    try:
        # What is missing is not equal to itself.
        return value is None or bool(value != value)  # noqa: PLR0124
    except TypeError:  # as bool(pandas.NA) raises
        return True
    except (ValueError, RuntimeError):  # an array or a tensor of several values
        return False
