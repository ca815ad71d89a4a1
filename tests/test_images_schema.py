"""Forms of X, and whether later images are like those of `fit`."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from lamina.encoders.images.encoder import (
    ImageEncoder,
    ImageParams,
)
from lamina.exceptions import DataError, DataWarning

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (6, 8, 7, 3), dtype=np.uint8)
UNIT = BYTES / 255


def fitted_on(X, **params):
    encoder = ImageEncoder(ImageParams(**params))
    return encoder.fit(encoder.read(X))


def batch_of(encoder, X):
    samples = encoder.encode(encoder.read(X))
    return samples.take(torch.arange(len(samples))).x


def refuse(fit_on, X, match, **params):
    with pytest.raises(DataError, match=match):
        fitted_on(fit_on, **params).read(X)


# Forms of X -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "form",
    [
        list,
        tuple,
        torch.from_numpy,
        lambda X: X.tolist(),
        lambda X: [torch.from_numpy(x) for x in X],
        lambda X: [x.tolist() for x in X],
        lambda X: pd.Series(list(X)),
        np.ma.masked_array,
        lambda X: torch.from_numpy(X).float().requires_grad_(),
        lambda X: torch.from_numpy(X).bfloat16(),
        lambda X: [Image.fromarray(X[0]), *X[1:]],
        lambda X: pd.Series([Image.fromarray(x) for x in X]),
    ],
)
def test_forms_of_the_same_pictures(form):
    encoder = fitted_on(BYTES)
    expected = batch_of(encoder, BYTES)
    torch.testing.assert_close(batch_of(encoder, form(BYTES)), expected)
    torch.testing.assert_close(batch_of(fitted_on(form(BYTES)), BYTES), expected)


@pytest.mark.parametrize(
    ("X", "match"),
    [
        ("a.png", r"single sample.*\[X\]"),
        (b"\x89PNG", r"single sample.*\[X\]"),
        (Image.new("L", (4, 4)), r"single sample.*\[X\]"),
        (BYTES[0, ..., 0], r"shape \(8, 7\).*pass X\[None\]"),
        (BYTES[None], r"shape \(1, 6, 8, 7, 3\)"),
        (3, "is a int"),
        (None, "X is None"),
        ({"a": 1}, "X is a dict"),
        ((x for x in BYTES), "is a generator"),
        (np.zeros(3), r"shape \(3,\)"),
        (np.zeros((0, 4, 4)), r"0 sample\(s\)"),
        ([], r"0 sample\(s\)"),
        (BYTES * 1j, "complex128"),
        (BYTES.astype(object), "object"),
        (pd.DataFrame(BYTES[0, ..., 0]), "of type DataFrame"),
        (np.ma.masked_equal(BYTES, 7), r"masked.*filled"),
        ([BYTES[0], None], "Sample 1 is None"),
        ([[1.0, [2.0]]], "Sample 0 is of type list"),
        ([*BYTES, np.ma.masked_equal(BYTES[0], 7)], r"Sample 6 .*masked.*filled"),
    ],
)
def test_what_holds_no_pictures_is_refused(X, match):
    with pytest.raises(DataError, match=match):
        fitted_on(X)


@pytest.mark.parametrize("X", [BYTES, BYTES[..., 0], BYTES[..., :1]])
def test_one_picture_where_several_are_expected(X):
    refuse(X, X[0], r"If X is one image, pass X\[None\]")
    assert len(fitted_on(X).read(X[0][None])) == 1


def test_rows_of_an_array_are_pictures():
    images = fitted_on(BYTES).read(BYTES)[np.array([4, 1])]
    assert len(images) == 2
    assert (images.pixels(np.array([1])) == BYTES[1]).all()


def test_axes_that_look_exchanged_give_a_warning():
    with pytest.warns(
        DataWarning, match=r"pass X.transpose\(0, 2, 3, 1\).*DataWarning"
    ):
        fitted_on(list(BYTES.transpose(0, 3, 1, 2)))
    with pytest.warns(DataWarning, match=r"one image with 3 channels, pass X\[None\]"):
        fitted_on(RNG.integers(0, 256, (20, 16, 3), dtype=np.uint8))
    refuse(BYTES, BYTES.transpose(0, 3, 1, 2), r"pass X.transpose\(0, 2, 3, 1\)")
    chosen = [x.transpose(2, 0, 1) for x in BYTES]
    refuse(chosen, chosen, r"Sample 0 .*x.transpose\(1, 2, 0\)", image_size=4)


# Sizes ----------------------------------------------------------------------------------


def test_arrays_of_unequal_sizes_are_resized_as_pictures_are():
    X = [BYTES[0], BYTES[1, :5], BYTES[2, ..., 0], BYTES[3, ..., :1]]
    encoder = fitted_on(X, image_size=(4, 6))
    pictures = [Image.fromarray(x.squeeze()) for x in X]
    torch.testing.assert_close(batch_of(encoder, X), batch_of(encoder, pictures))
    assert encoder.schema.shape == (4, 6, 3)
    assert batch_of(encoder, [BYTES[0, :3]]).shape == (1, 3, 4, 6)
    assert batch_of(encoder, BYTES[:, :4, :6]).shape == (6, 3, 4, 6)


def test_arrays_of_unequal_sizes_need_a_size():
    unequal = [BYTES[0], BYTES[1, :5]]
    with pytest.raises(DataError, match=r"Sample 1 .*image_size=\(height, width\)"):
        fitted_on(unequal)
    with pytest.raises(DataError, match=r"Sample 1 .*Only uint8 is resized"):
        fitted_on([x / 255 for x in unequal], image_size=4)


# Values ---------------------------------------------------------------------------------


def test_the_schema_describes_the_images_of_fit():
    schema = fitted_on(UNIT[..., 0]).schema
    assert (schema.form, schema.shape) == ("image", (8, 7, 1))
    assert (schema.values.dtype, schema.values.is_whole) == ("float64", False)
    assert (schema.values.low, schema.values.high) == (
        UNIT[..., 0].min(),
        UNIT[..., 0].max(),
    )
    files = fitted_on([Image.fromarray(x) for x in BYTES]).schema
    assert (files.values.dtype, files.values.high) == ("uint8", 255)
    assert pickle.loads(pickle.dumps(schema)) == schema


FILES = [Image.fromarray(x) for x in BYTES]
DIGITS = np.floor(UNIT * 16)


@pytest.mark.parametrize(
    ("fit_on", "X", "match"),
    [
        (BYTES, UNIT, "float64 from 0 to 1, .*uint8 from 0 to 255; multiply it by 255"),
        (FILES, UNIT, "multiply it by 255"),
        (BYTES.astype("f4"), UNIT, "multiply it by 255"),
        (UNIT * 255 + 0.01 * (UNIT < 0.5), UNIT, "multiply it by 255"),
        (BYTES, BYTES > 99, "multiply it by 255"),
        (DIGITS, DIGITS / 16, "scale it as for fit"),
        (BYTES.astype("u2") * 257, UNIT, "scale it as for fit"),
        (BYTES.astype("u2") * 257, BYTES, "scale it as for fit"),
        (UNIT, BYTES, "uint8 from 0 to 255, .*float64 from 0 to 1; divide it by 255"),
        (UNIT, BYTES.astype("f4"), "divide it by 255"),
        (UNIT, BYTES.astype(int), "divide it by 255"),
        (UNIT * 2 - 1, BYTES, "divide it by 255"),
        (UNIT, FILES, r"np.asarray\(image\).* and divide it by 255"),
        (BYTES > 99, FILES, "divide it by 255"),
        ((UNIT - 0.5) * 5, BYTES, "scale it as for fit"),
        ((UNIT - 0.5) * 5, FILES, "scale it as for fit"),
    ],
)
def test_another_scale_than_in_fit_is_refused(fit_on, X, match):
    refuse(fit_on, X, rf"sample 0.*{match}")


@pytest.mark.parametrize(
    ("fit_on", "X"),
    [
        (BYTES, BYTES // 255),  # dark
        (BYTES, BYTES * 0.0),
        (BYTES, BYTES // 2),
        (BYTES, BYTES.astype(int)),
        (FILES, BYTES.astype("f4")),
        (BYTES, FILES),
        (UNIT, UNIT.astype("f4")),
        (UNIT, UNIT / 3),
        (UNIT, np.clip(UNIT, 0, 0.99) + 40 * (UNIT > 0.999)),  # one bright pixel
        (UNIT, 1.02 * UNIT - 0.01),
        (UNIT, BYTES > 99),
        (UNIT, (BYTES > 99).astype("u1")),
        (BYTES > 99, (BYTES > 99) * 1.0),
        (DIGITS, DIGITS // 16),
        (50 * UNIT, np.rint(50 * UNIT).astype(int)),
        (3 * UNIT, UNIT),
        ((UNIT - 0.5) * 5, (UNIT - 0.5) * 9),
        (BYTES.astype("i2") * 4 - 500, BYTES.astype("i2")),
    ],
)
def test_the_same_scale_as_in_fit_is_read(fit_on, X):
    assert len(fitted_on(fit_on).read(X)) == 6
