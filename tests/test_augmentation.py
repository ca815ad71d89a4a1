"""Augmented pictures are moved and mirrored copies of their sources, in training only."""

from itertools import product

import numpy as np
import pytest
import torch

from lamina import CNNClassifier
from lamina.batch import Batch, Spec
from lamina.bodies.convolutional import ConvolutionalBody, ConvolutionalParams
from lamina.exceptions import ParameterError
from lamina.nn.augmentation import AUGMENTATIONS, Flip, Shift

SHAPES = [(17, 9, 3), (28, 28, 1), (8, 6, 2), (5, 16, 1), (3, 3, 1), (1, 8, 1)]


def pictures(n, height, width, n_channels):
    """(n, C, H, W), all values distinct."""
    numbers = torch.arange(n * n_channels * height * width, dtype=torch.float32)
    x = numbers.view(n, height, width, n_channels).permute(0, 3, 1, 2)
    assert x.is_contiguous(memory_format=torch.channels_last) or n_channels == 1
    return x


def copies(picture, flips):
    """{(rows, columns, mirrored): copy} of a picture (C, H, W), by numpy."""
    _, height, width = picture.shape
    down, right = round(height / 8), round(width / 8)
    padded = np.pad(picture, ((0, 0), (down, down), (right, right)), mode="reflect")
    by_shift = {}
    for i, j in product(range(2 * down + 1), range(2 * right + 1)):
        copy = padded[:, i : i + height, j : j + width]
        by_shift[i, j, False] = copy
        if flips:
            by_shift[i, j, True] = copy[:, :, ::-1]
    return by_shift


def moves(x, augmented, flips):
    """How each sample of a batch was moved; each must be a copy of its source."""
    assert augmented.shape == x.shape
    chosen = []
    for source, result in zip(x.numpy(), augmented.numpy(), strict=True):
        candidates = copies(source, flips)
        fitting = [k for k, c in candidates.items() if np.array_equal(c, result)]
        assert fitting
        chosen.append(fitting[0])
    return chosen


@pytest.mark.parametrize("name", ["shift", "shift_flip"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_image_is_a_moved_copy_of_its_source(name, shape):
    torch.manual_seed(0)
    x = pictures(40, *shape)
    augmented = AUGMENTATIONS[name]().train()(x)
    assert augmented.is_contiguous(memory_format=torch.channels_last)
    moves(x, augmented, flips=name == "shift_flip")


def test_every_move_is_as_likely_as_any_other():
    torch.manual_seed(0)
    x = pictures(6000, 8, 9, 1)
    chosen = moves(x, AUGMENTATIONS["shift_flip"]().train()(x), flips=True)
    counts = np.unique(chosen, axis=0, return_counts=True)[1]
    assert len(counts) == 3 * 3 * 2
    assert np.abs(counts - 6000 / 18).max() < 5 * (6000 / 18) ** 0.5


def test_a_mirrored_image_is_mirrored():
    torch.manual_seed(0)
    x = pictures(64, 3, 4, 2)
    flipped = Flip().train()(x)
    is_mirrored = (flipped == x.flip(3)).flatten(1).all(1)
    assert torch.equal(
        flipped, torch.where(is_mirrored.view(-1, 1, 1, 1), x.flip(3), x)
    )
    assert 16 < is_mirrored.sum() < 48


def test_the_gradient_of_a_copy_is_moved_back():
    torch.manual_seed(0)
    x = pictures(3, 8, 8, 2).double().requires_grad_()

    def seeded(x):
        torch.manual_seed(1)
        return AUGMENTATIONS["shift_flip"]().train()(x)

    assert torch.autograd.gradcheck(seeded, x)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_nothing_is_moved_outside_of_training(name):
    x = pictures(9, 8, 8, 3)
    assert AUGMENTATIONS[name]().eval()(x) is x


def test_images_of_any_number_type_are_moved_alike():
    x = pictures(4, 8, 8, 1)
    moved = []
    for dtype in (torch.float32, torch.bfloat16, torch.uint8):
        torch.manual_seed(0)
        moved.append(Shift().train()(x.to(dtype)))
        assert moved[-1].dtype == dtype
    assert torch.equal(moved[0].to(torch.uint8), moved[2])


def body_of(n_space=2, **params):
    torch.manual_seed(0)
    spec = Spec(n_channels=1, n_space=n_space, max_length=64)
    return ConvolutionalBody(
        spec, ConvolutionalParams(n_filters=(4,), dropout=0.0, **params)
    )


def test_a_body_moves_images_in_training_only():
    x = pictures(16, 8, 8, 1) / 1024
    plain, moving = body_of(), body_of(augmentation="shift_flip")
    assert list(plain.state_dict()) == list(moving.state_dict())
    torch.testing.assert_close(moving.eval()(Batch(x)).h, plain.eval()(Batch(x)).h)
    torch.manual_seed(3)
    seen = moving.train()(Batch(x)).h
    torch.manual_seed(3)
    moved = AUGMENTATIONS["shift_flip"]().train()(x)
    torch.testing.assert_close(seen, plain.train()(Batch(moved)).h)
    assert not torch.allclose(seen, plain(Batch(x)).h)


@pytest.fixture(scope="module")
def marked():
    """Images with a bright corner or none."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 8, 8)), np.arange(40) % 2
    X[y == 1, :3, :3] += 3
    return X, y


def fitted(X, y, **params):
    network = CNNClassifier(n_filters=(4,), max_iter=4, random_state=0, device="cpu")
    return network.set_params(**params).fit(X, y)


def test_random_state_decides_what_is_moved(marked):
    first, again = (
        fitted(*marked, form="image", augmentation="shift") for _ in range(2)
    )
    assert first.loss_curve_ == again.loss_curve_
    X, _ = marked
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    np.testing.assert_array_equal(first.predict_proba(X), first.predict_proba(X))
    other = fitted(*marked, form="image", augmentation="shift", random_state=1)
    assert other.loss_curve_ != first.loss_curve_


def test_every_augmentation_changes_training(marked):
    curves = [
        fitted(*marked, form="image", augmentation=name).loss_curve_
        for name in AUGMENTATIONS
    ]
    assert len(set(map(tuple, curves))) == len(AUGMENTATIONS) == 3


@pytest.mark.parametrize("name", ["shift", "shift_flip"])
@pytest.mark.parametrize(
    "X", [np.zeros((20, 12)), ["a b", "b a", "c"] * 8], ids=["series", "texts"]
)
def test_augmentation_of_other_forms_is_refused(X, name):
    with pytest.raises(ParameterError, match=f"augmentation='{name}' has no effect"):
        fitted(X, np.arange(len(X)) % 2, augmentation=name)


def test_images_too_small_to_be_moved_are_unchanged():
    x = pictures(5, 3, 3, 1)
    assert torch.equal(Shift().train()(x), x)
