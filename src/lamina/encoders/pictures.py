"""Pictures in files, in bytes and as PIL images: what their headers say, and their pixels.

A picture -> (H, W, C) of uint8. It is read as a viewer shows it, EXIF orientation applied.
What 8 bits a channel cannot hold, several frames and truncated data are refused.
"""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lamina.encoders.files import is_path, name_of, open_regular, reading
from lamina.exceptions import DataError, MissingExtraError

Source = str | Path | bytes | np.ndarray | Any
"""A path, the contents of a file, an array (H, W, C) of uint8, or a PIL image."""
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP")
"""No other format is opened: PIL starts Ghostscript for PostScript, whatever its name."""
SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".jfif", ".bmp", ".gif", ".webp", ".tif", ".tiff")
)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""PIL's mode for each number of channels; each can hold those before it."""
CHANNELS = {"1": 1, "L": 1} | dict.fromkeys(
    ("P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"), 3
)
"""Channels of pictures without transparency, by PIL's mode."""
ORIENTATION, BITS_PER_SAMPLE = 0x0112, 0x0102


def is_picture(sample: Any) -> bool:
    """Whether a sample is a PIL image; PIL itself is not imported for the question."""
    return any(c.__module__.startswith("PIL.") for c in type(sample).__mro__)


def contents_of(file: io.IOBase, i: int) -> bytes:
    """All bytes of an open binary file, whose position is left as it was."""
    with reading(file, i):
        if isinstance(file, io.TextIOBase):
            raise DataError(
                f'Sample {i} is a file opened as text; open it with mode "rb".'
            )
        if not file.seekable() or not _is_regular(file):
            raise DataError(
                f"Sample {i} is a pipe or a device; read it and pass its bytes."
            )
        position = file.tell()
        file.seek(0)
        contents = file.read()
        file.seek(position)
        return contents


def picture_header(source: Source, i: int) -> tuple[int, int, int]:
    """Height, width and channels of a picture as it is shown; no file is decoded."""
    with _opened(source, i) as image:
        if not isinstance(source, bytes | np.ndarray) and not is_path(source):
            # A PIL image keeps its pixels, and two threads cannot load it at once.
            image.load()
        return _shape(image)


def decode_picture(
    source: Source, i: int, n_channels: int, size: tuple[int, int] | None
) -> np.ndarray:
    """(H, W, C) of uint8: the picture as it is shown, resized to a size (H, W) if given.

    Its channels are `n_channels`, or as many as it has if those are more.
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
    """A PIL image that can be read; what goes wrong with it names the sample."""
    Image, _, _ = _pillow()
    with reading(source, i):
        if isinstance(source, np.ndarray):
            grey = source.ndim == 3 and source.shape[2] == 1
            yield Image.fromarray(source[..., 0] if grey else source)
        elif is_picture(source):
            _refuse_unreadable(source, name_of(source, i))
            yield source
        else:
            is_bytes = isinstance(source, bytes)
            with io.BytesIO(source) if is_bytes else open_regular(source) as file:
                try:
                    image = Image.open(file, formats=FORMATS)
                except Image.UnidentifiedImageError:
                    raise ValueError(
                        f"it is no picture of the formats {', '.join(FORMATS)}"
                    ) from None
                with image:
                    _refuse_too_large(image, name_of(source, i))
                    _refuse_unreadable(image, name_of(source, i))
                    yield image


def _refuse_unreadable(image: Any, name: str) -> None:
    """Raise unless this is one picture of at most 8 bits a channel."""
    _, _, ImageFile = _pillow()
    if isinstance(image, ImageFile.ImageFile):
        if image.format not in (*FORMATS, "MPO"):
            raise DataError(
                f"{name} was opened from a {image.format} file; the formats that are "
                f"read are {', '.join(FORMATS)}. Pass `image.copy()`."
            )
        if image.tile and image.fp is None:
            raise DataError(
                f"{name} was closed before its pixels were read; call `image.load()` "
                f"while it is open, or pass its path."
            )
        # PIL defines the attribute only for formats with frames. An MPO is a JPEG with a
        # preview or another view behind it; viewers show the first.
        n_frames = getattr(image, "n_frames", 1)
        if n_frames > 1 and image.format != "MPO":
            raise DataError(
                f"{name} has {n_frames} frames or pages, and a sample is one picture. "
                f"Pass the one that is meant: `image.seek(k)`, then `image.copy()`."
            )
        if _n_bits(image) > 8:
            raise DataError(
                f"{name} has {_n_bits(image)} bits a channel, and PIL would keep 8. "
                f"Pass an array of its values, read by another package such as "
                f"imageio or tifffile, or convert it to 8 bits."
            )
    if _n_channels(image) == 0 or 0 in image.size:
        raise DataError(
            f"{name} has mode {image.mode!r} and size {image.size}; only pictures of 8 "
            f"bits a channel, and of some pixels, are read. Pass an array of its "
            f"values (`np.asarray(image)`), or convert it to 8 bits."
        )


def _refuse_too_large(image: Any, name: str) -> None:
    """Raise where PIL warns that a small file may fill the memory."""
    Image, _, _ = _pillow()
    limit, n_pixels = Image.MAX_IMAGE_PIXELS, image.width * image.height
    if limit is not None and n_pixels > limit:
        raise DataError(
            f"{name} has {n_pixels} pixels, more than PIL.Image.MAX_IMAGE_PIXELS, "
            f"{limit}. Make it smaller, or raise that limit if you trust the file."
        )


def _n_bits(image: Any) -> int:
    """Bits a channel as stored: PIL opens 16-bit colour as if it had 8."""
    # An image that was pickled or copied has lost its tags.
    if image.format == "TIFF" and "tag_v2" in vars(image):
        return max(image.tag_v2.get(BITS_PER_SAMPLE, (1,)))
    is_deep = image.format == "PNG" and any(";16" in str(t[3]) for t in image.tile)
    return 16 if is_deep else 8


def _n_channels(image: Any) -> int:
    """Channels that hold all of a picture; 0 if 8 bits cannot."""
    return 4 if image.has_transparency_data else CHANNELS.get(image.mode, 0)


def _shape(image: Any) -> tuple[int, int, int]:
    """Height, width and channels after the EXIF orientation is applied."""
    Image, _, _ = _pillow()
    # The method of a PNG would look for EXIF data at the end, and decode on its way.
    orientation = Image.Image.getexif(image).get(ORIENTATION, 1)
    width, height = image.size
    # The reader of TIFF has already taken the orientation into account.
    if orientation in (5, 6, 7, 8) and image.format != "TIFF":
        height, width = width, height
    return height, width, _n_channels(image)


def _is_regular(file: io.IOBase) -> bool:
    """Whether an open file is on a disk or in memory."""
    try:
        number = file.fileno()
    except io.UnsupportedOperation:
        return True
    return stat.S_ISREG(os.fstat(number).st_mode)


def _pillow() -> Any:
    try:
        from PIL import Image, ImageFile, ImageOps
    except ImportError:
        raise MissingExtraError("Reading images", "pillow", "image") from None
    return Image, ImageOps, ImageFile
