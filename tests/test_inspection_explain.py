"""What was planted in the samples contributes most, in 9 of 10 seeds."""

import numpy as np
import pytest

from lamina import CNNClassifier, DNNClassifier, RNNClassifier
from lamina.inspection import explain

pytestmark = pytest.mark.slow

N_SEEDS, N_EXPLAINED = 10, 12
RATE, N_MELS, N_TONE = 4000, 20, 700
GRADIENTS = ("integrated_gradients", "occlusion")
METHODS = (*GRADIENTS, "grad_cam")


def ranks_first(attribution, is_planted):
    """Whether the greatest value of most samples is where something was planted."""
    hits = [
        is_planted[i].reshape(values.shape).flat[values.argmax()]
        for i, values in enumerate(attribution.values)
    ]
    return np.mean(hits) > 0.5


def check(fit, methods):
    """`fit(seed)` -> a network, samples of class 1, where something is planted, a baseline."""
    hits = {method: [] for method in methods}
    for seed in range(N_SEEDS):
        network, X, is_planted, baseline = fit(seed)
        for method in methods:
            given = baseline if method == "integrated_gradients" else None
            attribution = explain(network, X, method=method, baseline=given, target=1)
            hits[method].append(ranks_first(attribution, is_planted))
    assert {m: sum(h) for m, h in hits.items() if sum(h) < 9} == {}


def with_word(seed, network):
    rng = np.random.default_rng(seed)
    words = np.array([f"{a}{b}{c}" for a in "bdg" for b in "aeiou" for c in "klmn"])
    key = words[seed]
    rest = np.delete(words, seed)
    texts = [rng.choice(rest, 8) for _ in range(200)]
    y = np.arange(200) % 2
    for words in texts[1::2]:
        words[rng.integers(8)] = key
    network.fit([" ".join(words) for words in texts], y)
    chosen = texts[1 : 2 * N_EXPLAINED : 2]
    return network, [" ".join(w) for w in chosen], [w == key for w in chosen], None


@pytest.mark.parametrize(
    "network",
    [
        DNNClassifier(hidden_layer_sizes=(16,), max_iter=20, random_state=0),
        CNNClassifier(n_filters=(8,), max_iter=8, random_state=0),
        RNNClassifier(hidden_size=16, n_layers=1, max_iter=8, random_state=0),
    ],
    ids=["dense", "convolutional", "recurrent"],
)
def test_a_planted_word_ranks_first(network):
    check(
        lambda seed: with_word(seed, network.set_params(random_state=seed)), GRADIENTS
    )


SIDE = 8
"""Of the patch, in pixels: two cells of the last layer, which Grad-CAM reads."""


def with_patch(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(160, 24, 24, 1)), np.arange(160) % 2
    is_planted = np.zeros(X.shape, bool)
    for i in range(1, 160, 2):
        row, column = rng.integers(17, size=2)
        is_planted[i, row : row + SIDE, column : column + SIDE] = True
    X[is_planted] += 2
    network = CNNClassifier(n_filters=(8, 8), max_iter=15, random_state=seed)
    chosen = slice(1, 2 * N_EXPLAINED, 2)
    return network.fit(X, y), X[chosen], is_planted[chosen], None


def test_a_planted_patch_ranks_first():
    check(with_patch, METHODS)


def with_moment(seed, network):
    rng = np.random.default_rng(seed)
    X = [rng.normal(size=(40 + 4 * (i % 5), 2)) for i in range(160)]
    is_planted = [np.zeros(series.shape, bool) for series in X]
    for planted, series in zip(is_planted[1::2], X[1::2], strict=True):
        start = rng.integers(len(series) - 6)
        planted[start : start + 6] = True
        series[start : start + 6, seed % 2] += 3
    network.set_params(random_state=seed).fit(X, np.arange(160) % 2)
    chosen = slice(1, 2 * N_EXPLAINED, 2)
    return network, X[chosen], is_planted[chosen], None


@pytest.mark.parametrize(
    ("network", "methods"),
    [
        (CNNClassifier(n_filters=(8, 8), max_iter=15), METHODS),
        (RNNClassifier(hidden_size=16, n_layers=1, max_iter=12), GRADIENTS),
    ],
    ids=["convolutional", "recurrent"],
)
def test_a_planted_moment_ranks_first(network, methods):
    check(lambda seed: with_moment(seed, network), methods)


def with_tone(seed, network):
    rng = np.random.default_rng(seed)
    X, starts = 0.05 * rng.normal(size=(100, 2000)), rng.integers(1300, size=100)
    time = np.arange(N_TONE)
    tone = np.sin(2 * np.pi * 1000 / RATE * time) * np.hanning(N_TONE)
    for wave, start in zip(X[1::2], starts[1::2], strict=True):
        wave[start : start + N_TONE] += 0.5 * tone
    network.set_params(random_state=seed).fit(list(X), np.arange(100) % 2)
    chosen = slice(1, 2 * N_EXPLAINED, 2)
    seconds = np.arange(49) / 100
    is_planted = []
    for start in starts[chosen] / RATE:
        is_then = (start - 0.025 < seconds) & (seconds < start + N_TONE / RATE)
        is_planted.append(np.repeat(is_then[:, None], N_MELS, 1))
    # The mean of all frames is a faint tone, which a recurrent network recognises.
    return network, list(X[chosen]), is_planted, list(X[:8:2])


@pytest.mark.parametrize(
    ("network", "methods"),
    [
        (CNNClassifier(n_filters=(8, 8), max_iter=15), METHODS),
        (RNNClassifier(hidden_size=16, n_layers=1, max_iter=15), GRADIENTS),
    ],
    ids=["convolutional", "recurrent"],
)
def test_a_planted_tone_ranks_first(network, methods):
    # Relative to the loudest window, a tone would change all other frames.
    network.set_params(sampling_rate=RATE, n_mels=N_MELS, normalize_level=False)
    check(lambda seed: with_tone(seed, network), methods)
