"""Missing values: None, NaN, NaT and pandas.NA."""


def is_missing(value: object) -> bool:
    """Whether a value is None, NaN, NaT or pandas.NA."""
    try:
        # NaN and NaT are not equal to themselves.
        return value is None or bool(value != value)  # noqa: PLR0124
    except TypeError:  # bool(pandas.NA) raises it
        return True
    except (ValueError, RuntimeError):  # an array or a tensor of several values
        return False
