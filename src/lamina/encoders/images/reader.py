"""Images in any container -> an array, or sources that are decoded for each batch.

An array (n, H, W, C) keeps its dtype. Files, contents of files and PIL images are decoded
to (H, W, C) of uint8.
"""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from lamina.encoders.containers import is_contents, is_image, unwrap
from lamina.encoders.files import (
    contents_of,
    is_path,
    name_of,
    refuse_excess,
    refuse_large_file,
    regular_file,
)
from lamina.encoders.images.files import (
    MODES,
    Source,
    decode_image,
    image_header,
)
from lamina.encoders.images.schema import (
    FILE_VALUES,
    LARGEST,
    ImageSchema,
    Values,
    check_values,
    other_shape,
    refuse_nonfinite,
    values_of,
)
from lamina.exceptions import DataError, ParameterError

BLOCK_SIZE = 1 << 20
"""Values of the images that are processed at a time."""
Shape = tuple[int, int, int]


class ArrayImages:
    """Images (n, H, W, C) in memory."""

    def __init__(self, array: np.ndarray):
        self.array = array
        self.shape: Shape = array.shape[1:]

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, rows: slice | np.ndarray) -> "ArrayImages":
        return ArrayImages(self.array[rows])

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """(B, H, W, C) of any numeric dtype."""
        return self.array[rows]


class ImageFiles:
    """Files, their contents, and PIL images; pixels (H, W, C) are decoded on demand."""

    def __init__(
        self,
        sources: Sequence[Source],
        shape: Shape,
        resizes: bool,
        sample_numbers: np.ndarray,
    ):
        self.sources, self.shape, self.resizes = sources, shape, resizes
        self.sample_numbers = sample_numbers
        """(n,) numbers of the samples in X, for messages."""

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, rows: slice | np.ndarray) -> "ImageFiles":
        sources = [self.sources[i] for i in np.arange(len(self))[rows]]
        numbers = self.sample_numbers[rows]
        return ImageFiles(sources, self.shape, self.resizes, numbers)

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """(B, H, W, C) of uint8."""
        return np.stack([self._decoded(i) for i in rows])

    def _decoded(self, i: int) -> np.ndarray:
        source, number = self.sources[i], int(self.sample_numbers[i])
        size = self.shape[:2] if self.resizes else None
        pixels = decode_image(source, number, self.shape[2], size)
        # The file may have changed since its header was read, or the header may be wrong.
        if pixels.shape != self.shape:
            raise other_shape(name_of(source, number), pixels.shape, self.shape)
        return pixels


Images = ArrayImages | ImageFiles


def images_of(
    data: object, size: tuple[int, int] | None, fitted: Shape | None, max_pixels: int
) -> Images:
    """The images of X, all of the same shape, which is `fitted` if that is not None.

    An image of more than `max_pixels` is refused before it is decoded.
    """
    X = unwrap(data, is_table=False)
    if isinstance(X, list):
        samples = [_as_sample(sample, i) for i, sample in enumerate(X)]
        arrays = [s for s in samples if isinstance(s, np.ndarray)]
        if len(arrays) < len(samples):
            return _files(samples, size, fitted, max_pixels)
        if size is not None and all(a.dtype == np.uint8 for a in arrays):
            images = _files(arrays, size, fitted, max_pixels)
            return ArrayImages(images.pixels(np.arange(len(images))))
        X = _stacked(arrays, size)
    if fitted is None and size is not None:
        raise ParameterError(
            f"image_size={size!r} has no effect on an array of images, or on a list of "
            f"arrays that are not uint8; leave it at its default, or pass list(X) of "
            f"uint8 arrays."
        )
    images = _array(X, fitted)
    n_pixels = prod(images.shape[:2])
    refuse_excess(None, 0, n_pixels, "pixels", ("max_pixels", max_pixels))
    return images


def read_images(
    X: object,
    size: tuple[int, int] | None,
    fitted: ImageSchema | None,
    max_pixels: int,
) -> tuple[Images, Values]:
    """The images of X and the range of their values, checked against those of `fit`."""
    shape = None if fitted is None else fitted.shape
    images = images_of(X, size, shape, max_pixels)
    array = images.array if isinstance(images, ArrayImages) else None
    values = FILE_VALUES if array is None else values_of(array)
    is_finite = values.low >= -LARGEST and values.high <= LARGEST  # not if NaN
    if array is not None and not is_finite:
        refuse_nonfinite(array)
    if fitted is not None:
        check_values(values, fitted.values, array)
    return images, values


def blocks(rows: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Blocks of rows, with at most `BLOCK_SIZE` values of images of this shape."""
    size = max(1, BLOCK_SIZE // prod(shape))
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _as_sample(sample: Any, i: int) -> Source:
    """A source that can be decoded repeatedly, or an array."""
    if is_contents(sample):
        return contents_of(sample, i)
    if is_path(sample):
        return regular_file(sample, i)
    if is_image(sample):
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


def _refuse_masked(values: object, name: str) -> None:
    if np.ma.is_masked(values):
        raise DataError(
            f"{name} is a masked array; fill its masked values: array.filled(value)."
        )


def _array(X: object, fitted: Shape | None) -> ArrayImages:
    """Images (n, H, W) or (n, H, W, C) -> (n, H, W, C)."""
    _refuse_masked(X, "X")
    if not isinstance(X, np.ndarray):
        raise DataError(
            f"X is of type {type(X).__name__}; pass an array of images or a list of "
            f"arrays, paths, bytes or PIL images."
        )
    if X.dtype.kind not in "biuf":
        raise DataError(f"X has type {X.dtype}; images are arrays of numbers.")
    is_single = fitted is not None and X.shape in (fitted, fitted[:2])
    if is_single or X.ndim not in (3, 4):
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
    sources: Sequence[Source],
    size: tuple[int, int] | None,
    fitted: Shape | None,
    max_pixels: int,
) -> ImageFiles:
    """The sources, checked by their headers."""
    limit = "max_pixels", max_pixels
    headers = []
    for i, source in enumerate(sources):
        refuse_large_file(source, i, limit)
        headers.append(_header(source, i))
        refuse_excess(source, i, prod(headers[-1][:2]), "pixels", limit)
    if fitted is None:
        if size is None:
            _refuse_unequal(sources, [header[:2] for header in headers])
        height, width = size or headers[0][:2]
        fitted = height, width, max(n for _, _, n in headers)
    for i, header in enumerate(headers):
        fits = size is not None or header[:2] == fitted[:2]
        # Fewer channels than in fit are converted; more could only be dropped.
        if not fits or header[2] > fitted[2] or fitted[2] not in MODES:
            raise other_shape(name_of(sources[i], i), header, fitted)
    return ImageFiles(sources, fitted, size is not None, np.arange(len(sources)))


def _header(source: Source, i: int) -> Shape:
    """Height, width and channels of a source."""
    if not isinstance(source, np.ndarray):
        return image_header(source, i)
    if source.dtype != np.uint8 or source.ndim not in (2, 3) or 0 in source.shape:
        raise DataError(
            f"Sample {i} is an array of {source.dtype} of shape {source.shape}; arrays "
            f"beside files and PIL images are uint8 (height, width, channels)."
        )
    height, width, n_channels = (*source.shape, 1)[:3]
    if n_channels not in MODES:
        first = " Its channels seem to come first: pass it as x.transpose(1, 2, 0)."
        raise DataError(
            f"Sample {i} has shape {source.shape}; images that are resized, or beside "
            f"files, have 1, 3 or 4 channels on the last axis."
            f"{first if height in MODES else ''}"
        )
    return height, width, n_channels


def _refuse_unequal(sources: Sequence[Source], sizes: list[tuple[int, ...]]) -> None:
    for i, size in enumerate(sizes):
        if size != sizes[0]:
            raise DataError(
                f"Images have unequal sizes (height, width): {name_of(sources[0], 0)} "
                f"has {sizes[0]} and {name_of(sources[i], i)} has {size}. Pass "
                f"image_size=(height, width), such as image_size={sizes[0]}, to resize "
                f"them."
            )
