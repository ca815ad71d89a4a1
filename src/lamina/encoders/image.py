"""Images -> x (B, C, H, W), channels last in memory, each channel standardised.

X is an array (n, H, W) or (n, H, W, C), a list of such images, or a list of files and PIL
images. Files are decoded when a batch needs them, and only their headers are read before.
They get the mode that loses nothing: RGBA if any has alpha, otherwise RGB if any has
colour, otherwise grey; EXIF orientation is applied. The mean and spread of a channel come
from all training pixels of an array, and from those of at most 2,000 files, evenly spaced.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Annotated, Any, Protocol, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.base import Samples
from lamina.encoders.files import (
    evenly_spaced,
    is_path,
    name_of,
    pooled_moments,
    reading,
)
from lamina.exceptions import (
    DataError,
    DataWarning,
    MissingExtraError,
    ParameterError,
)
from lamina.params import Params, Rule, at_least, none

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
GREY = ("1", "L")
N_FOR_STATISTICS = 2_000
VALUES_AT_ONCE = 1 << 20


def height_and_width() -> Rule:
    """A pair of integers from 1 on."""
    side = at_least(1)
    return Rule(
        "pair of int >= 1",
        lambda v: (
            isinstance(v, list | tuple) and len(v) == 2 and all(map(side.accepts, v))
        ),
    )


class ImageParams(Params):
    """How images come to one size."""

    image_size: Annotated[
        int | tuple[int, int] | None,
        at_least(1),
        height_and_width(),
        none(),
        """Height and width that image files and PIL images are resized to, or both in
        one number; the proportions of an image may change. None asks that all have the
        same size.""",
    ] = None


class ImageEncoder:
    """Arrays of images, image files and PIL images."""

    params = ImageParams
    n_features = None

    def __init__(self, params: ImageParams):
        size = params.image_size
        if isinstance(size, Integral):
            size = (int(size), int(size))
        self.size = None if size is None else (int(size[0]), int(size[1]))

    def fit(self, X: Any, weight: np.ndarray | None = None) -> Self:
        X = _stacked(X)
        if isinstance(X, np.ndarray):
            if self.size is not None:
                raise ParameterError(
                    f"image_size={self.size!r} has no effect with an array of images; "
                    f"leave it at its default."
                )
            _warn_of_channels_first(X)
            images, rows = StoredImages(X), np.arange(len(X))
        else:
            mode, size = _common(X, self.size)
            images = PictureFiles(X, mode, size, resize=self.size is not None)
            rows = evenly_spaced(len(X), N_FOR_STATISTICS)
        self.shape = images.shape
        weight = np.ones(len(X)) if weight is None else weight
        self.mean, self.scale = _channel_moments(images, rows, weight[rows])
        height, width, n_channels = self.shape
        self.spec = Spec(n_channels=n_channels, n_space=2, max_length=height * width)
        return self

    def encode(self, X: Any) -> Samples:
        X = _stacked(X)
        images = StoredImages(X) if isinstance(X, np.ndarray) else self._files(X)
        if images.shape != self.shape:
            raise DataError(
                f"Sample 0 of X has shape {images.shape}, but this network was fitted "
                f"on images of {self.shape} (height, width, channels), and so are all "
                f"samples; pass images of the shape that fit saw."
            )
        return ImageSamples(images, self.mean, self.scale)
