"""Searching and sampling texts, against an enumeration of all texts."""

import itertools
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.nn.decoding import Constrained, Hypothesis, beam_search, sample
from lamina.nn.sampling import sharpened

K = 3


class Table:
    """A decoder with random probabilities that depend on the whole text so far."""

    def __init__(self, n, seed):
        self.n, self.seed, self.n_steps = n, seed, 0

    def after(self, i, text):
        rng = np.random.default_rng([self.seed, i, *text])
        return torch.from_numpy(np.log(rng.dirichlet(np.ones(K)))).float()

    def start(self, n_each):
        texts = [(i, ()) for i in range(self.n) for _ in range(n_each)]
        return self._answer(texts), texts

    def step(self, tokens, state):
        self.n_steps += 1
        texts = [
            (i, (*text, t)) for (i, text), t in zip(state, tokens.tolist(), strict=True)
        ]
        return self._answer(texts), texts

    def select(self, state, rows):
        return [state[row] for row in rows.tolist()]

    def _answer(self, texts):
        return torch.stack([self.after(i, text) for i, text in texts])


def log_p_of(table, i, text, is_complete=True):
    tokens = (*text, 0) if is_complete else text
    return sum(table.after(i, tokens[:j])[t].item() for j, t in enumerate(tokens))


def all_hypotheses(table, i, limit):
    """Every text of at most `limit` tokens with its end, and those truncated there."""
    hypotheses = []
    for n in range(limit):
        for text in itertools.product(range(1, K), repeat=n):
            hypotheses.append(Hypothesis(list(text), log_p_of(table, i, text), True))
    for text in itertools.product(range(1, K), repeat=limit):
        hypotheses.append(
            Hypothesis(list(text), log_p_of(table, i, text, False), False)
        )
    return hypotheses


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.7, 1.0]))
def test_a_beam_as_wide_as_all_texts_is_exhaustive(seed, penalty):
    table, limit = Table(2, seed), 3
    for i, ranked in enumerate(beam_search(table, 40, limit, penalty)):
        wanted = all_hypotheses(table, i, limit)
        assert len(ranked) == len(wanted)
        best = max((h for h in wanted if h.finished), key=lambda h: h.score(penalty))
        assert ranked[0].tokens == best.tokens
        known = {(tuple(h.tokens), h.finished): h.log_p for h in wanted}
        for h in ranked:
            assert h.log_p == pytest.approx(
                known[tuple(h.tokens), h.finished], abs=1e-4
            )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_a_beam_of_width_one_is_greedy(seed, limit):
    table = Table(3, seed)
    for i, (best,) in enumerate(beam_search(table, 1, limit)):
        text = []
        while len(text) < limit and (not text or text[-1]):
            text.append(int(table.after(i, tuple(text)).argmax()))
        is_complete = text[-1] == 0
        assert best.finished == is_complete
        assert best.tokens == (text[:-1] if is_complete else text)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 7))
def test_scores_are_log_likelihoods_and_samples_are_independent(seed, width):
    table = Table(3, seed)
    beams = beam_search(table, width, 5)
    for i, ranked in enumerate(beams):
        assert 1 <= len(ranked) <= width
        for h in ranked:
            wanted = log_p_of(table, i, tuple(h.tokens), h.finished)
            assert h.log_p == pytest.approx(wanted, abs=1e-4)
        texts = [(tuple(h.tokens), h.finished) for h in ranked]
        assert len(set(texts)) == len(texts)
    single = Table(1, seed)
    assert beam_search(single, width, 5)[0] == beams[0]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, K - 1), min_size=0, max_size=3))
def test_texts_begin_with_their_prefix(seed, prefix):
    table = Table(2, seed)
    free = np.ones((1, K), dtype=bool), np.zeros((1, K), dtype=int)
    beams = beam_search(Constrained(table, *free, [prefix, []]), 40, 4)
    wanted = [
        h for h in all_hypotheses(table, 0, 4) if h.tokens[: len(prefix)] == prefix
    ]
    assert len(beams[0]) == len(wanted)
    assert all(h.tokens[: len(prefix)] == prefix for h in beams[0])
    best = max((h.log_p for h in wanted if h.finished), default=None)
    if best is not None:
        assert max(h.log_p for h in beams[0] if h.finished) == pytest.approx(
            best, abs=1e-4
        )
    assert len(beams[1]) == len(all_hypotheses(table, 1, 4))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_only_allowed_tokens_are_written(seed, is_searched):
    """Token 1 opens and token 2 closes; an open text cannot end or be opened again."""
    table = Table(2, seed)
    rules = np.array([[1, 1, 0], [0, 0, 1]], bool), np.array([[0, 1, 0], [0, 0, 0]])
    decoder = Constrained(table, *rules)
    if is_searched:
        hypotheses = [h for ranked in beam_search(decoder, 9, 5) for h in ranked]
    else:
        hypotheses = sample(
            decoder, 30, 5, sharpened, torch.Generator().manual_seed(seed)
        )
    for i, h in enumerate(hypotheses):
        pairs = len(h.tokens) // 2
        assert h.tokens[: 2 * pairs] == [1, 2] * pairs
        assert h.tokens[2 * pairs :] == [] or (h.tokens[-1] == 1 and not h.finished)
        sample_number = i // (len(hypotheses) // 2)
        wanted = log_p_of(table, sample_number, tuple(h.tokens), h.finished)
        assert h.log_p == pytest.approx(wanted, abs=1e-4)


def test_the_search_ends_when_all_texts_have_ended():
    class Short(Table):
        def after(self, i, text):
            return torch.tensor([0.98, 0.01, 0.01]).log()

    table = Short(4, 0)
    beam_search(table, 1, 1000)
    assert table.n_steps == 0


def test_frequencies_of_drawn_texts_are_their_probabilities():
    table, n = Table(1, 3), 6000
    generator = torch.Generator().manual_seed(0)
    drawn = sample(table, n, 2, sharpened, generator)
    counts = Counter((tuple(h.tokens), h.finished) for h in drawn)
    for h in all_hypotheses(table, 0, 2):
        p = np.exp(h.log_p)
        frequency = counts[tuple(h.tokens), h.finished] / n
        assert frequency == pytest.approx(p, abs=4.5 * np.sqrt(p / n) + 1e-3)
    known = {
        (tuple(h.tokens), h.finished): h.log_p for h in all_hypotheses(table, 0, 2)
    }
    for h in drawn[:20]:
        assert h.log_p == pytest.approx(known[tuple(h.tokens), h.finished], abs=1e-4)


def test_drawing_at_temperature_zero_is_greedy():
    table = Table(4, 1)
    drawn = sample(table, 1, 6, lambda p: sharpened(p, temperature=0))
    assert [h.tokens for h in drawn] == [h.tokens for (h,) in beam_search(table, 1, 6)]
