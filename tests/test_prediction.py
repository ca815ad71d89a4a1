"""Predictions: every sample once, equal alone and among others, in little memory."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from lamina import (
    CNNClassifier,
    LanguageModel,
    RNNClassifier,
    SequenceTagger,
    SpeechRecognizer,
    Translator,
)
from lamina.encoders.base import RaggedSamples, TensorSamples
from lamina.ragged import Ragged
from lamina.training.loader import PredictionBatches

CALM = settings(deadline=None, max_examples=60)
N_CELLS = 1 << 16
LENGTHS = st.one_of(
    st.integers(1, 50), st.integers(1000, 5000), st.integers(1, 200_000)
)
RNG = np.random.default_rng(0)
UNSEEN = "".join(chr(0x4E00 + i) for i in range(1000))


class Largest(TorchDispatchMode):
    """Within it, the most numbers of a tensor that any operation returns are counted."""

    n = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else [result]:
            if isinstance(tensor, torch.Tensor):
                self.n = max(self.n, tensor.numel())
        return result


def ragged(lengths):
    """Samples whose values are their row index; their steps take no memory."""
    lengths = torch.tensor(lengths)

    class Lengths(RaggedSamples):
        def take(self, rows):
            batch = super().take(rows)
            batch.lengths = self.lengths[rows]
            return batch

    samples = Lengths(torch.zeros(len(lengths), 1), torch.ones_like(lengths))
    samples.lengths = lengths
    return samples


def largest_tensor(call):
    with Largest() as seen:
        call()
    return seen.n


@CALM
@given(st.lists(LENGTHS, min_size=1, max_size=90), st.integers(0, 1 << 22))
def test_every_sample_is_predicted_once_in_a_batch_of_limited_size(lengths, n_weights):
    seen = []
    for rows, batch in PredictionBatches(ragged(lengths), n_weights):
        padded = batch.lengths.tolist()
        assert padded[: len(rows)] == [lengths[i] for i in rows]
        assert set(padded[len(rows) :]) <= {padded[len(rows) - 1]}
        assert len(padded) == 1 or len(padded) * max(padded) <= N_CELLS
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(lengths)))


@CALM
@given(st.lists(LENGTHS, min_size=1, max_size=30))
def test_the_multiple_of_the_rows_depends_on_the_sample_alone(lengths):
    def multiples(lengths):
        sizes = {}
        for rows, batch in PredictionBatches(ragged(lengths)):
            size = len(batch)
            sizes |= {i: min(32, size & -size) for i in rows.tolist()}
        return [sizes[i] for i in range(len(lengths))]

    assert multiples(lengths) == [multiples([n])[0] for n in lengths]


@CALM
@given(st.integers(1, 3000), st.sampled_from([1, 100, 3000]))
def test_samples_of_equal_size_stay_in_their_order(n, n_steps):
    samples = TensorSamples(
        torch.arange(n).float()[:, None, None].expand(n, n_steps, 1)
    )
    rows = torch.cat([rows for rows, _ in PredictionBatches(samples)])
    assert rows.tolist() == list(range(n))


def test_a_long_target_counts_as_a_long_sample():
    target = Ragged.of([torch.zeros(n) for n in (1, 9000, 1)])
    sizes = [len(b) for _, b in PredictionBatches(ragged([1, 1, 1]), 0, target)]
    assert sizes == [4, 32]


@pytest.mark.parametrize("side", [48, 128, 288])
def test_a_large_image_is_predicted_alone_as_among_others(side):
    X = RNG.integers(0, 256, (5, side, side, 3), dtype=np.uint8)
    network = CNNClassifier(n_filters=4, max_iter=1, random_state=0).fit(X, [*"ababa"])
    together = network.predict_proba(X)
    for i in range(len(X)):
        one = network.predict_proba(X[i : i + 1])[0]
        np.testing.assert_allclose(one, together[i], atol=1e-7)
    n_most = largest_tensor(lambda: network.predict(X[:1]))
    assert n_most <= max(32 * 48 * 48, side * side) * 4


def test_long_series_are_predicted_alone_as_among_others():
    short = [RNG.normal(size=(int(n), 1)) for n in RNG.integers(2, 9, 12)]
    network = RNNClassifier(hidden_size=8, max_iter=1, random_state=0)
    network.fit(short, [*"ab"] * 6)
    X = [RNG.normal(size=(n, 1)) for n in (3, 2500, 40, 5000, 900, 9000)]
    together = network.predict_proba(X)
    each = np.concatenate([network.predict_proba([x]) for x in X])
    np.testing.assert_allclose(each, together, atol=1e-7)


def test_memory_grows_with_the_sum_of_the_lengths_of_unseen_texts():
    pairs = ["one two", "three"] * 4, ["uno dos", "tres"] * 4
    network = Translator(
        hidden_size=4, decoder_size=4, unit="char", max_iter=1, n_threads=1
    )
    network.fit(*pairs)
    # Each character is spelt by six digits: 6,000 units beside 6,000 units.
    n_most = largest_tensor(lambda: network.score_samples([UNSEEN], [UNSEEN]))
    assert n_most < 1 << 23


def test_long_texts_of_other_networks_take_little_memory():
    model = LanguageModel(hidden_size=4, unit="char", max_iter=1, n_threads=1).fit(
        ["one", "two"] * 4
    )
    assert largest_tensor(lambda: model.score_samples([UNSEEN * 5])) < 1 << 22
    tagger = SequenceTagger(hidden_size=4, max_iter=1, n_threads=1)
    tagger.fit([["a", "b"], ["b", "a"]] * 4, [["x", "y"], ["y", "x"]] * 4)
    assert largest_tensor(lambda: tagger.predict([list(UNSEEN) * 8])) < 1 << 22


def test_long_transcripts_take_little_memory():
    waves = [RNG.uniform(-1, 1, 1000) for _ in range(4)]
    network = SpeechRecognizer(
        sampling_rate=1000,
        unit="char",
        hidden_size=4,
        n_filters=4,
        max_iter=1,
        n_threads=1,
    ).fit(waves, ["ab"] * 4)
    X, y = [RNG.uniform(-1, 1, 60_000)] * 8, ["ab" * 500] * 8
    assert largest_tensor(lambda: network.score_samples(X, y)) < 1 << 25
