"""Sound files whose headers contradict their contents, or need more memory than there is."""

import io
import struct
from collections.abc import Callable
from functools import cache

import numpy as np

RATE, N_SAMPLES = 8_000, 2_000
FORMATS = (
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("WAV", "IMA_ADPCM"),
    ("WAVEX", "PCM_16"),
    ("RF64", "PCM_16"),
    ("AIFF", "PCM_16"),
    ("AU", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", None),
)
EXTREMES = (0, 1, 99, 999_983, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
SIZES = (0, 1, 7, 4_001, 1 << 20, 0x7FFF_EFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)


def valid_sound(rng: np.random.Generator) -> bytes:
    """A quarter of a second of noise in one of the formats."""
    return _valid(int(rng.integers(len(FORMATS))))


@cache
def _valid(index: int) -> bytes:
    import soundfile

    kind, subtype = FORMATS[index]
    wave = np.random.default_rng(index).uniform(-0.5, 0.5, N_SAMPLES)
    file = io.BytesIO()
    soundfile.write(file, wave, RATE, subtype, format=kind)
    return file.getvalue()


def _wav(
    rate: int, n_channels: int, bits: int, data: bytes, *chunks: bytes, size: int = 0
) -> bytes:
    """A WAV file; `size` is that of the data in the header, 0 for the right one."""
    block = n_channels * bits // 8 & 0xFFFF
    form = struct.pack(
        "<HHIIHH", 1, n_channels, rate, rate * block & 0xFFFF_FFFF, block, bits
    )
    body = b"WAVEfmt " + struct.pack("<I", 16) + form + b"".join(chunks)
    body += b"data" + struct.pack("<I", size or len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _odd_rate(rng: np.random.Generator) -> bytes:
    return _wav(int(rng.choice(EXTREMES)), 1, 16, bytes(40_000))


def _odd_channels(rng: np.random.Generator) -> bytes:
    n_channels = int(rng.choice([0, 33, 1_024, 65_535]))
    return _wav(
        RATE, n_channels, int(rng.choice([0, 1, 8, 16, 64, 65_535])), bytes(40_000)
    )


def _large(rng: np.random.Generator) -> bytes:
    """2 million samples in two channels, which are read, at a rate without a divisor."""
    rate = int(rng.choice([8_000, 44_099, 191_999, 999_983]))
    return _wav(rate, 2, 8, bytes(4_000_000))


def _low_rate(rng: np.random.Generator) -> bytes:
    """Few samples that become many when they are resampled."""
    return _wav(int(rng.integers(100, 130)), 1, 8, bytes(int(rng.integers(1, 1 << 22))))


def _odd_sizes(rng: np.random.Generator) -> bytes:
    """A size of RIFF, FORM, AU or one of their chunks is another one."""
    data = bytearray(_valid(int(rng.choice([0, 1, 2, 3, 4, 5, 6, 7]))))
    names = (b"RIFF", b"FORM", b"RF64", b"fmt ", b"data", b"COMM", b"SSND", b"ds64")
    places = [data.find(name) + 4 for name in names if name in data] or [4, 8]
    order = ">" if data[:1] in (b"F", b".") else "<"
    at = int(rng.choice(places))
    data[at : at + 4] = struct.pack(order + "I", int(rng.choice(SIZES)))
    return bytes(data)


def _many_chunks(rng: np.random.Generator) -> bytes:
    chunk = b"LIST" + struct.pack("<I", 0)
    return _wav(RATE, 1, 16, bytes(4_000), *[chunk] * int(rng.integers(1_000, 100_000)))


def _huge_flac(rng: np.random.Generator) -> bytes:
    """2^36 - 1 samples in the header of a short FLAC file, or as many as are allowed."""
    data = bytearray(_valid(8))
    count = int(rng.choice([0, 1, 99_000_000, (1 << 36) - 1]))
    data[21:26] = struct.pack(">Q", count | (data[21] >> 4 << 36))[3:]
    return bytes(data)


def _huge_ogg(rng: np.random.Generator) -> bytes:
    """The last page of an Ogg file says that 2^62 samples precede it."""
    data = bytearray(_valid(int(rng.choice([9, 10]))))
    at = data.rfind(b"OggS") + 6
    data[at : at + 8] = struct.pack("<q", int(rng.choice([-1, 0, 1 << 40, 1 << 62])))
    return bytes(data)


def _huge_aiff(rng: np.random.Generator) -> bytes:
    """The number of frames or the rate, an extended float, of an AIFF file."""
    data = bytearray(_valid(6))
    at = data.find(b"COMM") + 8
    if rng.integers(2):
        data[at + 2 : at + 6] = struct.pack(">I", int(rng.choice(SIZES)))
    else:
        data[at + 8 : at + 18] = rng.bytes(10)
    return bytes(data)


SOUNDS: dict[str, Callable[[np.random.Generator], bytes]] = {
    "rate": _odd_rate,
    "channels": _odd_channels,
    "large WAV": _large,
    "low rate": _low_rate,
    "sizes": _odd_sizes,
    "many chunks": _many_chunks,
    "huge FLAC": _huge_flac,
    "huge Ogg": _huge_ogg,
    "huge AIFF": _huge_aiff,
}
