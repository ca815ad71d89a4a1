"""Images -> x (B, C, H, W), channels last in memory, each channel standardised.

X is an array (n, H, W) or (n, H, W, C), a list of such images, or a list of files and PIL
images. Files are decoded when a batch needs them, and only their headers are read before.
They get the mode that loses nothing: RGBA if any has alpha, otherwise RGB if any has
colour, otherwise grey; EXIF orientation is applied. The mean and spread of a channel come
from all training pixels of an array, and from those of at most 2,000 files, evenly spaced.
"""

import copy
import warnings
from collections.abc import Iterator
from math import prod
from numbers import Integral
from typing import Annotated, Any, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from lamina.batch import Batch, Spec
from lamina.encoders.base import Encoder, InAnyOrder, Samples
from lamina.encoders.containers import opened
from lamina.encoders.files import (
    MODES,
    decode_picture,
    evenly_spaced,
    name_of,
    picture_header,
    pooled_moments,
)
from lamina.exceptions import DataError, DataWarning, ParameterError
from lamina.params import Params, Rule, at_least, none
from lamina.schema import Schema

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


class ImageEncoder(Encoder):
    """Arrays of images, image files and PIL images."""

    params = ImageParams

    def read(self, X: Any) -> Any:
        """The images of X."""
        self.schema = self.schema or Schema("image")
        X = opened(X, is_table=False)
        if isinstance(X, np.ndarray) and (X.ndim not in (3, 4) or 0 in X.shape):
            raise DataError(
                f"Found array with 0 sample(s), or no images (shape={X.shape}); images are "
                f"(samples, height, width) or (samples, height, width, channels)."
            )
        return X

    def __init__(self, params: ImageParams):
        size: Any = params.image_size
        if isinstance(size, Integral):
            size = (size, size)
        self.size = None if size is None else (int(size[0]), int(size[1]))

    def fit(self, X: Any, weight: np.ndarray | None = None) -> Self:
        images = self._images(X, fitted=None)
        weight = np.ones(len(images)) if weight is None else weight
        self.shape = height, width, n_channels = images.shape
        self.mean, self.scale = _channel_moments(images, weight)
        self.spec = Spec(n_channels=n_channels, n_space=2, max_length=height * width)
        return self

    def encode(self, X: Any) -> Samples:
        images = self._images(X, fitted=self.shape)
        return ImageSamples(images, self.mean, self.scale)

    def _images(self, X: Any, fitted: tuple[int, ...] | None) -> "Images":
        if isinstance(X, list):
            if not all(isinstance(sample, np.ndarray) for sample in X):
                return PictureFiles(X, self.size, fitted)
            X = _stacked(X)
        if fitted is None and self.size is not None:
            raise ParameterError(
                f"image_size={self.size!r} has no effect on an array of images; "
                f"leave it at its default."
            )
        return ArrayImages(X, fitted)


class PretrainedImageEncoder(ImageEncoder):
    """Reads and scales as the encoder of a fitted estimator, if there is one."""

    def __init__(self, params: Any):
        super().__init__(params)
        self.is_pretrained = params.encoder is not None
        if self.is_pretrained:
            check_is_fitted(params.encoder, "encoder_")
            self.__dict__.update(vars(copy.deepcopy(params.encoder.encoder_)))

    def fit(self, plain: Any, weight: np.ndarray | None = None) -> Self:
        """Learn the scales, if they were not learnt before."""
        if self.is_pretrained:
            self.encode(plain)
            return self
        return super().fit(plain, weight)


class ArrayImages:
    """Images (n, H, W) or (n, H, W, C) in memory, kept in their own type."""

    def __init__(self, X: np.ndarray, fitted: tuple[int, ...] | None):
        self.array = X[..., None] if X.ndim == 3 else X
        self.shape = self.array.shape[1:]
        if fitted is None:
            _warn_of_channels_first(self.array)
        elif self.shape != fitted:
            raise _other_shape("Sample 0", self.shape, fitted)
        if 0 in self.shape:
            raise DataError(f"Sample 0 has no pixels: its shape is {self.shape}.")
        if X.dtype.kind not in "biuf":
            raise DataError(f"Images hold numbers; these hold {X.dtype}.")
        if X.dtype.kind == "f":
            self._refuse_nonfinite()

    def __len__(self) -> int:
        return len(self.array)

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """(B, H, W, C) of numbers of any type."""
        return self.array[rows]

    def _refuse_nonfinite(self) -> None:
        for rows in _blocks(np.arange(len(self)), self.shape):
            block = self.array[rows[0] : rows[-1] + 1].reshape(len(rows), -1)
            bad = ~np.isfinite(block).all(1)
            if bad.any():
                i = int(bad.argmax())
                what = "NaN" if np.isnan(block[i]).any() else "inf"
                raise DataError(
                    f"Sample {rows[i]} of X contains {what}; repair it or leave it out."
                )


class PictureFiles:
    """Image files and PIL images; pixels are read when they are asked for."""

    def __init__(
        self, X: list, size: tuple[int, int] | None, fitted: tuple[int, ...] | None
    ):
        self.X, self.resizes = X, size is not None
        headers = [picture_header(sample, i) for i, sample in enumerate(X)]
        if fitted is None:
            if not self.resizes:
                _same_size(X, [header[:2] for header in headers])
            fitted = (*(size or headers[0][:2]), max(n for _, _, n in headers))
        self.shape = fitted
        for i, header in enumerate(headers):
            fits = self.resizes or header[:2] == fitted[:2]
            # More channels than in fit could only be dropped.
            if not fits or header[2] > fitted[2] or fitted[2] not in MODES:
                raise _other_shape(name_of(X[i], i), header, fitted)

    def __len__(self) -> int:
        return len(self.X)

    def pixels(self, rows: np.ndarray) -> np.ndarray:
        """(B, H, W, C) of bytes, decoded now."""
        height, width, _ = self.shape
        size = (height, width) if self.resizes else None
        return np.stack([self._decoded(i, size) for i in rows])

    def _decoded(self, i: int, size: tuple[int, int] | None) -> np.ndarray:
        pixels = decode_picture(self.X[i], i, self.shape[2], size)
        # What a header says may turn out to be wrong.
        if pixels.shape != self.shape:
            raise _other_shape(name_of(self.X[i], i), pixels.shape, self.shape)
        return pixels


RESIDENT = (np.uint8, np.float32, np.float64)
"""What a device can hold; it knows few of the other types of numbers."""
Images = ArrayImages | PictureFiles


class ImageSamples(InAnyOrder):
    """Images that are standardised when a batch is taken."""

    lengths = None

    def __init__(self, images: Images, mean: np.ndarray, scale: np.ndarray):
        self.images, self.decodes = images, isinstance(images, PictureFiles)
        # A row of pixels at a time: a loop over three channels is ten times slower.
        width = images.shape[1]
        self.mean, self.scale = np.tile(mean, width), np.tile(scale, width)

    def __len__(self) -> int:
        return len(self.images)

    def resident(self, device: torch.device, room: int) -> "ImageSamples | Pixels":
        if isinstance(self.images, PictureFiles):
            return self
        array = np.ascontiguousarray(self.images.array)
        if array.nbytes > room or array.dtype not in RESIDENT:
            return self
        n_channels = array.shape[3]
        mean, scale = self.mean[:n_channels], self.scale[:n_channels]
        units = torch.from_numpy(np.stack([mean, scale]).astype(_exact(array.dtype)))
        return Pixels(torch.from_numpy(array).to(device), *units.to(device))

    def take(self, rows: Tensor) -> Batch:
        pixels = self.images.pixels(rows.numpy())
        dtype = _exact(pixels.dtype)
        x = pixels.reshape(-1, len(self.mean)).astype(dtype)
        x -= self.mean.astype(dtype)
        x /= self.scale.astype(dtype)
        x = x.reshape(pixels.shape).astype(np.float32, copy=False)
        return Batch(torch.from_numpy(x).permute(0, 3, 1, 2))


class Pixels(InAnyOrder):
    """Images (n, H, W, C) as they came, on a device; a batch is standardised there."""

    lengths, decodes = None, False

    def __init__(self, pixels: Tensor, mean: Tensor, scale: Tensor):
        self.pixels, self.mean, self.scale = pixels, mean, scale

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, rows: Tensor) -> Batch:
        rows = rows.to(self.pixels.device, non_blocking=True)
        x = self.pixels.index_select(0, rows).to(self.mean.dtype)
        x = (x - self.mean) / self.scale
        return Batch(x.float().permute(0, 3, 1, 2))


def _exact(dtype: np.dtype) -> type:
    """Numbers that float32 holds exactly need no more; others keep their precision."""
    fits = np.result_type(dtype, np.float32) == np.float32
    return np.float32 if fits else np.float64


def _channel_moments(
    images: Images, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and scale (C,) over the pixels of all images, or of some files."""
    rows = np.arange(len(images))
    if isinstance(images, PictureFiles):
        rows = evenly_spaced(len(images), N_FOR_STATISTICS)
    n_pixels = prod(images.shape[:2])
    moments = []
    for block in _blocks(rows, images.shape):
        pixels = images.pixels(block).astype(np.float64)
        x = torch.from_numpy(pixels.reshape(len(block), n_pixels, -1))
        moments.append(torch.var_mean(x, 1, correction=0))
    variance, mean = (torch.cat(m).numpy() for m in zip(*moments, strict=True))
    return pooled_moments(mean, variance, weight[rows], len(rows) * n_pixels)


def _blocks(rows: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Rows in blocks of as many images as are worked on at once."""
    size = max(1, VALUES_AT_ONCE // prod(shape))
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _stacked(X: list[np.ndarray]) -> np.ndarray:
    for i, image in enumerate(X):
        if image.shape != X[0].shape or image.ndim not in (2, 3):
            raise DataError(
                f"Sample {i} has shape {image.shape}, sample 0 has {X[0].shape}; images "
                f"are (height, width) or (height, width, channels), all of one shape."
            )
    return np.stack(X)


def _same_size(X: list, sizes: list[tuple[int, ...]]) -> None:
    for i, size in enumerate(sizes):
        if size != sizes[0]:
            raise DataError(
                f"Images have unequal sizes (height, width): {name_of(X[0], 0)} has "
                f"{sizes[0]} and {name_of(X[i], i)} has {size}. Pass image_size=(height, "
                f"width), such as image_size={sizes[0]}, to resize them."
            )


def _other_shape(what: str, shape: tuple, fitted: tuple) -> DataError:
    return DataError(
        f"{what} has shape {shape} (height, width, channels), but this network was "
        f"fitted on {fitted}; resize or convert it."
    )


def _warn_of_channels_first(X: np.ndarray) -> None:
    _, height, width, n_channels = X.shape
    if height in (1, 3, 4) and n_channels > 4 and width > 4:
        warnings.warn(
            f"X of shape {X.shape} is read as images of height {height}, width {width} "
            f"and {n_channels} channels; if the channels come first, pass "
            f"X.transpose(0, 2, 3, 1).",
            DataWarning,
            stacklevel=2,
        )
