"""Connectionist temporal classification against an enumeration of all paths."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina.nn.ctc import align, best_path, prefix_search, steps_needed, text_losses

K = 3
SEEDS = st.integers(0, 10_000)


def steps(seed, n, peaked=1.0):
    rng = np.random.default_rng(seed)
    return np.log(rng.dirichlet(np.full(K, peaked), n))


def text_of(path):
    merged = [unit for unit, _ in itertools.groupby(path)]
    return tuple(unit for unit in merged if unit)


def all_texts(log_p):
    """The log-probability of each text: the sum over its paths."""
    log_p_of = {}
    for path in itertools.product(range(K), repeat=len(log_p)):
        p = sum(log_p[t, unit] for t, unit in enumerate(path))
        log_p_of[text_of(path)] = np.logaddexp(log_p_of.get(text_of(path), -np.inf), p)
    return log_p_of


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, 5))
def test_losses_are_sums_over_paths(seed, n):
    log_p = steps(seed, n)
    texts = all_texts(log_p)
    longest = max(map(len, texts))
    values = torch.tensor([[*t, *[0] * (longest - len(t))] for t in texts])
    counts = torch.tensor([len(t) for t in texts])
    together = torch.from_numpy(log_p).expand(len(texts), -1, -1)
    losses = text_losses(together, torch.full((len(texts),), n), values, counts)
    np.testing.assert_allclose(-losses.numpy(), list(texts.values()), atol=1e-9)
    assert (steps_needed(values, counts) <= n).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 2), min_size=1, max_size=5))
def test_fewest_steps_are_those_of_the_shortest_path(text):
    values, counts = torch.tensor([text]), torch.tensor([len(text)])
    needed = int(steps_needed(values, counts))
    for n in range(1, needed + 1):
        paths = itertools.product(range(K), repeat=n)
        is_possible = any(text_of(path) == tuple(text) for path in paths)
        assert is_possible == (n >= needed)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, 6))
def test_best_path_is_that_of_every_step(seed, n):
    log_p = steps(seed, n)
    path = max(
        itertools.product(range(K), repeat=n),
        key=lambda p: sum(log_p[t, unit] for t, unit in enumerate(p)),
    )
    assert tuple(best_path(log_p)) == text_of(path)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, 5))
def test_a_wide_prefix_search_finds_every_text(seed, n):
    log_p = steps(seed, n)
    texts = all_texts(log_p)
    ranked = prefix_search(log_p, 10_000)
    assert dict(ranked) == pytest.approx(texts, abs=1e-9)
    scores = [p for _, p in ranked]
    assert scores == sorted(scores, reverse=True)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_the_score_of_a_language_model_is_added_with_its_weight(seed):
    log_p, weight = steps(seed, 4), 0.7

    def follow(text):
        rng = np.random.default_rng([seed, *text])
        return np.log(rng.dirichlet(np.ones(K)))

    def likely(text):
        units = sum(follow(text[:i])[unit] for i, unit in enumerate(text))
        return units + follow(text)[0]

    wanted = {t: p + weight * likely(t) for t, p in all_texts(log_p).items()}
    assert dict(prefix_search(log_p, 10_000, follow, weight)) == pytest.approx(
        wanted, abs=1e-9
    )


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.lists(st.integers(1, 2), min_size=0, max_size=3), st.integers(0, 2))
def test_alignment_is_the_best_path_of_a_text(seed, text, more):
    values, counts = torch.tensor([[*text, 0]]), torch.tensor([len(text)])
    n = max(1, int(steps_needed(values, counts))) + more
    log_p = steps(seed, n)
    paths = [
        p for p in itertools.product(range(K), repeat=n) if text_of(p) == tuple(text)
    ]
    best = max(paths, key=lambda p: sum(log_p[t, unit] for t, unit in enumerate(p)))
    wanted, t = [], 0
    for unit, run in itertools.groupby(best):
        length = len(list(run))
        if unit:
            wanted.append((t, t + length))
        t += length
    assert align(log_p, text) == wanted
