"""Missing values: None, NaN, NaT, pandas.NA, and what a mask of numpy hides."""

import numpy as np


def is_missing(value: object) -> bool:
    """Whether a value is None, NaN, NaT, pandas.NA or numpy.ma.masked."""
    if value is None or value is np.ma.masked:
        return True
    try:
        # NaN and NaT are not equal to themselves.
        return bool(value != value)  # noqa: PLR0124
    except (TypeError, ArithmeticError):  # bool(pandas.NA), and a signalling NaN
        return True
    except (ValueError, RuntimeError):  # an array or a tensor of several values
        return False


def as_array(values: object) -> np.ndarray:
    """`numpy.asarray`, which keeps masks: those of an array, and of the items of a list."""
    if isinstance(values, np.ma.MaskedArray):
        return values
    if not isinstance(values, list | tuple):
        return np.asarray(values)
    if any(v is np.ma.masked for v in values):
        values = [None if v is np.ma.masked else v for v in values]
    has_masks = any(isinstance(v, np.ma.MaskedArray) for v in values)
    return np.ma.array(values) if has_masks else np.asarray(values)


def unmasked(array: np.ndarray) -> np.ndarray:
    """The array with NaN, NaT or None where values are masked."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    mask = np.ma.getmaskarray(array)
    if array.dtype.kind in "biuf":
        return np.where(mask, np.nan, array.data)
    if array.dtype.kind in "mM":
        return np.where(mask, np.array("NaT", array.dtype), array.data)
    objects = array.data.astype(object)
    objects[mask] = None
    return objects
