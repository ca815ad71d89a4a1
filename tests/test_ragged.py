"""Rows of unequal length, and recurrences that continue from a state."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lamina import RNNClassifier
from lamina.batch import Batch, Spec
from lamina.bodies.recurrent import RNNBody
from lamina.kernels.parallel import TEAM, Team
from lamina.ragged import Ragged


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.data())
def test_rows_are_taken_as_they_were_put_in(lengths, data):
    rows = [torch.randint(1, 9, (n,)) for n in lengths]
    ragged = Ragged.of(rows)
    numbers = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1))
    selected = ragged[torch.tensor(numbers)]
    for number, values, real in zip(
        numbers, selected.values, selected.mask(), strict=True
    ):
        assert values[real].tolist() == rows[number].tolist()
        assert not values[~real].any()


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_windows_with_carried_states_give_what_the_whole_gives(cell, n_threads):
    params = RNNClassifier(cell=cell, hidden_size=7, n_layers=2, dropout=0.0)
    body = RNNBody(Spec(n_tokens=9, n_space=1, causal=True), params)
    x = torch.randint(4, 9, (70, 12))
    token = TEAM.set(Team(n_threads))
    whole = body(Batch(x)).h
    state, parts = body.start(len(x)), []
    for window in x.split(5, 1):
        features = body(replace(Batch(window), state=state))
        state = features.state
        parts.append(features.h)
    TEAM.reset(token)
    torch.testing.assert_close(torch.cat(parts, 1), whole)


def test_gradients_of_a_window_do_not_reach_the_one_before():
    params = RNNClassifier(hidden_size=4, dropout=0.0)
    body = RNNBody(Spec(n_tokens=9, n_space=1, causal=True), params)
    first = body(replace(Batch(torch.randint(4, 9, (3, 6))), state=body.start(3)))
    second = body(replace(Batch(torch.randint(4, 9, (3, 6))), state=first.state))
    second.h.sum().backward()
    assert body.embed.weight.grad is not None
    assert first.h.grad_fn is not None  # its graph is still there: nothing went back
