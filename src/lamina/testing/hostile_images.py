"""Images whose headers announce more than they hold, or more than memory holds."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache

import numpy as np

FORMATS = (
    ("PNG", {}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("GIF", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
)
SIDE = 16
HUGE = (1 << 15, 65_535, 1 << 20, (1 << 31) - 1)


def valid_image(rng: np.random.Generator) -> bytes:
    """A colour image of 16 x 16 pixels in one of the formats."""
    return _valid(int(rng.integers(len(FORMATS))))


@cache
def _valid(index: int) -> bytes:
    from PIL import Image

    kind, options = FORMATS[index]
    pixels = np.random.default_rng(index).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def _png(width: int, height: int, bits: int, colour: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header)
    return start + b"".join(chunks) + _chunk(b"IEND", b"")


def _huge_png(rng: np.random.Generator) -> bytes:
    """A few bytes that announce up to 4 * 10^18 pixels."""
    width, height = (int(n) for n in rng.choice(HUGE, 2))
    bits, colour = ((1, 0), (8, 2), (8, 6), (16, 6))[int(rng.integers(4))]
    return _png(width, height, bits, colour, _chunk(b"IDAT", zlib.compress(bytes(100))))


@cache
def _bomb() -> bytes:
    """100 million pixels, all of which are there, in 12 kB."""
    width, height = 10_000, 10_000
    rows = zlib.compress(bytes(height * (1 + width // 8)), 9)
    return _png(width, height, 1, 0, _chunk(b"IDAT", rows))


@cache
def _large() -> bytes:
    """4 million pixels with transparency, which are read."""
    rows = zlib.compress(bytes(2_000 * (1 + 4 * 2_000)), 1)
    return _png(2_000, 2_000, 8, 6, _chunk(b"IDAT", rows))


def _text_bomb(rng: np.random.Generator) -> bytes:
    """Comments of 64 MB each, compressed."""
    text = _chunk(b"zTXt", b"a\0\0" + _compressed_zeros(1 << 26))
    image = _chunk(b"IDAT", zlib.compress(bytes(2 * 3)))
    return _png(1, 2, 8, 0, *[text] * int(rng.integers(1, 9)), image)


@cache
def _compressed_zeros(n: int) -> bytes:
    return zlib.compress(bytes(n), 9)


def _huge_gif(rng: np.random.Generator) -> bytes:
    """A small canvas with a frame of up to 4 * 10^9 pixels."""
    width, height = (int(n) for n in rng.choice([60_000, 65_535], 2))
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0)
    return screen + frame + b"\x02\x02\x4c\x01\x00;"


def _many_frames(rng: np.random.Generator) -> bytes:
    n = int(rng.integers(2_000, 20_000))
    screen = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x4c\x01\x00"
    return screen + frame * n + b";"


def _huge_bmp(rng: np.random.Generator) -> bytes:
    width, height = (int(n) for n in rng.choice(HUGE, 2))
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 200, 0, 0, 54) + header + bytes(200)


def _tiff(*entries: tuple[int, int, int, int], next_page: int = 0) -> bytes:
    fields = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    count = struct.pack("<H", len(entries))
    return (
        b"II*\0" + struct.pack("<I", 8) + count + fields + struct.pack("<I", next_page)
    )


def _huge_tiff(rng: np.random.Generator) -> bytes:
    """Tiles, strips or the image itself of up to 10^18 pixels."""
    side, tile = (int(n) for n in rng.choice((16, *HUGE), 2))
    base = [(256, 4, 1, side), (257, 4, 1, side), (258, 3, 1, 8), (262, 3, 1, 1)]
    base += [(259, 3, 1, int(rng.choice([1, 5, 8]))), (277, 3, 1, 1)]
    if rng.integers(2):
        tiles = [(322, 4, 1, tile), (323, 4, 1, tile), (324, 4, 1, 8), (325, 4, 1, 400)]
        return _tiff(*base, *tiles) + bytes(400)
    strips = [(273, 4, 1, 8), (278, 4, 1, tile), (279, 4, 1, (1 << 31) - 1)]
    return _tiff(*base, *strips) + bytes(400)


def _endless_tiff(rng: np.random.Generator) -> bytes:
    """Pages of which the last one precedes the first, or a list of 10^9 values."""
    base = [(256, 4, 1, 4), (257, 4, 1, 4), (258, 3, 1, 8), (262, 3, 1, 1)]
    base += [(259, 3, 1, 1), (273, 4, 1, 8), (278, 4, 1, 4), (279, 4, 1, 16)]
    if rng.integers(2):
        base.append((700, 1, 1 << 30, 8))
    return _tiff(*base, next_page=8) + bytes(100)


def _huge_webp(rng: np.random.Generator) -> bytes:
    """A lossless image of 16,384 x 16,384 pixels, without any."""
    del rng
    bits = 16_383 | 16_383 << 14
    data = b"\x2f" + struct.pack("<I", bits) + bytes(40)
    body = b"WEBPVP8L" + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _huge_jpeg(rng: np.random.Generator) -> bytes:
    """65,535 x 65,535 pixels in the header of a small JPEG."""
    data = bytearray(_valid(int(rng.choice([1, 2]))))
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2"))
    data[at + 5 : at + 9] = b"\xff" * 4
    return bytes(data)


IMAGES: dict[str, Callable[[np.random.Generator], bytes]] = {
    "large PNG": lambda rng: _large(),
    "huge PNG": _huge_png,
    "compressed bomb": lambda rng: _bomb(),
    "compressed comments": _text_bomb,
    "huge GIF": _huge_gif,
    "thousands of frames": _many_frames,
    "huge BMP": _huge_bmp,
    "huge TIFF": _huge_tiff,
    "endless TIFF": _endless_tiff,
    "huge WebP": _huge_webp,
    "huge JPEG": _huge_jpeg,
}
