"""Image files, their contents and PIL images: headers and pixels.

An image -> (H, W, C) of uint8, with its EXIF orientation applied. More than 8 bits a
channel, several frames and truncated data are refused.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamina.encoders.files import RegularFile, name_of, open_regular, reading
from lamina.exceptions import DataError, MissingExtraError

if TYPE_CHECKING:
    import PIL.Image

Source: TypeAlias = "RegularFile | bytes | np.ndarray | PIL.Image.Image"
"""A file, the contents of one, an array (H, W, C) of uint8, or a PIL image."""
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""No other format is opened: for PostScript, PIL would start Ghostscript."""
MPO = "MPO"
"""PIL's name of a JPEG that is followed by a preview or a second view; the first is read."""
READABLE = frozenset((*FORMATS, MPO))
SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff")
)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""PIL's mode for each number of channels; each includes those before it."""
CHANNELS = {"1": 1, "L": 1} | dict.fromkeys(
    ("P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"), 3
)
"""Channels of images without transparency, by PIL's mode."""
ORIENTATION, BITS_PER_SAMPLE = 0x0112, 0x0102
TILE_WIDTH, TILE_HEIGHT = 0x0142, 0x0143
MAX_EXCESS = 1 << 22
"""Pixels that a tile may have beyond those of its image."""


def image_header(source: Source, i: int) -> tuple[int, int, int]:
    """Height, width and channels of an image after rotation; no file is decoded."""
    with _opened(source, i) as image:
        if image is source:
            # A PIL image must not be loaded by two threads at the same time later.
            image.load()
        return _shape(image)


def decode_image(
    source: Source, i: int, n_channels: int, size: tuple[int, int] | None
) -> np.ndarray:
    """(H, W, C) of uint8: the rotated image, resized to a size (H, W) if given.

    It has at least `n_channels` channels, and more if the image does.
    """
    _, ImageOps, _ = _pillow()
    with _opened(source, i) as image:
        mode = MODES[max(n_channels, _n_channels(image))]
        upright = ImageOps.exif_transpose(image)
        if upright.mode != mode:
            upright = upright.convert(mode)
        if size is not None:
            upright = upright.resize(size[::-1])
        return np.asarray(upright).reshape(*upright.size[::-1], -1)


@contextmanager
def _opened(source: Source, i: int) -> Iterator[Any]:
    """A PIL image that can be read; errors within name the sample."""
    Image, _, _ = _pillow()
    with reading(source, i):
        if isinstance(source, np.ndarray):
            grey = source.ndim == 3 and source.shape[2] == 1
            yield Image.fromarray(source[..., 0] if grey else source)
        elif isinstance(source, RegularFile | bytes):
            is_bytes = isinstance(source, bytes)
            with io.BytesIO(source) if is_bytes else open_regular(source, i) as file:
                try:
                    image = Image.open(file, formats=FORMATS)
                except Image.UnidentifiedImageError:
                    raise ValueError(
                        f"its format is not one of {', '.join(FORMATS)}"
                    ) from None
                with image:
                    _refuse_unreadable(image, source, i)
                    yield image
        else:
            _refuse_unreadable(source, source, i)
            yield source


def _refuse_unreadable(image: "PIL.Image.Image", source: Source, i: int) -> None:
    """Raise unless this is a single image of at most 8 bits a channel."""
    Image, _, ImageFile = _pillow()
    problem = None
    if isinstance(image, ImageFile.ImageFile):
        problem = _problem_of_file(image)
    # PIL only warns of small files that decompress to a huge image.
    limit, n_pixels = Image.MAX_IMAGE_PIXELS, image.width * image.height
    if problem is None and image is not source and limit and n_pixels > limit:
        problem = (
            f"has {n_pixels} pixels, more than PIL.Image.MAX_IMAGE_PIXELS, {limit}. "
            f"Resize it, or raise that limit if you trust the file."
        )
    if problem is None and (not _n_channels(image) or 0 in image.size):
        problem = (
            f"has mode {image.mode!r} and size {image.size}; only images of 8 bits a "
            f"channel with at least one pixel are read. Pass an array of its values "
            f"(`np.asarray(image)`), or convert it to 8 bits."
        )
    if problem is not None:
        raise DataError(f"{name_of(source, i)} {problem}")


def _problem_of_file(image: Any) -> str | None:
    """The reason why an image that PIL opened from a file cannot be read; None if none."""
    if image.format not in READABLE:
        return (
            f"was opened from a {image.format} file; the formats that are read are "
            f"{', '.join(FORMATS)}. Pass `image.copy()`."
        )
    if image.tile and image.fp is None:
        return (
            "was closed before its pixels were read; call `image.load()` while it is "
            "open, or pass its path."
        )
    tile, n_pixels = _tile_of(image), image.width * image.height
    if prod(tile) > n_pixels + MAX_EXCESS:
        return (
            f"has tiles of {tile[0]} x {tile[1]} pixels, far more than its own "
            f"{image.width} x {image.height}. Repair it or leave it out."
        )
    # PIL defines the attribute only for formats with frames.
    n_frames = getattr(image, "n_frames", 1)
    if n_frames > 1 and image.format != MPO:
        return (
            f"has {n_frames} frames or pages, and a sample is one image. Select one: "
            f"`image.seek(k)`, then pass `image.copy()`."
        )
    n_bits = _n_bits(image)
    if n_bits > 8:
        return (
            f"has {n_bits} bits a channel, of which PIL would keep 8. Pass an array of its "
            f"values, read by another package such as imageio or tifffile, or convert "
            f"it to 8 bits."
        )
    return None


def _tile_of(image: Any) -> tuple[int, int]:
    """Width and height of a tile of a TIFF file, which libtiff decodes as a whole."""
    tags = image.tag_v2 if image.format == "TIFF" and "tag_v2" in vars(image) else {}
    return tags.get(TILE_WIDTH, 0), tags.get(TILE_HEIGHT, 0)


def _n_bits(image: Any) -> int:
    """Bits a channel in the file; PIL reduces 16-bit colour to 8."""
    # A pickled or copied image has no tags.
    if image.format == "TIFF" and "tag_v2" in vars(image):
        return max(image.tag_v2.get(BITS_PER_SAMPLE, (1,)))
    is_deep = image.format == "PNG" and any(";16" in str(t[3]) for t in image.tile)
    return 16 if is_deep else 8


def _n_channels(image: "PIL.Image.Image") -> int:
    """Channels that represent an image without loss; 0 if 8 bits cannot."""
    return 4 if image.has_transparency_data else CHANNELS.get(image.mode, 0)


def _shape(image: "PIL.Image.Image") -> tuple[int, int, int]:
    """Height, width and channels after the EXIF orientation is applied."""
    Image, _, _ = _pillow()
    # The method of PNG images would decode all pixels, to find EXIF data at the end.
    orientation = Image.Image.getexif(image).get(ORIENTATION, 1)
    width, height = image.size
    # PIL's reader of TIFF files has already applied the orientation.
    if orientation in (5, 6, 7, 8) and image.format != "TIFF":
        height, width = width, height
    return height, width, _n_channels(image)


def _pillow() -> Any:
    try:
        from PIL import Image, ImageFile, ImageOps
    except ImportError:
        raise MissingExtraError("Reading images", "pillow", "image") from None
    return Image, ImageOps, ImageFile
