"""Files: their names, and what goes wrong; pictures; statistics of a part of the samples.

A picture -> (H, W, C) of bytes;
means (n, C) and variances (n, C) of single samples -> mean (C,) and scale (C,) of all.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lamina.exceptions import DataError, MissingExtraError
from lamina.scaling import scale_of

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""What pictures are brought to, by their channels; each can hold those before it."""
CHANNELS = {"1": 1, "L": 1} | dict.fromkeys(
    ("P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"), 3
)
"""Channels of pictures without transparency, by PIL's mode."""
ORIENTATION = 0x0112


def is_path(sample: Any) -> bool:
    """Whether a sample is the name of a file."""
    return isinstance(sample, str | Path)


def name_of(sample: Any, i: int) -> str:
    """What a message calls sample number `i`."""
    return f"Sample {i} ({str(sample)!r})" if is_path(sample) else f"Sample {i}"


@contextmanager
def reading(sample: Any, i: int) -> Iterator[None]:
    """Whatever goes wrong inside becomes a `DataError` that names the sample."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # it depends on the format and on the damage
        why = str(error).rstrip(".") or type(error).__name__
        raise DataError(
            f"{name_of(sample, i)} cannot be read: {why}. Repair it or leave it out."
        ) from error


def picture_header(sample: Any, i: int) -> tuple[int, int, int]:
    """Height, width and channels of a picture as it is shown; no pixel is read."""
    Image, _ = _pillow()
    with _opened(sample, i) as image:
        channels = 4 if image.has_transparency_data else CHANNELS.get(image.mode)
        if channels is None or 0 in image.size:
            raise DataError(
                f"{name_of(sample, i)} has mode {image.mode!r} and size {image.size}; "
                f"only pictures of 8 bits a colour, and of some pixels, are read. "
                f"Convert it, or pass an array of its values."
            )
        # The method of a PNG would look for a note at the end and read all on its way.
        turn = Image.Image.getexif(image).get(ORIENTATION, 1)
        width, height = image.size
        # The reader of TIFF has already taken the turn into account.
        if turn in (5, 6, 7, 8) and image.format != "TIFF":
            height, width = width, height
        return height, width, channels


def decode_picture(
    sample: Any, i: int, n_channels: int, size: tuple[int, int] | None
) -> np.ndarray:
    """(H, W, C) of bytes: a picture as it is shown, resized if a size (H, W) is given."""
    _, ImageOps = _pillow()
    with _opened(sample, i) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode != MODES[n_channels]:
            upright = upright.convert(MODES[n_channels])
        if size is not None:
            upright = upright.resize(size[::-1])
        return np.asarray(upright).reshape(*upright.size[::-1], -1)


def evenly_spaced(n: int, at_most: int) -> np.ndarray:
    """At most so many of the row numbers below `n`, from the first to the last."""
    return np.linspace(0, n - 1, min(n, at_most)).round().astype(np.intp)


def pooled_moments(
    means: np.ndarray, variances: np.ndarray, weight: np.ndarray, n_values: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (1 where it is 0) of samples of these moments.

    A sample's `weight` (n,) counts its steps or pixels too, if samples differ in them;
    `n_values` are the steps or pixels of all.
    """
    mean = np.average(means, axis=0, weights=weight)
    variance = np.average(variances + (means - mean) ** 2, axis=0, weights=weight)
    return mean, scale_of(variance, mean, n_values)


@contextmanager
def _opened(sample: Any, i: int) -> Iterator[Any]:
    """A PIL image; what goes wrong with it names the sample."""
    Image, _ = _pillow()
    if not is_path(sample) and not isinstance(sample, Image.Image):
        raise DataError(
            f"Sample {i} is of type {type(sample).__name__}; a list of images holds "
            f"paths and PIL images, or arrays only."
        )
    with reading(sample, i):
        if is_path(sample):
            with Image.open(sample) as image:
                yield image
        else:
            yield sample


def _pillow() -> Any:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise MissingExtraError("Reading images", "pillow", "image") from None
    return Image, ImageOps
