"""Convolutional networks, normalisation and pooling, with padding and weights."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lamina import CNNClassifier
from lamina.batch import Batch, Spec
from lamina.bodies.convolutional import ConvolutionalBody, ConvolutionalParams
from lamina.nn.heads import mean_over_steps
from lamina.nn.normalization import NORMALIZATIONS, BatchNorm, LayerNorm
from lamina.nn.pooling import POOLINGS, average_pool, max_pool

CALM = settings(deadline=None, max_examples=40)
C = 3
KINDS = list(product(POOLINGS, NORMALIZATIONS))
SPREAD = st.lists(st.integers(1, 9), min_size=1, max_size=5)


def padded(lengths, channels=C, extra=3):
    """x (B, T, C) with noise in the padding, and the samples."""
    torch.manual_seed(len(lengths))
    x = torch.randn(len(lengths), max(lengths) + extra, channels) * 3 + 1
    return x, [row[:n] for row, n in zip(x, lengths, strict=True)]


def lived_in(body):
    """The body in evaluation mode, with biases and statistics unlike the initial ones."""
    torch.manual_seed(7)
    for name, p in body.named_parameters():
        if "bias" in name or ".norm" in name:
            p.data.uniform_(0.5, 1.5)
    for name, b in body.named_buffers():
        b.uniform_(0.5, 1.5) if "var" in name else b.uniform_(-0.5, 0.5)
    return body.eval()


def body_of(**params):
    torch.manual_seed(0)
    spec = Spec(n_channels=C, n_space=1, max_length=24)
    return ConvolutionalBody(spec, ConvolutionalParams(n_filters=(4, 5), **params))


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize(("pooling", "normalization"), KINDS)
def test_padding_does_not_change_the_output_of_a_sample(
    pooling, normalization, residual
):
    body = lived_in(
        body_of(pooling=pooling, normalization=normalization, residual=residual)
    )
    assert body.n_pooled == 3
    lengths = [1, 2, 3, 5, 8, 13, 20]
    x, samples = padded(lengths)
    together = body(Batch(x, lengths=torch.tensor(lengths)))
    pooled = mean_over_steps(together)
    for i, sample in enumerate(samples):
        single = body(Batch(sample[None]))
        n = single.h.shape[1]
        assert together.lengths[i] == n
        torch.testing.assert_close(together.h[i, :n], single.h[0], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(
            pooled[i], mean_over_steps(single)[0], atol=1e-5, rtol=1e-4
        )


@pytest.mark.parametrize(("pooling", "normalization"), KINDS)
def test_padding_does_not_change_training(pooling, normalization):
    lengths, results = [4, 9, 1], []
    for fill, extra in ((0.0, 0), (50.0, 7)):
        body = body_of(pooling=pooling, normalization=normalization, dropout=0.0)
        body.train()
        _, samples = padded(lengths)
        x = torch.full((3, 9 + extra, C), fill)
        for row, sample in zip(x, samples, strict=True):
            row[: len(sample)] = sample
        pooled = mean_over_steps(body(Batch(x, lengths=torch.tensor(lengths))))
        pooled.square().sum().backward()
        results.append(
            [pooled, *body.buffers(), *(p.grad for p in body.parameters())],
        )
    for a, b in zip(*results, strict=True):
        scale = a.abs().max().item() if a is not None else 0
        if a is not None:
            torch.testing.assert_close(a, b, atol=1e-4 * max(scale, 1), rtol=1e-3)


def brute_pool(x, reduce):
    """Windows of two along each axis of x (T, ...) or (H, W); a last odd one is short."""
    starts = [range(0, n, 2) for n in x.shape]
    out = np.empty([len(s) for s in starts])
    for corner in product(*starts):
        window = x[tuple(slice(s, s + 2) for s in corner)]
        out[tuple(s // 2 for s in corner)] = reduce(window)
    return out


@pytest.mark.parametrize(
    ("pool", "reduce"), [(max_pool, np.max), (average_pool, np.mean)]
)
@CALM
@given(shape=st.lists(st.integers(1, 7), min_size=1, max_size=2))
def test_pooling_is_by_two_and_keeps_a_last_odd_step(pool, reduce, shape):
    x = np.random.default_rng(sum(shape)).normal(size=shape) - 2
    pooled = pool(torch.tensor(x)[None, None], None)[0, 0]
    np.testing.assert_allclose(pooled, brute_pool(x, reduce), atol=1e-7)


@pytest.mark.parametrize(
    ("pool", "reduce"), [(max_pool, np.max), (average_pool, np.mean)]
)
@CALM
@given(lengths=SPREAD)
def test_pooling_of_a_padded_batch_takes_real_steps_only(pool, reduce, lengths):
    x, samples = padded(lengths, channels=1)
    lengths = torch.tensor(lengths)
    real = (torch.arange(x.shape[1]) < lengths[:, None])[:, None]
    pooled = pool(x.mT * real, real)
    for row, sample in zip(pooled, samples, strict=True):
        truth = brute_pool(sample[:, 0].numpy(), reduce)
        np.testing.assert_allclose(row[0, : len(truth)], truth, atol=1e-6)


def test_no_pooling_keeps_every_step():
    h = torch.randn(2, 3, 5)
    assert POOLINGS["none"](h, None) is h


SHAPES = [(6, 4), (6, 4, 5), (6, 4, 3, 2)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "equal weights"])
def test_batch_norm_with_equal_weights_is_torchs(shape, weighted):
    torch.manual_seed(0)
    ours = BatchNorm(4)
    theirs = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)](
        4, momentum=None
    )
    for norm in (ours, theirs):
        with torch.no_grad():
            norm.weight.copy_(torch.tensor([1.0, 2, 0.5, -1]))
            norm.bias.copy_(torch.tensor([0.0, 1, -1, 3]))
    for _ in range(3):
        h = torch.randn(shape) * 2 + 5
        weight = torch.ones(6, *[1] * (len(shape) - 1)) if weighted else None
        torch.testing.assert_close(ours(h, weight), theirs(h), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.mean, theirs.running_mean)
    torch.testing.assert_close(ours.variance, theirs.running_var)
    h = torch.randn(shape)
    torch.testing.assert_close(ours.eval()(h), theirs.eval()(h))
    torch.testing.assert_close(ours(h[:1]), theirs(h)[:1])


def compare_norms(h, weight, truth_h, rows):
    """Weighted norm of h against the plain norm of truth_h, whose rows are h[rows]."""
    a, b = BatchNorm(h.shape[1]), nn.BatchNorm1d(h.shape[1], momentum=None)
    out, truth = a(h, weight), b(truth_h)
    torch.testing.assert_close(out[rows], truth, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(a.mean, b.running_mean)
    torch.testing.assert_close(a.variance, b.running_var)


@CALM
@given(st.lists(st.integers(0, 3), min_size=2, max_size=6).filter(lambda w: sum(w) > 1))
def test_a_weight_in_batch_norm_counts_as_repetition(times):
    torch.manual_seed(0)
    h = torch.randn(len(times), 2, 3)
    weight = torch.tensor(times).float()[:, None, None]
    rows = torch.arange(len(times)).repeat_interleave(torch.tensor(times))
    compare_norms(h, weight, h[rows], rows)


@CALM
@given(SPREAD.filter(lambda lengths: sum(lengths) > 1))
def test_masked_steps_do_not_change_batch_norm(lengths):
    x, samples = padded(lengths)
    mask = torch.arange(x.shape[1]) < torch.tensor(lengths)[:, None]
    ours, theirs = BatchNorm(C), nn.BatchNorm1d(C, momentum=None)
    out = ours(x.mT, mask.float()[:, None]).mT[mask]
    torch.testing.assert_close(out, theirs(torch.cat(samples)), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(ours.mean, theirs.running_mean)
    torch.testing.assert_close(ours.variance, theirs.running_var)


def test_gradients_of_weighted_batch_norm_are_those_of_its_formula():
    torch.manual_seed(0)
    norm = BatchNorm(2)
    h = torch.randn(4, 2, 3, requires_grad=True)
    weight = torch.tensor([1.0, 2, 0, 1])[:, None, None]
    rows = torch.tensor([0, 1, 1, 3])
    cost = torch.randn(2, 3)
    (norm(h, weight)[rows] * cost).sum().backward()
    ours, h.grad = h.grad, None
    (nn.BatchNorm1d(2)(h[rows]) * cost).sum().backward()
    torch.testing.assert_close(ours, h.grad, atol=1e-5, rtol=1e-4)


def test_batch_norm_of_a_single_value_is_finite():
    norm = BatchNorm(3)
    out = norm(torch.randn(1, 3, 1))
    assert not out.any()
    assert all(torch.isfinite(b).all() for b in norm.buffers())


def test_layer_norm_is_over_the_channels_of_each_pixel():
    h = torch.randn(2, 5, 3, 4) * 3 + 1
    out = LayerNorm(5)(h).detach().numpy()
    x = h.numpy()
    truth = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(out, truth, atol=1e-5)


@pytest.mark.parametrize(
    ("side", "cells"),
    [
        (4, 16),
        (5, 9),
        (8, 16),
        (9, 9),
        (28, 16),
        (63, 16),
        (64, 16),
        (100, 16),
        (224, 16),
    ],
)
def test_images_are_pooled_until_a_side_is_four(side, cells):
    spec = Spec(n_channels=1, n_space=2, max_length=side * side)
    body = ConvolutionalBody(spec, ConvolutionalParams(n_filters=(2,) * 6)).eval()
    features = body(Batch(torch.randn(2, 1, side, side)))
    assert features.h.shape == (2, cells, 2)
    assert features.lengths is None


@pytest.mark.parametrize("side", [64, 100, 130])
def test_no_pixel_of_a_large_image_is_skipped(side):
    spec = Spec(n_channels=1, n_space=2, max_length=side * side)
    params = ConvolutionalParams(n_filters=(8,), pooling="average")
    x = torch.rand(1, 1, side, side, requires_grad=True)
    ConvolutionalBody(spec, params).eval()(Batch(x)).h.square().sum().backward()
    assert x.grad is not None
    assert bool((x.grad != 0).all())


def test_a_sample_weight_counts_as_repetition_in_a_training_step():
    x, _ = padded([6, 6, 6], extra=0)
    rows = torch.tensor([0, 0, 1, 2])
    light = body_of(dropout=0.0).train()
    heavy = body_of(dropout=0.0).train()
    h = light(Batch(x, weight=torch.tensor([2.0, 1, 1]))).h
    torch.testing.assert_close(h[rows], heavy(Batch(x[rows])).h, atol=1e-4, rtol=1e-3)


def test_a_network_finds_a_pattern_wherever_it_is():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=rng.integers(9, 16)) for _ in range(160)]
    y = np.arange(160) % 2
    for sample, label in zip(X, y, strict=True):
        at = rng.integers(0, len(sample) - 3)
        sample[at : at + 3] = [4, -4, 4] if label else [-4, 4, 4]
    network = CNNClassifier(n_filters=(8, 8), max_iter=15, random_state=0)
    assert network.fit(X[:120], y[:120]).score(X[120:], y[120:]) > 0.8
