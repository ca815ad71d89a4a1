"""Audio files: their headers, whether they are truncated, and their samples.

A file, or the contents of one -> waveforms (n, channels) between -1 and 1.

WAV, RF64, AIFF, AU, FLAC, Ogg (Vorbis, Opus) and MP3 are decoded by libsndfile, which gives
no error for a truncated WAV, AIFF, AU or Ogg file. So the size in the header is compared
with the size of the file first. The header of a streamed recording may contain an unknown
size (within 4 KiB of 2 or 4 GiB), which is not compared; a size of 0 means no samples, which
is refused. Truncated FLAC and MP3 files are detected when they are decoded.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import SEEK_END, BytesIO
from typing import Any, BinaryIO

import numpy as np

from lamina.encoders.files import RegularFile, name_of, open_regular, reading
from lamina.exceptions import DataError, MissingExtraError

Source = RegularFile | bytes
"""A file, or the contents of one."""
Recording = Source | np.ndarray
"""A file, the contents of one, or a waveform (n,)."""
RATES = 100, 1_000_000
"""Allowed samples per second; a step of 10 ms has at least one."""
MAX_CHANNELS = 32
UNKNOWN_SIZE = 0x7FFF_F000
"""A size whose lowest 31 bits are at least this is unknown: the file was streamed."""
MAX_PAGE = 65_307
"""Bytes of a page of an Ogg file."""
RIFF = b"RIFF", b"RIFX", b"RF64", b"BW64"


@dataclass(frozen=True)
class Header:
    """Samples of each channel, sampling rate and number of channels, from the header."""

    n_samples: int
    rate: int
    n_channels: int


def has_audio_signature(contents: bytes) -> bool:
    """Whether the contents of a file begin with the signature of an audio format."""
    start = contents[:12]
    if start[:4] in (*RIFF, b"FORM"):
        return start[8:] in (b"WAVE", b"AIFF", b"AIFC")
    # MPEG: 11 bits of synchronisation, then version and layer 2 or 3.
    is_mp3 = start[:1] == b"\xff" and len(start) > 1 and start[1] & 0xE6 in (0xE2, 0xE4)
    return is_mp3 or start.startswith((b"ID3", b".snd", b"dns.", b"fLaC", b"OggS"))


def audio_header(sample: Source, i: int) -> Header:
    """The header of a file; raises if the file is truncated. Nothing is decoded."""
    soundfile = _soundfile()
    with reading(sample, i), _opened(sample, i) as file:
        start = file.read(12)
        # Files of other formats are not opened by libsndfile.
        info = None
        if has_audio_signature(start):
            file.seek(0)
            info = soundfile.info(file)
        if info is None or info.format not in SIZES:
            raise DataError(
                f"{name_of(sample, i)} cannot be read: it begins with {start!r}, and "
                f"the formats that are read are {', '.join(SIZES)}. Convert it."
            )
        n_bytes = file.seek(0, SEEK_END)
        file.seek(0)
        _refuse_truncated(sample, i, SIZES[info.format](file, n_bytes), n_bytes)
        header = Header(info.frames, info.samplerate, info.channels)
        _refuse_invalid(sample, i, header)
        return header


def decode_audio(sample: Source, i: int) -> tuple[np.ndarray, int]:
    """Samples (n, channels) between -1 and 1, and their rate."""
    soundfile = _soundfile()
    with (
        reading(sample, i),
        _opened(sample, i) as contents,
        soundfile.SoundFile(contents) as file,
    ):
        wave = file.read(file.frames, dtype="float32", always_2d=True)
        if len(wave) != file.frames:
            raise DataError(
                f"{name_of(sample, i)} is truncated: it has {len(wave)} of {file.frames} "
                f"samples. Repair it or leave it out."
            )
        return wave, file.samplerate


def _refuse_truncated(sample: Source, i: int, expected: int, n_bytes: int) -> None:
    if expected > n_bytes:
        raise DataError(
            f"{name_of(sample, i)} is truncated: it has {n_bytes} bytes, and {expected} "
            f"by its header. Repair it or leave it out."
        )


def _refuse_invalid(sample: Source, i: int, header: Header) -> None:
    lowest, highest = RATES
    if not lowest <= header.rate <= highest:
        raise DataError(
            f"{name_of(sample, i)} has {header.rate} samples per second by its header; "
            f"{lowest} to {highest} are read. Repair its header or leave it out."
        )
    if header.n_channels > MAX_CHANNELS:
        raise DataError(
            f"{name_of(sample, i)} has {header.n_channels} channels by its header; at "
            f"most {MAX_CHANNELS} are read. Repair its header or leave it out."
        )


def _riff_size(file: BinaryIO, n_bytes: int) -> int:
    """Bytes of a WAV or RF64 file up to the end of its samples."""
    order = ">" if _kind_of(file, *RIFF) == b"RIFX" else "<"
    large = 0
    for name, start, size in _chunks(file, n_bytes, order):
        if name == b"ds64":
            large = struct.unpack("<QQ", file.read(16))[1]
        if name == b"data":
            return start + (large if large and size == 0xFFFF_FFFF else _known(size))
    return n_bytes


def _form_size(file: BinaryIO, n_bytes: int) -> int:
    """Bytes of an AIFF file up to the end of its samples."""
    _kind_of(file, b"FORM")
    for name, start, size in _chunks(file, n_bytes, ">"):
        if name == b"SSND":
            return start + _known(size)
    return n_bytes


def _au_size(file: BinaryIO, n_bytes: int) -> int:
    del n_bytes
    order = "<" if _kind_of(file, b".snd", b"dns.") == b"dns." else ">"
    file.seek(4)
    offset, size = struct.unpack(order + "II", file.read(8))
    return offset + _known(size)


def _ogg_size(file: BinaryIO, n_bytes: int) -> int:
    """Bytes up to the end of the last page, one more if it does not end its stream."""
    start = max(0, n_bytes - 2 * MAX_PAGE)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"OggS")
    page = tail[at:]
    if at < 0 or len(page) < 27 or len(page) < 27 + page[26]:
        return n_bytes + 1
    size = 27 + page[26] + sum(page[27 : 27 + page[26]])
    is_last = page[5] & 4
    return start + at + size if is_last else n_bytes + 1


def _unchecked_size(file: BinaryIO, n_bytes: int) -> int:
    """The decoder detects truncated files."""
    del file
    return n_bytes


SIZES: dict[str, Callable[[BinaryIO, int], int]] = {
    "WAV": _riff_size,
    "WAVEX": _riff_size,
    "RF64": _riff_size,
    "AIFF": _form_size,
    "AU": _au_size,
    "OGG": _ogg_size,
    "FLAC": _unchecked_size,
    "MP3": _unchecked_size,
}
"""The least size of a file in bytes by its header; by libsndfile's names of formats."""


def _kind_of(file: BinaryIO, *kinds: bytes) -> bytes:
    """The first four bytes of a file, of which twelve are read."""
    kind = file.read(12)[:4]
    if kind not in kinds:
        raise ValueError(f"it begins with {kind!r}")
    return kind


def _chunks(
    file: BinaryIO, n_bytes: int, order: str
) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and size of each chunk from the current position on."""
    start = file.tell() + 8
    while start <= n_bytes:
        name, size = struct.unpack(order + "4sI", file.read(8))
        yield name, start, size
        start += size + size % 2 + 8
        file.seek(start - 8)


def _known(size: int) -> int:
    """The size in a header, 0 if it is unknown."""
    return 0 if size & 0x7FFF_FFFF >= UNKNOWN_SIZE else size


def _opened(sample: Source, i: int) -> BinaryIO:
    """A file opened for reading; one that could block is refused."""
    return BytesIO(sample) if isinstance(sample, bytes) else open_regular(sample, i)


def _soundfile() -> Any:
    try:
        import soundfile
    except ImportError:
        raise MissingExtraError("Reading audio files", "soundfile", "audio") from None
    return soundfile
