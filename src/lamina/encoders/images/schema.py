"""The shape and the values of the images in `fit`, and whether later ones agree.

What is 0 to 255 to one image is 0 to 1 to another, and a network takes both. So the
values that `fit` saw are kept, and images that are plainly on another scale are refused.
"""

from dataclasses import dataclass

import numpy as np

from lamina.exceptions import DataError
from lamina.schema import Schema

MAX_OF_BYTES, HALF_OF_BYTES = 255, 127
"""Images of 0 to 255 are expected to exceed the half somewhere."""
FAR = 4
"""Whole numbers this many times beyond the values in `fit` are on another scale."""


@dataclass(frozen=True)
class Values:
    """Type and range of the numbers in some images."""

    dtype: str
    """Name of the number type; files and PIL images are "uint8"."""
    low: float
    high: float
    """The smallest and largest value; 0 and 255 of files, which are not decoded yet."""
    is_whole: bool
    """Whether all are whole numbers."""

    @property
    def is_integer(self) -> bool:
        return np.dtype(self.dtype).kind in "iu"

    @property
    def is_unit(self) -> bool:
        """Whether these lie between 0 and 1, or between -1 and 1."""
        return self.low >= -1 and 0 < self.high <= 1

    @property
    def is_bytes(self) -> bool:
        """Whether these are 0 to 255."""
        return self.low >= 0 and HALF_OF_BYTES < self.high <= MAX_OF_BYTES

    def __str__(self) -> str:
        return f"{self.dtype} from {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class ImageSchema(Schema):
    """What images are like."""

    height: int
    width: int
    channels: int
    values: Values

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels


FILE_VALUES = Values("uint8", 0.0, float(MAX_OF_BYTES), is_whole=True)


def values_of(array: np.ndarray) -> Values:
    """Type and range of an array (n, H, W, C); NaN where it holds NaN."""
    low, high = float(array.min()), float(array.max())
    is_whole = array.dtype.kind != "f" or _is_whole(array)
    return Values(array.dtype.name, low, high, is_whole)


def other_shape(
    what: str, shape: tuple[int, ...], fitted: tuple[int, ...]
) -> DataError:
    """The error about an image (H, W, C) of another shape than in `fit`."""
    remedy = "resize or convert it"
    if shape == (fitted[2], fitted[0], fitted[1]):
        remedy = "its channels come first: pass X.transpose(0, 2, 3, 1)"
    return DataError(
        f"{what} has shape {shape} (height, width, channels), but this network was "
        f"fitted on {fitted}; {remedy}."
    )


def check_values(new: Values, fitted: Values, array: np.ndarray | None) -> None:
    """Raise where images, an array (n, H, W, C) or files, are on another scale."""
    if _is_scaled_down(new, fitted):
        remedy = "multiply it by 255" if fitted.is_bytes else "scale it as for fit"
    elif _is_scaled_up(new, fitted, array):
        remedy = "divide it by 255" if fitted.is_unit else "scale it as for fit"
        if array is None:
            remedy = f"read it into an array (`np.asarray(image)`) and {remedy}"
    else:
        return
    raise DataError(
        f"X, from sample 0 on, holds {new}, but this network was fitted on {fitted}; "
        f"{remedy}."
    )


def _is_scaled_down(new: Values, fitted: Values) -> bool:
    """Whether 0 to 1 comes after whole numbers or 0 to 255, or 8 bits after 16."""
    if new.dtype == "uint8":
        return fitted.is_whole and fitted.high > FAR * MAX_OF_BYTES and new.high > 0
    if new.is_integer or new.low < 0 or not 0 < new.high <= 1:
        return False
    return fitted.is_bytes or (fitted.is_whole and fitted.high > 1 and not new.is_whole)


def _is_scaled_up(new: Values, fitted: Values, array: np.ndarray | None) -> bool:
    """Whether 0 to 255 comes after 0 to 1, or after other small fractions."""
    if new.is_integer and not fitted.is_whole:
        limit = 1 if fitted.is_unit else FAR * max(-fitted.low, fitted.high)
        return new.high > max(1, limit)
    if not fitted.is_unit or new.high <= 1:
        return False
    # A single bright pixel is an outlier; a bright image is on another scale.
    return new.is_integer or array is None or bool((array.mean((1, 2, 3)) > 1).any())


def _is_whole(array: np.ndarray) -> bool:
    """Whether all are whole numbers; most images of fractions say so at once."""
    return all((image == np.rint(image)).all() for image in array)
