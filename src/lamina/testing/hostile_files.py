"""Files as a stranger may send them: `KINDS[form][kind](path, rng)` writes one.

A file is cut, has wrong sizes or numbers in its header, is of another format than its name
says, or is no file. `Written` has the valid contents that it was made from, where all of
what remains must be read as they are or refused.
"""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lamina.testing.hostile_images import IMAGES, valid_image
from lamina.testing.hostile_sounds import SOUNDS, valid_sound

POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
8 8 scale showpage
%%EOF
"""
OTHERS = {
    "PostScript": POSTSCRIPT,
    "EPS with a preview": b"\xc5\xd0\xd3\xc6\x1e\0\0\0\x60\0\0\0"
    + bytes(18)
    + POSTSCRIPT,
    "PDF": b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF",
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "empty file": b"",
    "zeros": bytes(4096),
}
"""The contents of files of other formats."""
SIGNATURES = (
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"RIFF\xff\xff\xff\x7fWEBPVP8 ",
    b"RIFF\xff\xff\xff\x7fWAVEfmt ",
    b"FORM\x7f\xff\xff\xffAIFFCOMM",
    b".snd",
    b"fLaC",
    b"OggS",
    b"ID3\x04",
    b"\xff\xfb",
)


@dataclass(frozen=True)
class Written:
    """What was written to a path."""

    truth: bytes | None = None
    """The valid file of which a part was written; None if the file may be read otherwise."""


Writer = Callable[[Path, np.random.Generator], Written]
Valid = Callable[[np.random.Generator], bytes]


def _contents(data: bytes) -> Writer:
    def write(path: Path, rng: np.random.Generator) -> Written:
        del rng
        path.write_bytes(data)
        return Written()

    return write


def _generated(make: Valid) -> Writer:
    def write(path: Path, rng: np.random.Generator) -> Written:
        path.write_bytes(make(rng))
        return Written()

    return write


def _cut(valid: Valid) -> Writer:
    def write(path: Path, rng: np.random.Generator) -> Written:
        data = valid(rng)
        anywhere = int(rng.integers(len(data)))
        n_kept = (anywhere, len(data) - 1, len(data) // 2)[int(rng.integers(3))]
        path.write_bytes(data[:n_kept])
        return Written(data)

    return write


def _flipped(valid: Valid, n_first: int | None) -> Writer:
    """One byte changed, among the first ones or anywhere."""

    def write(path: Path, rng: np.random.Generator) -> Written:
        data = bytearray(valid(rng))
        data[int(rng.integers(len(data[:n_first])))] ^= int(rng.integers(1, 256))
        path.write_bytes(data)
        return Written()

    return write


def _random(rng: np.random.Generator) -> bytes:
    signature = SIGNATURES[int(rng.integers(len(SIGNATURES)))]
    return signature + rng.bytes(int(rng.integers(2000)))


def _pipe(path: Path, rng: np.random.Generator) -> Written:
    del rng
    os.mkfifo(path)
    return Written()


def _folder(path: Path, rng: np.random.Generator) -> Written:
    del rng
    path.mkdir()
    return Written()


def _socket(path: Path, rng: np.random.Generator) -> Written:
    del rng
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    return Written()


def _link(target: str) -> Writer:
    def write(path: Path, rng: np.random.Generator) -> Written:
        del rng
        if target == "pipe":
            os.mkfifo(path.with_name(f"{path.name}.pipe"))
        path.symlink_to(f"{path.name}.pipe" if target == "pipe" else target or path)
        return Written()

    return write


def _absent(path: Path, rng: np.random.Generator) -> Written:
    del path, rng
    return Written()


def _sparse(valid: Valid) -> Writer:
    """A valid file, followed by 64 GB that take no space on the disk."""

    def write(path: Path, rng: np.random.Generator) -> Written:
        path.write_bytes(valid(rng))
        os.truncate(path, 1 << 36)
        return Written()

    return write


def _kinds(valid: Valid, special: Mapping[str, Valid]) -> dict[str, Writer]:
    return {
        "cut": _cut(valid),
        "byte of the header": _flipped(valid, 80),
        "byte": _flipped(valid, None),
        "signature and noise": _generated(_random),
        "pipe": _pipe,
        "folder": _folder,
        "socket": _socket,
        "device": _link("/dev/zero"),
        "link to a pipe": _link("pipe"),
        "link to itself": _link(""),
        "absent": _absent,
        "sparse file": _sparse(valid),
        **{name: _contents(data) for name, data in OTHERS.items()},
        **{name: _generated(make) for name, make in special.items()},
    }


KINDS: dict[str, dict[str, Writer]] = {
    "image": _kinds(valid_image, IMAGES),
    "audio": _kinds(valid_sound, SOUNDS),
}
"""The writers of each form of data, by the kind of fault."""
SUFFIXES = {"image": ".png", "audio": ".wav"}
