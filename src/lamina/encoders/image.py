"""Images -> x (B, C, H, W), channels last in memory, each channel standardised.

X is an array (n, H, W) or (n, H, W, C), a list of such images, or a list of files and PIL
images. Files are decoded when a batch needs them, and only their headers are read before.
They get the mode that loses nothing: RGBA if any has alpha, otherwise RGB if any has
colour, otherwise grey; EXIF orientation is applied. The mean and spread of a channel come
from all training pixels of an array, and from those of at most 2,000 files, evenly spaced.
"""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Self

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
    MissingExtraError,
    ParameterError,
)
from lamina.params import Params, Rule, at_least, none

MODES = ("L", "RGB", "RGBA")
GREY = ("1", "L")
N_FOR_STATISTICS = 2_000
EXIF_ORIENTATION = 0x0112


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
        self.size: tuple[int, int] | None = None
        if isinstance(size, int):
            self.size = (size, size)
        elif size is not None:
            self.size = (int(size[0]), int(size[1]))

    def fit(self, X: Any, weight: np.ndarray | None = None) -> Self:
        X = _stacked(X)
        self.mode = None
        if isinstance(X, np.ndarray):
            if self.size is not None:
                raise ParameterError(
                    f"image_size={self.size!r} has no effect on an array of images; "
                    f"leave it at its default."
                )
            self.shape = tuple(map(int, X.shape[1:]))
        else:
            self.mode, self.shape = self._common(X)
        self._fit_scale(X, weight)
        height, width, n_channels = self.shape
        self.spec = Spec(n_channels=n_channels, n_space=2, max_length=height * width)
        return self

    def encode(self, X: Any) -> Samples:
        X = _stacked(X)
        if not isinstance(X, np.ndarray):
            for i, sample in enumerate(X):
                with _opened(sample, i) as image:
                    _mode(image, i)
            return ImageSamples(
                len(X), lambda rows: self._decoded(X, rows), self._scaled
            )
        if X.shape[1:] != self.shape:
            raise self._other_shape("X", X.shape[1:])
        _refuse_nonfinite(X)
        return ImageSamples(len(X), lambda rows: X[rows], self._scaled)

    def _fit_scale(self, X: Any, weight: np.ndarray | None) -> None:
        if isinstance(X, np.ndarray):
            _refuse_nonfinite(X)
            rows = np.arange(len(X))
            images: Iterator[np.ndarray] = iter(X)
        else:
            rows = evenly_spaced(len(X), N_FOR_STATISTICS)
            images = (self._decode(X[i], i) for i in rows)
        moments = [(x.mean((0, 1), float), x.var((0, 1), float)) for x in images]
        means, variances = (np.array(m) for m in zip(*moments, strict=True))
        shares = np.ones(len(rows)) if weight is None else weight[rows]
        self.mean, self.scale = pooled_moments(means, variances, shares)

    def _scaled(self, images: np.ndarray) -> Tensor:
        """(B, H, W, C) of any numbers -> (B, C, H, W) of floats, channels last."""
        x = torch.from_numpy(np.ascontiguousarray(images)).float()
        mean, scale = (torch.from_numpy(a).float() for a in (self.mean, self.scale))
        return ((x - mean) / scale).movedim(-1, 1)

    def _common(self, X: list) -> tuple[str, tuple[int, int, int]]:
        """The mode and the shape that all images are brought to; no pixel is read."""
        modes, sizes = set(), []
        for i, sample in enumerate(X):
            with _opened(sample, i) as image:
                modes.add(_mode(image, i))
                sizes.append(_upright_size(image))
            if self.size is None and sizes[i] != sizes[0]:
                raise DataError(
                    f"Images have unequal sizes (height, width): {name_of(X[0], 0)} has "
                    f"{sizes[0]}, {name_of(sample, i)} has {sizes[i]}. Pass "
                    f"image_size=(height, width) to resize them."
                )
        mode = max(modes, key=MODES.index)
        return mode, (*(self.size or sizes[0]), len(mode))

    def _decoded(self, X: list, rows: np.ndarray) -> np.ndarray:
        return np.stack([self._decode(X[i], i) for i in rows])

    def _decode(self, sample: Any, i: int) -> np.ndarray:
        from PIL import ImageOps

        with _opened(sample, i) as image:
            # A file may end too early, which only reading its pixels shows.
            with reading(sample, i):
                upright = ImageOps.exif_transpose(image).convert(self.mode)
            if self.size is not None:
                upright = upright.resize(self.size[::-1])
            pixels = np.asarray(upright).reshape(*upright.size[::-1], -1)
        if pixels.shape != self.shape:
            raise self._other_shape(name_of(sample, i), pixels.shape)
        return pixels

    def _other_shape(self, what: str, shape: tuple[int, ...]) -> DataError:
        return DataError(
            f"{what} has shape {tuple(shape)} (height, width, channels); this network was "
            f"fitted on {self.shape}. Resize the images, or fit with image_size on files."
        )


class ImageSamples:
    """Images in memory or in files; a batch is decoded and scaled when it is taken."""

    lengths = None

    def __init__(
        self,
        n: int,
        pixels: Callable[[np.ndarray], np.ndarray],
        scaled: Callable[[np.ndarray], Tensor],
    ):
        self.n, self.pixels, self.scaled = n, pixels, scaled

    def __len__(self) -> int:
        return self.n

    def take(self, rows: Tensor) -> Batch:
        return Batch(self.scaled(self.pixels(rows.numpy())))


def _stacked(X: Any) -> Any:
    """Arrays as (n, H, W, C); a list of files and PIL images as it is."""
    if isinstance(X, list) and isinstance(X[0], np.ndarray):
        shapes = [np.shape(x) for x in X]
        other = next((i for i, s in enumerate(shapes) if s != shapes[0]), None)
        if other is not None:
            raise DataError(
                f"Images have unequal shapes: sample 0 has {shapes[0]} and sample "
                f"{other} has {shapes[other]}. Resize them."
            )
        X = np.stack(X)
    if isinstance(X, np.ndarray) and X.ndim == 3:
        return X[..., None]
    return X


def _refuse_nonfinite(X: np.ndarray) -> None:
    if X.dtype.kind != "f":
        return
    for i, image in enumerate(X):
        if not np.isfinite(image).all():
            what = "NaN" if np.isnan(image).any() else "inf"
            raise DataError(f"Sample {i} of X contains {what}; leave it out.")


def _opened(sample: Any, i: int) -> Any:
    """A PIL image, as a context that closes a file."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("Reading images", "pillow", "image") from None
    if not is_path(sample):
        return sample.copy()
    with reading(sample, i):
        return Image.open(sample)


def _mode(image: Any, i: int) -> str:
    if image.mode in GREY:
        return "L"
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        return "RGBA"
    if image.mode in ("P", "RGB", "YCbCr", "HSV", "LAB", "CMYK"):
        return "RGB"
    raise DataError(
        f"Sample {i} is a picture of mode {image.mode!r}, more than 8 bits a colour; pass "
        f"an array of its values, or convert it."
    )


def _upright_size(image: Any) -> tuple[int, int]:
    """(height, width) after the turn that the EXIF data asks for."""
    width, height = image.size
    turned = image.getexif().get(EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    return (width, height) if turned else (height, width)
