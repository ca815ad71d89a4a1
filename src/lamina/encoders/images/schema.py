"""The shape and the range of values of the images in `fit`, to check later images.

Images may have values from 0 to 255 or from 0 to 1. The range in `fit` is kept, and images
that are clearly on another scale are refused.
"""

from dataclasses import dataclass

import numpy as np

from lamina.encoders.finite import MAX_FLOAT32
from lamina.exceptions import DataError
from lamina.schema import Schema
from lamina.state import Stored

MAX_OF_BYTES, HALF_OF_BYTES = 255, 127
"""The maximum of images with values from 0 to 255 is expected between these."""
LARGEST = 1e30
"""The largest absolute value of a pixel; greater ones could overflow when standardised."""
FAR = 4
"""Whole values that exceed those in `fit` by this factor are on another scale."""


@dataclass(frozen=True)
class Values(Stored):
    """Type and range of the values of images."""

    dtype: str
    """Name of the dtype; "uint8" for files and PIL images."""
    low: float
    high: float
    """The smallest and largest value; 0 and 255 for files, which are not decoded."""
    is_whole: bool
    """Whether all values are whole."""

    @property
    def is_integer(self) -> bool:
        return np.dtype(self.dtype).kind in "iu"

    @property
    def is_unit(self) -> bool:
        """Whether all values are between 0 and 1, or between -1 and 1."""
        return self.low >= -1 and 0 < self.high <= 1

    @property
    def is_bytes(self) -> bool:
        """Whether values are from 0 to 255."""
        return self.low >= 0 and HALF_OF_BYTES < self.high <= MAX_OF_BYTES

    def __str__(self) -> str:
        return f"{self.dtype} from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class ImageSchema(Schema):
    """The shape and the values of the images in `fit`."""

    height: int
    width: int
    channels: int
    values: Values

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels


FILE_VALUES = Values("uint8", 0.0, float(MAX_OF_BYTES), is_whole=True)


def values_of(array: np.ndarray) -> Values:
    """Type and range of an array (n, H, W, C); the range is NaN if it contains NaN."""
    low, high = float(array.min()), float(array.max())
    is_whole = array.dtype.kind != "f" or _is_whole(array)
    return Values(array.dtype.name, low, high, is_whole)


def other_shape(
    what: str, shape: tuple[int, ...], fitted: tuple[int, ...]
) -> DataError:
    """The error about an image with another shape (H, W, C) than in `fit`."""
    remedy = "resize or convert it"
    if shape == (fitted[2], fitted[0], fitted[1]):
        remedy = "its channels come first: pass X.transpose(0, 2, 3, 1)"
    return DataError(
        f"{what} has shape {shape} (height, width, channels), but this network was "
        f"fitted on {fitted}; {remedy}."
    )


def check_values(new: Values, fitted: Values, array: np.ndarray | None) -> None:
    """Raise if images, an array (n, H, W, C) or files (None), are on another scale."""
    if _is_scaled_down(new, fitted):
        remedy = "multiply it by 255" if fitted.is_bytes else "scale it as for fit"
    elif _is_scaled_up(new, fitted, array):
        remedy = "divide it by 255" if fitted.is_unit else "scale it as for fit"
        if array is None:
            remedy = f"read it into an array (`np.asarray(image)`) and {remedy}"
    else:
        return
    raise DataError(
        f"X, from sample 0 on, has values {new}, but this network was fitted on {fitted}; "
        f"{remedy}."
    )


def _is_scaled_down(new: Values, fitted: Values) -> bool:
    """Whether values are 0 to 1 and were 0 to 255, or have 8 bits and had 16."""
    if new.dtype == "uint8":
        return fitted.is_whole and fitted.high > FAR * MAX_OF_BYTES and new.high > 0
    if new.is_integer or new.low < 0 or not 0 < new.high <= 1:
        return False
    return fitted.is_bytes or (fitted.is_whole and fitted.high > 1 and not new.is_whole)


def _is_scaled_up(new: Values, fitted: Values, array: np.ndarray | None) -> bool:
    """Whether values are 0 to 255 and were 0 to 1, or other fractions."""
    if new.is_integer and not fitted.is_whole:
        limit = 1 if fitted.is_unit else FAR * max(-fitted.low, fitted.high)
        return new.high > max(1, limit)
    if not fitted.is_unit or new.high <= 1:
        return False
    # A single pixel above 1 is an outlier; an image with a mean above 1 is not.
    return new.is_integer or array is None or bool((array.mean((1, 2, 3)) > 1).any())


def _is_whole(array: np.ndarray) -> bool:
    """Whether all values are whole; returns at the first image with fractions."""
    return all((image == np.rint(image)).all() for image in array)


def refuse_nonfinite(array: np.ndarray) -> None:
    """Raise `DataError` for the first image of (n, H, W, C) with a value beyond `LARGEST`."""
    for i, image in enumerate(array):
        # As float64: half precision would round the limit to infinity.
        if not (np.abs(image.astype(np.float64)) <= LARGEST).all():
            what = f"values beyond {LARGEST:g}"
            if not np.isfinite(image).all():
                what = "NaN" if np.isnan(image).any() else "inf"
            raise DataError(
                f"Sample {i} of X contains {what}; repair it or leave it out."
            )


def refuse_far(array: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> None:
    """Raise `DataError` for an image with a value that float32 does not hold when scaled."""
    for i, image in enumerate(array):
        far = np.abs(image - mean) / scale > MAX_FLOAT32
        if far.any():
            raise DataError(
                f"Sample {i} of X contains {image[far][0]} in channel "
                f"{int(np.nonzero(far)[-1][0])}, so far from the values of fit that float32 "
                f"does not hold it once it is scaled; correct it."
            )
