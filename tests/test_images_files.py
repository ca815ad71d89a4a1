"""Only regular files of the allowed formats are opened, and they are read completely."""

import copy
import io
import os
import pickle
import socket
import struct
import subprocess
import time
import zlib
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lamina.encoders.images.encoder import ImageEncoder, ImageParams
from lamina.exceptions import DataError

POSTSCRIPT = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 8 8
%%EndComments
8 8 scale showpage
%%EOF
"""
RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (12, 10, 3), dtype=np.uint8)


def pixels_of(*samples, image_size=None):
    """What the samples are decoded to."""
    encoder = ImageEncoder(ImageParams(image_size=image_size))
    images = encoder.read(list(samples))
    return images.pixels(np.arange(len(images)))


def refuse(match, *samples):
    with pytest.raises(DataError, match=match):
        pixels_of(*samples)


def contents(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def pickled(image):
    return pickle.loads(pickle.dumps(image))


def loaded(image):
    image.load()
    return image


def png(array):
    """A PNG of the type of an array (H, W) or (H, W, C), 8 or 16 bits."""
    height, width, n_channels = (*array.shape, 1)[:3]
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[n_channels]
    bits = 8 * array.dtype.itemsize
    big = array.astype(array.dtype.newbyteorder(">"))

    def part(name, data):
        return (
            struct.pack(">I", len(data))
            + name
            + data
            + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in big)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", header)
        + part(b"IDAT", zlib.compress(rows))
        + part(b"IEND", b"")
    )


def tiff(array, photometric):
    """An uncompressed TIFF of one strip, as it is specified."""
    height, width, n_channels = (*array.shape, 1)[:3]
    bits, data = 8 * array.dtype.itemsize, array.tobytes()
    after = 8 + len(data)
    depths = struct.pack("<" + "H" * n_channels, *[bits] * n_channels)
    directory = after + len(depths)
    depth = (258, 3, n_channels, after if n_channels > 2 else bits)
    entries = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        depth,
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, 8),
        (277, 3, 1, n_channels),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
    ]
    fields = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (
        struct.pack("<2sHI", b"II", 42, directory)
        + data
        + depths
        + struct.pack("<H", len(entries))
        + fields
        + struct.pack("<I", 0)
    )


# Security -------------------------------------------------------------------------------


@pytest.fixture
def ghostscript(tmp_path, monkeypatch):
    """A program that PIL would start for PostScript; the file that says that it ran."""
    ran = tmp_path / "ran"
    for name in ("gs", "gswin32c", "gswin64c"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\ntouch {ran}\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    return ran


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands for Ghostscript")
@pytest.mark.parametrize("form", ["str", "Path", "bytes", "file", "image"])
def test_postscript_starts_no_program(form, tmp_path, ghostscript):
    path = tmp_path / "a.png"
    path.write_bytes(POSTSCRIPT)
    with path.open("rb") as file, Image.open(path) as image:
        sample = {
            "str": str(path),
            "Path": path,
            "bytes": POSTSCRIPT,
            "file": file,
            "image": image,
        }[form]
        refuse(
            r"Sample 1 .*(its format is not one of PNG|from a EPS file)",
            COLOUR,
            sample,
        )
        assert not ghostscript.exists()
        # The program can run: PIL without lamina starts it.
        with pytest.raises((OSError, subprocess.CalledProcessError)):
            image.load()
        assert ghostscript.exists()


@pytest.mark.parametrize("kind", ["PPM", "TGA", "PCX", "ICO", "SGI", "PDF"])
def test_other_formats_are_not_opened(kind, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(contents(Image.fromarray(COLOUR), kind))
    refuse(r"Sample 0 \(.*its format is not one of PNG, JPEG", path)


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices are of Unix")
@pytest.mark.parametrize("kind", ["pipe", "device", "endless", "folder", "socket"])
def test_only_regular_files_are_opened(kind, tmp_path):
    path = tmp_path / "a.png"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        path.symlink_to("/dev/null" if kind == "device" else "/dev/zero")
    start = time.monotonic()
    refuse(
        r"Sample 1 \('.*a\.png'\) cannot be read: it is a folder, a pipe", COLOUR, path
    )
    assert time.monotonic() - start < 5


@pytest.mark.skipif(os.name != "posix", reason="pipes and devices are of Unix")
def test_open_pipes_and_devices_are_not_read(tmp_path):
    ends = os.pipe()
    files = [open(end, mode) for end, mode in zip(ends, ("rb", "wb"), strict=True)]  # noqa: PTH123, SIM115
    with files[0], files[1], Path("/dev/zero").open("rb") as zeros:
        refuse("Sample 0 is a pipe or a device", files[0])
        refuse("Sample 1 is a pipe or a device", COLOUR, zeros)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("a\0b.png", "null"),
        ("absent.png", "No such file"),
        ("x" * 300 + ".png", "(too long|No such file)"),
        ("\udcff.png", "."),
        ("", "."),
    ],
)
@pytest.mark.parametrize("make", [str, Path])
def test_names_of_no_file_are_refused(name, problem, make):
    refuse(rf"(?s)Sample 1 \('.*cannot be read: .*{problem}", COLOUR, make(name))


def test_a_file_without_permission_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(png(COLOUR))
    path.chmod(0)
    if os.access(path, os.R_OK):  # the tests run as an administrator

        def deny(*_, **__):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(os, "open", deny)
    refuse(r"Sample 0 \('.*a\.png'\) cannot be read: .*Permission denied", path)


@pytest.mark.parametrize("action", ["default", "error"])
@pytest.mark.parametrize("factor", [1.5, 3])
def test_more_pixels_than_the_limit_of_pil_are_refused(
    action, factor, tmp_path, monkeypatch
):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", int(120 / factor))
    with pytest.warns() if action == "default" and factor < 2 else nullcontext():
        refuse("Sample 0 .*(MAX_IMAGE_PIXELS|exceeds limit)", png(COLOUR))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert (pixels_of(png(COLOUR)) == COLOUR).all()


def test_more_pixels_than_max_pixels_are_refused_before_they_are_decoded(monkeypatch):
    def decode(*_):
        raise AssertionError("pixels were read")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", decode)
    encoder = ImageEncoder(ImageParams(image_size=4, max_pixels=119))
    with pytest.raises(DataError, match="Sample 0 has 120 pixels, and max_pixels=119"):
        encoder.read([png(COLOUR)])
    for array in (COLOUR[None], [COLOUR, COLOUR]):
        with pytest.raises(DataError, match="has 120 pixels"):
            ImageEncoder(ImageParams(max_pixels=119)).read(array)
    assert len(ImageEncoder(ImageParams(max_pixels=120)).read([png(COLOUR)])) == 1


def test_a_file_larger_than_any_of_max_pixels_is_not_opened(tmp_path):
    path = tmp_path / "a.webp"
    path.write_bytes(contents(Image.fromarray(COLOUR), "WEBP"))
    os.truncate(path, 1 << 36)
    refuse(rf"Sample 0 \('.*a.webp'\) has {1 << 36} bytes; at most 8 for each", path)


def test_huge_tiles_are_refused():
    data = tiff(COLOUR[..., 0], 1)
    entries = [
        (322, 4, 1, 1 << 20),
        (323, 4, 1, 1 << 20),
        (324, 4, 1, 8),
        (325, 4, 1, 9),
    ]
    at, n = struct.unpack("<I", data[4:8])[0], 9
    old = data[at + 2 : at + 2 + 12 * n]
    kept = b"".join(
        old[12 * i : 12 * i + 12] for i in range(n) if i not in (5, 7, 8)
    )  # without strips
    fields = kept + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    count = struct.pack("<H", len(fields) // 12)
    refuse("Sample 0 has tiles of 1048576 x", data[:at] + count + fields + bytes(4))


# Depth, frames, colour ------------------------------------------------------------------


@pytest.mark.parametrize("n_channels", [1, 2, 3, 4])
@pytest.mark.parametrize("form", ["path", "bytes", "image"])
def test_16_bits_are_not_cut_to_8(n_channels, form, tmp_path):
    shape = (8, 8, n_channels) if n_channels > 1 else (8, 8)
    deep = np.full(shape, 9984, np.uint16)
    path = tmp_path / "a.png"
    path.write_bytes(png(deep))
    sample = {
        "path": lambda: path,
        "bytes": path.read_bytes,
        "image": lambda: Image.open(path),
    }[form]()
    with sample if form == "image" else nullcontext():
        refuse(
            "(?s)Sample 1 .*(16 bits a channel|mode 'I.*').*array of its values",
            COLOUR,
            sample,
        )


@pytest.mark.parametrize("dtype", [np.uint16, np.float32, np.int32, np.uint32])
@pytest.mark.parametrize("n_channels", [1, 3])
def test_deep_tiffs_are_not_cut_to_8(dtype, n_channels):
    shape = (8, 8, 3) if n_channels == 3 else (8, 8)
    data = tiff(np.full(shape, 9984, dtype), 2 if n_channels == 3 else 1)
    refuse("Sample 0 ", data)


def test_tiffs_of_8_bits_are_read():
    assert (pixels_of(tiff(COLOUR, 2)) == COLOUR).all()
    assert (pixels_of(tiff(COLOUR[..., 0], 1))[0, ..., 0] == COLOUR[..., 0]).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("form", ["bytes", "image"])
def test_several_frames_are_counted_and_refused(kind, form):
    frames = [Image.fromarray(np.roll(COLOUR, 3 * k, axis=0)) for k in range(3)]
    data = contents(frames[0], kind, save_all=True, append_images=frames[1:])
    sample = data if form == "bytes" else Image.open(io.BytesIO(data))
    refuse(r"Sample 1 has 3 frames or pages.*image\.seek\(k\)", COLOUR, sample)
    image = Image.open(io.BytesIO(data))
    image.seek(1)
    one = image.copy()
    expected = np.asarray(one.convert("RGB"))
    assert (pixels_of(one)[0][..., :3] == expected).all()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_one_frame_is_a_picture(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    image = Image.fromarray(COLOUR).quantize(16) if kind == "GIF" else COLOUR
    image = image if kind == "GIF" else Image.fromarray(image)
    data = contents(image, kind, save_all=True, **options)
    assert (pixels_of(data)[0] == np.asarray(image.convert("RGB"))).all()


def test_a_photograph_with_a_preview_is_the_photograph():
    photograph, preview = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8))
    data = contents(photograph, "MPO", save_all=True, append_images=[preview])
    assert (pixels_of(data)[0, ..., 0] > 200).all()


def test_alpha_is_a_channel_in_each_of_its_forms():
    rgba = RNG.integers(0, 256, (6, 5, 4), dtype=np.uint8)
    assert (pixels_of(png(rgba))[0] == rgba).all()
    la = rgba[..., [0, 3]]
    assert (pixels_of(png(la))[0] == rgba[..., [0, 0, 0, 3]]).all()
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 40, 50, 60])
    palette.putdata([0, 1])
    expected = [[10, 20, 30, 0], [40, 50, 60, 255]]
    for kind in ("PNG", "GIF"):
        data = contents(palette, kind, transparency=0)
        assert pixels_of(data)[0, 0].tolist() == expected
    key = contents(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG", transparency=(1, 2, 3))
    assert pixels_of(key)[0, 0, 0].tolist() == [1, 2, 3, 0]
    grey = contents(Image.new("L", (1, 1), 7), "PNG", transparency=7)
    assert pixels_of(grey)[0, 0, 0].tolist() == [7, 7, 7, 0]


def test_cmyk_becomes_rgb():
    for ink, expected in (((0, 255, 255, 0), "red"), ((255, 255, 255, 0), "black")):
        data = contents(Image.new("CMYK", (8, 8), ink), "JPEG", quality=95)
        wanted = np.asarray(Image.new("RGB", (8, 8), expected)).astype(int)
        assert np.abs(pixels_of(data)[0] - wanted).max() < 10


def test_one_bit_is_black_and_white():
    array = np.eye(4, dtype=bool)
    for kind in ("PNG", "TIFF", "BMP"):
        data = contents(Image.fromarray(array), kind)
        assert (pixels_of(data)[0, ..., 0] == 255 * array).all()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("BMP", {}),
        ("GIF", {}),
        ("WEBP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
@pytest.mark.parametrize("kept", [0.5, 0.9])
@pytest.mark.parametrize("form", ["path", "bytes"])
def test_truncated_files_are_refused(kind, options, kept, form, tmp_path):
    noise = Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = contents(noise, kind, **options)
    data = data[: int(kept * len(data))]
    path = tmp_path / "a.png"
    path.write_bytes(data)
    sample = path if form == "path" else data
    refuse("Sample 1 .*cannot be read", contents(noise, "PNG"), sample)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"])
def test_damaged_files_are_read_or_refused(kind):
    rng = np.random.default_rng(0)
    data = contents(Image.fromarray(COLOUR), kind)
    for _ in range(100):
        damaged = bytearray(data)
        for place in rng.integers(len(data), size=3) // rng.choice([1, 8]):
            damaged[place] = rng.integers(256)
        try:
            assert pixels_of(damaged).dtype == np.uint8
        except DataError as error:
            assert str(error).startswith("Sample 0 ")


# What a sample may be -------------------------------------------------------------------


def test_paths_bytes_files_images_and_arrays_are_the_same(tmp_path):
    data = png(COLOUR)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with path.open("rb") as file, Image.open(path) as image:
        samples = [
            path,
            str(path),
            np.str_(path),
            data,
            bytearray(data),
            memoryview(data),
            io.BytesIO(data),
            file,
            image,
            Image.fromarray(COLOUR),
            COLOUR,
            torch.from_numpy(COLOUR),
        ]
        assert (pixels_of(*samples) == COLOUR).all()
        for sample in samples:
            assert (pixels_of(sample) == COLOUR).all()


def test_open_files_are_read_from_their_start_and_left_as_they_were():
    file = io.BytesIO(png(COLOUR))
    file.seek(7)
    for _ in range(2):
        assert (pixels_of(file) == COLOUR).all()
        assert file.tell() == 7


def test_files_that_cannot_be_read_are_named(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(COLOUR))
    with path.open() as text:
        refuse(
            'Sample 1 is a file opened as text; open it with mode "rb"', COLOUR, text
        )
    with path.open("rb") as file:
        pass
    refuse("Sample 1 cannot be read: .*closed", COLOUR, file)
    with Image.open(path) as image:
        pass
    refuse("Sample 1 was closed before", COLOUR, image)


def test_an_image_that_occurs_often_is_decoded_once():
    image = Image.open(io.BytesIO(png(COLOUR)))
    images = ImageEncoder(ImageParams()).read([image] * 50)
    assert image.tile == []
    assert (images.pixels(np.arange(50)) == COLOUR).all()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"])
@pytest.mark.parametrize("change", [copy.deepcopy, pickled, loaded])
def test_an_image_may_be_loaded_copied_or_pickled_before(kind, change):
    data = contents(Image.fromarray(COLOUR), kind)
    image = change(Image.open(io.BytesIO(data)))
    assert (pixels_of(image) == pixels_of(data)).all()
    assert (pixels_of(image) == pixels_of(data)).all()


@pytest.mark.parametrize("change", ["size", "time", "pipe", "link"])
def test_a_file_that_changes_after_its_header_is_not_decoded(change, tmp_path):
    path, other = tmp_path / "a.png", tmp_path / "b.png"
    for p in (path, other):
        p.write_bytes(png(COLOUR))
    images = ImageEncoder(ImageParams()).read([path])
    assert (images.pixels(np.array([0])) == COLOUR).all()
    if change == "size":
        path.write_bytes(png(COLOUR) + b"\0")
    elif change == "time":
        os.utime(path, ns=(0, 1))
    else:
        path.unlink()
        os.mkfifo(path) if change == "pipe" else path.symlink_to("/dev/zero")
    with pytest.raises(
        DataError, match=r"Sample 0 \('.*a\.png'\) (has changed|cannot be)"
    ):
        images.pixels(np.array([0]))


def test_rows_keep_the_indices_of_their_samples(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(4)]
    for path in paths:
        path.write_bytes(png(COLOUR))
    images = ImageEncoder(ImageParams()).read(paths)[np.array([0, 3, 2])]
    assert len(images) == 3
    paths[2].unlink()
    with pytest.raises(DataError, match="Sample 2 "):
        images[np.array([1, 2])].pixels(np.array([0, 1]))
