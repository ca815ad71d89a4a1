"""The two forms that images have after X is read: an array, or sources to be decoded.

An array (n, H, W, C) stays as it is, in its own type. Files, contents of files and PIL
images are decoded to (H, W, C) of uint8 when a batch needs them.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from lamina.encoders.containers import is_contents, is_image, unwrap
from lamina.encoders.files import contents_of, is_path, name_of
from lamina.encoders.images.files import (
    MODES,
    Source,
    decode_image,
    image_header,
)
from lamina.encoders.images.schema import other_shape
from lamina.exceptions import DataError, ParameterError

VALUES_AT_ONCE = 1 << 20
LARGEST = 1e30
"""No value of a pixel is greater, which standardised numbers could not hold."""
Shape = tuple[int, int, int]


class ArrayImages:
    """Images (n, H, W, C) in memory."""

    def __init__(self, array: np.ndarray):
        self.array = array
        self.shape: Shape = array.shape[1:]

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, rows: Any) -> "ArrayImages":
        return ArrayImages(self.array[rows])

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """(B, H, W, C) of numbers of any type."""
        return self.array[rows]


class ImageFiles:
    """Files, their contents, and PIL images; pixels (H, W, C) are read when asked for."""

    def __init__(
        self, sources: list[Source], shape: Shape, resizes: bool, numbers: np.ndarray
    ):
        self.sources, self.shape, self.resizes = sources, shape, resizes
        self.numbers = numbers
        """What the sources are called in messages: their places in the user's X."""

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, rows: Any) -> "ImageFiles":
        places = np.arange(len(self))[rows]
        sources = [self.sources[i] for i in places]
        return ImageFiles(sources, self.shape, self.resizes, self.numbers[places])

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """(B, H, W, C) of uint8, decoded now."""
        return np.stack([self._decoded(i) for i in rows])

    def _decoded(self, i: int) -> np.ndarray:
        source, number = self.sources[i], int(self.numbers[i])
        size = self.shape[:2] if self.resizes else None
        pixels = decode_image(source, number, self.shape[2], size)
        # A file may have changed since its header was read, or the header may be wrong.
        if pixels.shape != self.shape:
            raise other_shape(name_of(source, number), pixels.shape, self.shape)
        return pixels


Images = ArrayImages | ImageFiles


def images_of(X: Any, size: tuple[int, int] | None, fitted: Shape | None) -> Images:
    """The images in whatever the user passed, of one shape, that in `fit` if known."""
    X = unwrap(X, is_table=False)
    if isinstance(X, list):
        samples = [_as_sample(sample, i) for i, sample in enumerate(X)]
        arrays = [s for s in samples if isinstance(s, np.ndarray)]
        if len(arrays) < len(samples):
            return _files(samples, size, fitted)
        if size is not None and all(a.dtype == np.uint8 for a in arrays):
            images = _files(arrays, size, fitted)
            return ArrayImages(images.pixels(np.arange(len(images))))
        X = _stacked(arrays, size)
    if fitted is None and size is not None:
        raise ParameterError(
            f"image_size={size!r} has no effect on an array of images, or on a list of "
            f"arrays that are not uint8; leave it at its default, or pass list(X) of "
            f"uint8 arrays."
        )
    return _array(X, fitted)


def blocks(rows: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Rows in blocks of as many images as are worked on at once."""
    size = max(1, VALUES_AT_ONCE // prod(shape))
    return (rows[start : start + size] for start in range(0, len(rows), size))


def refuse_nonfinite(array: np.ndarray) -> None:
    """Raise `DataError` for the first image of (n, H, W, C) that float32 cannot hold."""
    for i, image in enumerate(array):
        if not (np.abs(image) <= LARGEST).all():
            what = f"values beyond {LARGEST:g}"
            if not np.isfinite(image).all():
                what = "NaN" if np.isnan(image).any() else "inf"
            raise DataError(
                f"Sample {i} of X contains {what}; repair it or leave it out."
            )


def _as_sample(sample: Any, i: int) -> Source:
    """A source that can be decoded as often as needed, or an array."""
    if is_contents(sample):
        return contents_of(sample, i)
    if is_path(sample) or is_image(sample):
        return sample
    if sample is None:
        raise DataError(f"Sample {i} is None; leave it out.")
    _refuse_masked(sample, f"Sample {i}")
    try:
        array = np.asarray(sample)
    except ValueError:  # nested lists of unequal length
        array = np.array(None)
    if array.ndim == 0 or array.dtype.kind == "O":
        raise DataError(
            f"Sample {i} is of type {type(sample).__name__}; an image is an array, a "
            f"path, a PIL image, or the bytes or open binary file of an image."
        )
    return array


def _refuse_masked(values: Any, name: str) -> None:
    if np.ma.is_masked(values):
        raise DataError(
            f"{name} is a masked array; fill what is masked: array.filled(value)."
        )


def _array(X: Any, fitted: Shape | None) -> ArrayImages:
    """Images (n, H, W) or (n, H, W, C) -> (n, H, W, C)."""
    _refuse_masked(X, "X")
    if not isinstance(X, np.ndarray):
        raise DataError(
            f"X is of type {type(X).__name__}; pass an array of images or a list of "
            f"arrays, paths, bytes or PIL images."
        )
    if X.dtype.kind not in "biuf":
        raise DataError(f"Images hold numbers; these hold {X.dtype}.")
    one = fitted is not None and X.shape in (fitted, fitted[:2])
    if one or X.ndim not in (3, 4):
        raise DataError(
            f"X has shape {X.shape}; images are (samples, height, width) or (samples, "
            f"height, width, channels). If X is one image, pass X[None]."
        )
    if not len(X):
        raise DataError(f"Found array with 0 sample(s) (shape={X.shape}).")
    images = ArrayImages(X[..., None] if X.ndim == 3 else X)
    if 0 in images.shape:
        raise DataError(f"Sample 0 has no pixels: its shape is {images.shape}.")
    if fitted is not None and images.shape != fitted:
        raise other_shape("Sample 0", images.shape, fitted)
    return images


def _stacked(arrays: list[np.ndarray], size: tuple[int, int] | None) -> np.ndarray:
    for i, image in enumerate(arrays):
        if image.shape != arrays[0].shape or image.ndim not in (2, 3):
            remedy = "Resize them"
            if all(a.dtype == np.uint8 for a in arrays):
                remedy = "Pass image_size=(height, width) to resize them"
            elif size is not None:
                remedy = f"Only uint8 is resized, and sample {i} is {image.dtype}"
            raise DataError(
                f"Sample {i} has shape {image.shape}, sample 0 has {arrays[0].shape}; "
                f"images are (height, width) or (height, width, channels), all of one "
                f"shape. {remedy}."
            )
    return np.stack(arrays)


def _files(
    sources: list[Source], size: tuple[int, int] | None, fitted: Shape | None
) -> ImageFiles:
    """Checked sources; only their headers are read."""
    headers = [_header(source, i) for i, source in enumerate(sources)]
    if fitted is None:
        if size is None:
            _refuse_unequal(sources, [header[:2] for header in headers])
        height, width = size or headers[0][:2]
        fitted = height, width, max(n for _, _, n in headers)
    for i, header in enumerate(headers):
        fits = size is not None or header[:2] == fitted[:2]
        # More channels than in fit could only be dropped.
        if not fits or header[2] > fitted[2] or fitted[2] not in MODES:
            raise other_shape(name_of(sources[i], i), header, fitted)
    return ImageFiles(sources, fitted, size is not None, np.arange(len(sources)))


def _header(source: Source, i: int) -> Shape:
    """Height, width and channels of a source."""
    if not isinstance(source, np.ndarray):
        return image_header(source, i)
    if source.dtype != np.uint8 or source.ndim not in (2, 3) or 0 in source.shape:
        raise DataError(
            f"Sample {i} is an array of {source.dtype} of shape {source.shape}; beside "
            f"files and PIL images an array (height, width, channels) is uint8."
        )
    height, width, n_channels = (*source.shape, 1)[:3]
    if n_channels not in MODES:
        first = " Its channels seem to come first: pass it as x.transpose(1, 2, 0)."
        raise DataError(
            f"Sample {i} has shape {source.shape}; images that are resized, or beside "
            f"files, have 1, 3 or 4 channels, and these come last."
            f"{first if height in MODES else ''}"
        )
    return height, width, n_channels


def _refuse_unequal(sources: list[Source], sizes: list[tuple[int, ...]]) -> None:
    for i, size in enumerate(sizes):
        if size != sizes[0]:
            raise DataError(
                f"Images have unequal sizes (height, width): {name_of(sources[0], 0)} "
                f"has {sizes[0]} and {name_of(sources[i], i)} has {size}. Pass "
                f"image_size=(height, width), such as image_size={sizes[0]}, to resize "
                f"them."
            )
