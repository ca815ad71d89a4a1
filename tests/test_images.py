"""Images of every form become the same batches, and files are read when needed."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from lamina import CNNClassifier
from lamina.encoders.files import regular_file
from lamina.encoders.images import files as pictures
from lamina.encoders.images import reader as image_forms
from lamina.encoders.images.encoder import ImageEncoder, ImageParams
from lamina.exceptions import (
    DataError,
    DataWarning,
    MissingExtraError,
    ParameterError,
)
from lamina.params import check_params

TOLERANCE = {"rtol": 0, "atol": 1e-6}


def fitted_on(X, weight=None, *, image_size=None):
    encoder = ImageEncoder(ImageParams(image_size=image_size))
    return encoder.fit(encoder.read(X), weight)


def samples_of(encoder, X):
    return encoder.encode(encoder.read(X))


def batch_of(X, fit_on=None, *, image_size=None, weight=None):
    """All samples of X as one batch."""
    encoder = fitted_on(X if fit_on is None else fit_on, weight, image_size=image_size)
    samples = samples_of(encoder, X)
    return samples.take(torch.arange(len(samples))).x


def written(folder, pixels, suffix=".png", **options):
    paths = [folder / f"{i}{suffix}" for i in range(len(pixels))]
    for path, array in zip(paths, pixels, strict=True):
        Image.fromarray(array).save(path, **options)
    return paths


@pytest.fixture
def colour():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (7, 5, 6, 3), dtype=np.uint8)


@pytest.fixture
def grey(colour):
    return np.ascontiguousarray(colour[..., 0])


@pytest.fixture
def opened(monkeypatch):
    """The images that are opened, and those whose pixels are read."""
    seen = SimpleNamespace(headers=[], pixels=[])
    header, decode = pictures.image_header, pictures.decode_image

    def header_seen(sample, i):
        seen.headers.append(i)
        return header(sample, i)

    def decode_seen(sample, i, *rest):
        seen.pixels.append(i)
        return decode(sample, i, *rest)

    monkeypatch.setattr(image_forms, "image_header", header_seen)
    monkeypatch.setattr(image_forms, "decode_image", decode_seen)
    return seen


def test_channels_are_standardised_and_last_in_memory(colour):
    x = batch_of(colour)
    z = (colour - colour.mean((0, 1, 2))) / colour.std((0, 1, 2))
    torch.testing.assert_close(x.double().permute(0, 2, 3, 1).numpy(), z, **TOLERANCE)
    assert x.dtype == torch.float32
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_spec(colour, grey):
    assert fitted_on(colour).spec.n_channels == 3
    spec = fitted_on(grey).spec
    assert (spec.n_channels, spec.n_space, spec.max_length) == (1, 2, 30)


@pytest.mark.parametrize("dtype", [np.int16, np.int64, np.uint16, "f4", "f8", ">f8"])
def test_the_type_of_an_array_has_no_effect(colour, dtype):
    torch.testing.assert_close(
        batch_of(colour.astype(dtype)), batch_of(colour), **TOLERANCE
    )


def test_booleans_are_numbers(grey):
    torch.testing.assert_close(
        batch_of(grey > 99), batch_of((grey > 99).astype(float)), **TOLERANCE
    )


def test_values_far_from_zero_keep_their_precision(grey):
    far = grey + 1e9
    torch.testing.assert_close(batch_of(far), batch_of(grey), rtol=0, atol=1e-5)


@pytest.mark.parametrize("pixels", ["colour", "grey"])
def test_arrays_files_and_pictures_are_the_same(pixels, tmp_path, request):
    array = request.getfixturevalue(pixels)
    expected = batch_of(array)
    paths = written(tmp_path, array)
    pictures = [Image.fromarray(a) for a in array]
    mixed = [str(paths[0]), pictures[1], *paths[2:5], *pictures[5:]]
    for X in (list(array), paths, list(map(str, paths)), pictures, mixed):
        torch.testing.assert_close(batch_of(X), expected, **TOLERANCE)
    torch.testing.assert_close(batch_of(paths, fit_on=array), expected, **TOLERANCE)
    torch.testing.assert_close(batch_of(array, fit_on=paths), expected, **TOLERANCE)


def test_the_layout_and_the_protection_of_an_array_have_no_effect(colour):
    first = np.ascontiguousarray(colour.transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
    first.flags.writeable = False
    torch.testing.assert_close(batch_of(first), batch_of(colour), **TOLERANCE)


def test_arrays_are_not_changed(colour):
    floats = colour.astype(np.float32)
    batch_of(floats)
    assert (floats == colour).all()


def test_grey_images_may_have_a_channel_axis(grey):
    assert torch.equal(batch_of(grey[..., None]), batch_of(grey))


@pytest.mark.parametrize("value", [0, 200, 0.1, 1e-30])
def test_a_constant_channel_is_zero(value):
    x = batch_of(np.full((3, 9, 11, 1), value))
    torch.testing.assert_close(x, torch.zeros(3, 1, 9, 11), **TOLERANCE)


# Statistics are computed for 2^20 values at a time: seven images, two, or one of them.
@pytest.mark.parametrize("n_tiles", [1, 75, 110])
def test_weights_count_as_duplicates(colour, n_tiles):
    colour = np.tile(colour, (1, n_tiles, n_tiles, 1))
    times = np.array([1, 2, 3, 1, 1, 5, 2])
    weighted = fitted_on(colour, times.astype(float))
    repeated = fitted_on(np.repeat(colour, times, axis=0))
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-12)
    np.testing.assert_allclose(weighted.scale, repeated.scale, rtol=1e-12)


def test_weights_count_for_files_too(colour, tmp_path):
    times = np.array([1, 2, 3, 1, 1, 5, 2])
    paths = written(tmp_path, colour)
    weighted = fitted_on(paths, times.astype(float))
    repeated = fitted_on(np.repeat(colour, times, axis=0))
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-12)


def test_only_the_pixels_of_a_batch_are_read(colour, tmp_path, opened):
    paths = written(tmp_path, colour)
    fitted = fitted_on(paths)
    opened.pixels.clear()
    samples = samples_of(fitted, paths)
    assert opened.pixels == []
    assert opened.headers == 2 * list(range(7))
    batch = samples.take(torch.tensor([4, 1, 4]))
    assert opened.pixels == [4, 1, 4]
    assert torch.equal(batch.x[0], batch.x[2])
    torch.testing.assert_close(batch.x, batch_of(colour)[[4, 1, 4]], **TOLERANCE)


def test_statistics_come_from_some_files(colour, tmp_path, opened):
    fitted = fitted_on(written(tmp_path, colour) * 300)
    rows = np.array(opened.pixels)
    assert len(rows) == 2000 and (np.diff(rows) > 0).all()
    assert rows[0] == 0 and rows[-1] == 2099
    np.testing.assert_allclose(fitted.mean, colour[rows % 7].mean((0, 1, 2)))


def test_a_header_is_read_without_the_pixels(colour, tmp_path, monkeypatch):
    paths = written(tmp_path, colour)

    def refuse(*_):
        raise AssertionError("pixels were read")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", refuse)
    assert pictures.image_header(regular_file(paths[0], 0), 0) == (5, 6, 3)


def pictures_of(*modes):
    values = np.random.default_rng(0).integers(0, 256, (4, 4, 4), dtype=np.uint8)
    opaque = Image.fromarray(values[..., :3])
    return [
        Image.fromarray(values).convert(mode) if "A" in mode else opaque.convert(mode)
        for mode in modes
    ]


@pytest.mark.parametrize(
    ("modes", "n_channels"),
    [
        (("L", "1"), 1),
        (("L", "RGB"), 3),
        (("P", "L"), 3),
        (("CMYK", "YCbCr", "HSV"), 3),
        (("L", "LA"), 4),
        (("L", "RGB", "RGBA"), 4),
    ],
)
def test_the_mode_keeps_all_channels(modes, n_channels):
    pictures = pictures_of(*modes)
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[n_channels]
    x = batch_of(pictures)
    assert x.shape[1] == n_channels
    arrays = [np.asarray(p.convert(mode)).reshape(4, 4, -1) for p in pictures]
    torch.testing.assert_close(x, batch_of(np.stack(arrays)), **TOLERANCE)


def test_a_palette_with_transparency_has_alpha(tmp_path):
    picture = pictures_of("P")[0]
    picture.save(tmp_path / "a.png", transparency=0)
    assert batch_of([tmp_path / "a.png", pictures_of("L")[0]]).shape[1] == 4


def test_one_bit_is_black_and_white():
    array = np.eye(4, dtype=bool)
    both = [Image.fromarray(array), Image.fromarray(array * np.uint8(255))]
    first, second = batch_of(both)
    assert torch.equal(first, second)


@pytest.mark.parametrize("mode", ["I", "F", "I;16"])
def test_deep_pictures_are_refused(mode):
    with pytest.raises(DataError, match=rf"Sample 1 has mode '{mode}'.*array of its"):
        batch_of([Image.new("L", (4, 4)), Image.new(mode, (4, 4))])


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_pictures_are_turned_upright(colour, tmp_path, suffix, turn):
    exif = Image.Exif()
    exif[pictures.ORIENTATION] = turn
    lossless = {"lossless": True} if suffix == ".webp" else {}
    paths = written(tmp_path, colour[:1], suffix, exif=exif, **lossless)
    quarters = {3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}.get(turn, 0)
    upright = np.rot90(colour[0], quarters)
    if turn in (2, 4, 5, 7):
        upright = upright[:, ::-1]
    assert pictures.image_header(regular_file(paths[0], 0), 0) == upright.shape
    assert (
        pictures.decode_image(regular_file(paths[0], 0), 0, 3, None) == upright
    ).all()


def test_images_are_resized(tmp_path, colour):
    paths = written(tmp_path, [colour[0], colour[1, :3], colour[2, :, :2]])
    assert batch_of(paths, image_size=(8, 4)).shape == (3, 3, 8, 4)
    assert batch_of(paths, image_size=np.int64(4)).shape == (3, 3, 4, 4)
    fitted = fitted_on(paths, image_size=(8, 4))
    assert samples_of(fitted, [Image.new("L", (99, 1))]).take(
        torch.tensor([0])
    ).x.shape == (
        1,
        3,
        8,
        4,
    )
    assert len(samples_of(fitted, np.zeros((2, 8, 4, 3)))) == 2


@pytest.mark.parametrize("image_size", [1, 28, (3, 4), [3, 4], None, np.int64(3)])
def test_sizes_that_are_allowed(image_size):
    check_params(ImageParams(image_size=image_size))


@pytest.mark.parametrize("image_size", [0, 2.0, "28", (3,), (3, 0), (3, 4, 5), True])
def test_sizes_that_are_not(image_size):
    with pytest.raises(ParameterError, match="image_size"):
        check_params(ImageParams(image_size=image_size))


def test_a_size_has_no_effect_on_an_array(colour):
    for X in (colour, list(colour.astype(float))):
        with pytest.raises(ParameterError, match=r"image_size=.*array of images"):
            fitted_on(X, image_size=(4, 4))


def test_unequal_sizes_are_named_with_the_remedy(tmp_path, colour):
    paths = written(tmp_path, [colour[0], colour[1], colour[2, :3]])
    with pytest.raises(DataError, match="unequal sizes") as caught:
        fitted_on(paths)
    for words in (
        f"Sample 0 ('{paths[0]}') has (5, 6)",
        f"Sample 2 ('{paths[2]}') has (3",
    ):
        assert words in str(caught.value)
    assert "image_size=(5, 6)" in str(caught.value)


def test_unequal_arrays_are_named(colour):
    with pytest.raises(DataError, match=r"Sample 1 has shape \(3, 6, 3\), sample 0"):
        fitted_on([colour[0], colour[1, :3]])


@pytest.mark.parametrize("cut", [np.s_[:, :4], np.s_[:, :, :4], np.s_[..., :1]])
def test_another_shape_than_in_fit_is_refused(colour, cut, tmp_path):
    fitted = fitted_on(colour)
    with pytest.raises(DataError, match=r"Sample 0 has shape .*fitted on \(5, 6, 3\)"):
        samples_of(fitted, colour[cut])


def test_another_size_of_file_than_in_fit_is_refused(colour, tmp_path):
    paths = written(tmp_path, [colour[0], colour[1, :3]])
    with pytest.raises(DataError, match=r"Sample 1 .*1.png.*\(3, 6, 3\).*\(5, 6, 3\)"):
        samples_of(fitted_on(colour), paths)


@pytest.mark.parametrize(("fitted", "new"), [("L", "RGB"), ("RGB", "RGBA"), ("L", "P")])
def test_colour_and_alpha_are_not_dropped(fitted, new):
    with pytest.raises(DataError, match="Sample 1 has shape"):
        samples_of(fitted_on(pictures_of(fitted)), pictures_of(fitted, new))


def test_grey_and_colour_are_read_where_fit_saw_more():
    fitted = fitted_on(pictures_of("RGBA"))
    assert len(samples_of(fitted, pictures_of("L", "RGB", "P"))) == 3


def test_files_do_not_have_two_channels():
    fitted = fitted_on(np.random.default_rng(0).normal(size=(3, 4, 4, 2)))
    with pytest.raises(DataError, match=r"Sample 0 has shape \(4, 4, 1\)"):
        samples_of(fitted, pictures_of("L"))


@pytest.mark.parametrize(("value", "what"), [(np.nan, "NaN"), (-np.inf, "inf")])
@pytest.mark.parametrize("n_tiles", [1, 110])
def test_values_that_are_not_finite_are_named(colour, value, what, n_tiles):
    colour = np.tile(colour, (1, n_tiles, n_tiles, 1))
    bad = colour.astype(np.float32)
    bad[5, 1, 2, 0] = value
    with pytest.raises(DataError, match=f"Sample 5 of X contains {what}"):
        fitted_on(bad)
    with pytest.raises(DataError, match=f"Sample 5 of X contains {what}"):
        samples_of(fitted_on(colour), bad)


@pytest.mark.parametrize(
    "X",
    [np.zeros((2, 0, 4, 1)), [np.zeros((0, 4))], [Image.new("L", (0, 4))]],
    ids=["array", "list", "picture"],
)
def test_images_without_pixels_are_refused(X):
    with pytest.raises(DataError, match="Sample 0 has"):
        fitted_on(X)


def test_arrays_of_strings_are_refused():
    with pytest.raises(DataError, match="images are arrays of numbers"):
        fitted_on([np.array([["a"]])])


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (3, "of type int"),
        ({}, "of type dict"),
        ([[1], [2, 3]], "of type list"),
        (None, "None; leave it out"),
        (np.zeros((4, 4)), "an array of float64"),
        (np.zeros((4, 4, 2), np.uint8), "have 1, 3 or 4 channels"),
    ],
)
def test_what_is_no_image_is_named(other, problem):
    with pytest.raises(DataError, match=rf"Sample 1 (?s:.*){problem}"):
        fitted_on([Image.new("L", (4, 4)), other])


def test_channels_that_come_first_are_suspected(colour):
    with pytest.warns(DataWarning, match=r"transpose\(0, 2, 3, 1\)"):
        fitted_on(colour.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_a_file_that_cannot_be_opened_is_named_in_encode(content, colour, tmp_path):
    paths = written(tmp_path, colour)
    fitted = fitted_on(paths)
    paths[3].unlink()
    if content is not None:
        paths[3].write_bytes(content)
    with pytest.raises(DataError, match=r"Sample 3 \('.*3\.png'\) cannot be read"):
        samples_of(fitted, paths)
    with pytest.raises(DataError, match=r"Sample 3 \('.*3\.png'\) cannot be read"):
        fitted_on(paths)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp"])
def test_a_truncated_file_is_named_when_it_is_decoded(suffix, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (4, 40, 40), dtype=np.uint8)
    paths = written(tmp_path, noise, suffix)
    fitted = fitted_on(paths)
    whole = paths[2].read_bytes()
    paths[2].write_bytes(whole[: len(whole) * 3 // 4])
    samples = samples_of(fitted, paths)
    with pytest.raises(DataError, match=rf"Sample 2 \('.*2\{suffix}'\) cannot be read"):
        samples.take(torch.arange(4))


def test_a_file_that_changes_while_it_is_in_use_is_named(colour, tmp_path):
    paths = written(tmp_path, colour)
    samples = samples_of(fitted_on(paths), paths)
    Image.fromarray(colour[0, :2]).save(paths[1])
    with pytest.raises(DataError, match=r"Sample 1 .* has changed since X was read"):
        samples.take(torch.arange(7))


def test_a_missing_pillow_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match=r"lamina\[image\]"):
        fitted_on([b"\x89PNG"])


@pytest.mark.parametrize("form", ["paths", "pictures"])
def test_a_network_learns_from_files(form, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 2
    pixels = rng.integers(0, 60, (40, 8, 8, 3), dtype=np.uint8)
    pixels[labels == 1, 2:5, 2:5] += 120
    X = (
        written(tmp_path, pixels)
        if form == "paths"
        else list(map(Image.fromarray, pixels))
    )
    network = CNNClassifier(n_filters=(8,), max_iter=10, random_state=0)
    assert network.fit(X[:30], labels[:30]).score(X[30:], labels[30:]) == 1.0
    proba = network.predict_proba(X)
    np.testing.assert_allclose(network.predict_proba(X[:3]), proba[:3], atol=1e-5)


def test_forms_that_are_detected_as_images(colour, tmp_path):
    paths = written(tmp_path, colour)
    unequal = [colour[0], *colour[1:, :4]]
    grey = [array[..., 0] for array in unequal]
    y = np.arange(7) % 2
    for X, image_size in (
        (paths, None),
        ([path.read_bytes() for path in paths], None),
        ([io.BytesIO(path.read_bytes()) for path in paths], None),
        ([paths[0], *colour[1:]], None),
        ([bytearray(path.read_bytes()) for path in paths], None),
        (unequal, 4),
        (grey, 4),
    ):
        network = CNNClassifier(n_filters=(4,), max_iter=1, image_size=image_size)
        assert network.fit(X, y).form_ == "image"
        assert network.predict(X).shape == (7,)
    with pytest.raises(DataError, match="Sample 6 is None; leave it out"):
        network.fit([*paths[:6], None], y)


@pytest.mark.parametrize("X", [b"PNG", bytearray(b"PNG"), Image.new("L", (9, 9))])
def test_one_picture_is_a_single_sample(X, colour):
    network = CNNClassifier(n_filters=(4,), max_iter=1)
    with pytest.raises(DataError, match=r"single sample, .*pass a list: \[X\]"):
        network.fit(X, [0])


def test_another_scale_is_refused_by_every_method(colour):
    y = np.arange(7) % 2
    network = CNNClassifier(n_filters=(4,), max_iter=1).fit(colour, y)
    for call in (network.predict, network.predict_proba, lambda X: network.score(X, y)):
        with pytest.raises(DataError, match="multiply it by 255"):
            call(colour / 255)
    with pytest.raises(DataError, match="multiply it by 255"):
        network.partial_fit(colour / 255, y)
