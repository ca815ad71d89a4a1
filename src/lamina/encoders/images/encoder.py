"""Images -> x (B, C, H, W), channels last in memory, each channel standardised.

X is an array (n, H, W) or (n, H, W, C), or a list of arrays, files, bytes and PIL images.
Files are decoded for each batch, and only their headers are read before. All are converted
to RGBA if any has alpha, otherwise to RGB if any has colour, otherwise to grey; EXIF
orientation is applied. Mean and standard deviation of a channel are those of all training
pixels of an array, or of at most 2,000 files, evenly spaced.
"""

from math import prod
from numbers import Integral
from typing import Annotated, Any, Self

import numpy as np
import torch

from lamina.batch import Spec
from lamina.encoders.base import Encoder, Samples
from lamina.encoders.files import evenly_spaced, pooled_moments
from lamina.encoders.finite import MAX_FLOAT32
from lamina.encoders.images.reader import (
    ArrayImages,
    ImageFiles,
    Images,
    blocks,
    read_images,
)
from lamina.encoders.images.samples import ImageSamples
from lamina.encoders.images.schema import ImageSchema, refuse_far
from lamina.exceptions import warn_of_data
from lamina.params import Params, Rule, Use, at_least

N_FOR_STATISTICS = 2_000
"""Files from which mean and standard deviation are computed."""
MAX_SIDE = 10_000
"""The largest height and width that images are resized to."""
MIN_PHOTO_SIZE = 16
"""Pixels along each side from which grey images may be the rows of one colour image."""


def height_and_width() -> Rule:
    """A pair of integers from 1 on."""
    side = at_least(1, most=MAX_SIDE)
    return Rule(
        f"pair of int from 1 to {MAX_SIDE}",
        lambda v: (
            isinstance(v, list | tuple) and len(v) == 2 and all(map(side.accepts, v))
        ),
    )


class ImageParams(Params):
    """The size of images, and its limit."""

    image_size: Annotated[
        int | tuple[int, int] | None,
        at_least(1, most=MAX_SIDE),
        height_and_width(),
        Use.FROZEN,
        """Height and width, or both as one number, to which image files, PIL images and
        lists of uint8 arrays are resized; their proportions may change. None requires
        images of equal size.""",
    ] = None
    max_pixels: Annotated[
        int,
        at_least(1),
        Use.FROZEN,
        """Largest number of pixels of an image, before it is resized. A file that has more
        by its header is not decoded, which takes up to 16 bytes a pixel.""",
    ] = 50_000_000


class ImageEncoder(Encoder[Images]):
    """Arrays of images, image files and PIL images."""

    params = ImageParams
    schema: ImageSchema | None = None
    mean: np.ndarray
    scale: np.ndarray
    """(C,) of the pixels in `fit`."""

    def __init__(self, params: ImageParams):
        size: Any = params.image_size
        if isinstance(size, Integral):
            size = (size, size)
        self.size = None if size is None else (int(size[0]), int(size[1]))
        self.max_pixels = int(params.max_pixels)

    def read(self, X: object) -> Images:
        """The images of X, checked; the first call learns the schema."""
        images, values = read_images(X, self.size, self.schema, self.max_pixels)
        array = images.array if isinstance(images, ArrayImages) else None
        if self.schema is None:
            if array is not None:
                _warn_of_axes(len(images), *images.shape)
            self.schema = ImageSchema("image", *images.shape, values)
        if array is not None and "scale" in vars(self):
            # No value is farther from the mean in scales.
            reach = (max(-values.low, values.high) + np.abs(self.mean)) / self.scale
            if reach.max() > MAX_FLOAT32:
                refuse_far(array, self.mean, self.scale)
        return images

    def fit(self, plain: Images, weight: np.ndarray | None = None) -> Self:
        height, width, n_channels = plain.shape
        weight = np.ones(len(plain)) if weight is None else weight
        self.mean, self.scale = _channel_moments(plain, weight)
        self.spec = Spec(n_channels=n_channels, n_space=2, max_length=height * width)
        return self

    def encode(self, plain: Images) -> Samples:
        return ImageSamples(plain, self.mean, self.scale)


def _channel_moments(
    images: Images, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (C,) over the pixels of all images, or of some files."""
    rows = np.arange(len(images))
    if isinstance(images, ImageFiles):
        rows = evenly_spaced(len(images), N_FOR_STATISTICS)
    n_pixels = prod(images.shape[:2])
    moments = []
    for block in blocks(rows, images.shape):
        pixels = images.pixels(block).astype(np.float64)
        x = torch.from_numpy(pixels.reshape(len(block), n_pixels, -1))
        moments.append(torch.var_mean(x, 1, correction=0))
    variance, mean = (torch.cat(m).numpy() for m in zip(*moments, strict=True))
    return pooled_moments(mean, variance, weight[rows], len(rows) * n_pixels)


def _warn_of_axes(n: int, height: int, width: int, n_channels: int) -> None:
    """Warn if the axes seem to be others than (n, height, width, channels)."""
    if height in (1, 3, 4) and n_channels > 4 and width > 4:
        warn_of_data(
            f"X is read as images of height {height}, width {width} and {n_channels} "
            f"channels; if the channels come first, pass X.transpose(0, 2, 3, 1)."
        )
    elif width in (1, 3, 4) and n_channels == 1 and min(n, height) >= MIN_PHOTO_SIZE:
        warn_of_data(
            f"X is read as grey images of height {height} and width {width}; if it is "
            f"one image with {width} channels, pass X[None]."
        )
