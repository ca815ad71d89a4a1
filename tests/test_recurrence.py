"""The written-out passes of a GRU and a plain RNN against torch's own layers."""

import gc
import weakref

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lamina.kernels import recurrence
from lamina.kernels.parallel import TEAM, Team
from lamina.nn.recurrent import CELLS, SCANS, RecurrentLayer

cells = pytest.mark.parametrize("cell", ["gru", "rnn"])


def pair(cell, n_inputs, width, bidirectional, dtype=torch.float32):
    """A layer of ours and one of torch's with the same weights, drawn at random."""
    torch.manual_seed(0)
    ours = RecurrentLayer(cell, n_inputs, width, bidirectional, 9).to(dtype)
    theirs = CELLS[cell](n_inputs, width, batch_first=True, bidirectional=bidirectional)
    theirs.to(dtype)
    for i, direction in enumerate(ours.directions):
        for name, weight in direction.named_parameters():
            nn.init.normal_(weight, std=0.4)
            theirs.get_parameter(name + "_reverse" * i).data.copy_(weight.detach())
    return ours, theirs


def passes(read, x, gradient, weights):
    """The states, and the gradients of all weights and of x."""
    x = x.clone().requires_grad_()
    h = read(x)
    for w in weights:
        w.grad = None
    (h * gradient).sum().backward()
    return [h.detach(), *(w.grad for w in weights), x.grad]


@cells
@settings(deadline=None, max_examples=40)
@given(
    size=st.tuples(*[st.integers(1, n) for n in (6, 9, 4, 5)]),
    bidirectional=st.booleans(),
    rows_at_once=st.sampled_from([1, 12, 2048]),
)
def test_states_and_gradients_are_those_of_torchs_layer(
    cell, size, bidirectional, rows_at_once
):
    B, T, C, H = size
    ours, theirs = pair(cell, C, H, bidirectional, torch.float64)
    x = torch.randn(B, T, C, dtype=torch.float64)
    gradient = torch.randn(B, T, ours.width, dtype=torch.float64)
    truth = passes(lambda x: theirs(x)[0], x, gradient, list(theirs.parameters()))
    before, recurrence.ROWS_AT_ONCE = recurrence.ROWS_AT_ONCE, rows_at_once
    try:
        results = passes(lambda x: ours(x, None), x, gradient, list(ours.parameters()))
    finally:
        recurrence.ROWS_AT_ONCE = before
    torch.testing.assert_close(results, truth, rtol=1e-9, atol=1e-12)


@cells
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gradients_are_those_of_finite_differences(cell, bidirectional, monkeypatch):
    monkeypatch.setattr(recurrence, "ROWS_AT_ONCE", 8)
    ours, _ = pair(cell, 2, 3, bidirectional, torch.float64)
    x = torch.randn(3, 5, 2, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([5, 2, 1])
    real = (torch.arange(5) < lengths[:, None])[..., None]
    assert torch.autograd.gradcheck(
        lambda x, *_: ours(x, lengths) * real, (x, *ours.parameters())
    )


@pytest.mark.parametrize("cell", CELLS)
def test_fifty_steps_have_the_losses_of_torchs_own_layer(cell):
    curves = []
    for layer, is_ours in zip(pair(cell, 3, 6, True), (True, False), strict=True):
        optimizer = torch.optim.Adam(layer.parameters(), 3e-3)
        torch.manual_seed(1)
        curve = []
        for _ in range(50):
            x = torch.randn(8, 9, 3)
            token = TEAM.set(Team(2))
            h = layer(x, None) if is_ours else layer(x)[0]
            TEAM.reset(token)
            loss = (h.mean(2) - x.mean(2)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            curve.append(loss.item())
        curves.append(curve)
    assert curves[1][-1] < 0.8 * curves[1][0]
    torch.testing.assert_close(*curves, rtol=0, atol=1e-5)


@cells
def test_padding_changes_neither_states_nor_gradients(cell):
    ours, _ = pair(cell, 3, 4, True)
    lengths = torch.tensor([7, 1, 4])
    real = (torch.arange(7) < lengths[:, None])[..., None]
    x, gradient = torch.randn(3, 7, 3), torch.randn(3, 7, 8) * real
    clean, dirty = (
        passes(
            lambda x: ours(x, lengths) * real,
            torch.where(real, x, torch.tensor(fill)),
            gradient,
            list(ours.parameters()),
        )
        for fill in (0.0, 1e6)
    )
    torch.testing.assert_close(dirty, clean, rtol=0, atol=1e-6)
    assert not dirty[-1][~real.expand_as(x)].any()


@cells
def test_each_sample_is_read_from_its_own_end(cell):
    ours, theirs = pair(cell, 3, 4, True)
    x, lengths = torch.randn(3, 6, 3), [6, 2, 1]
    h = ours(x, torch.tensor(lengths))
    for row, sample, n in zip(h, x, lengths, strict=True):
        torch.testing.assert_close(row[:n], theirs(sample[:n])[0], atol=1e-6, rtol=1e-5)


@cells
def test_a_recurrence_goes_on_from_a_state_that_gets_no_gradient(cell):
    ours, theirs = pair(cell, 3, 4, False)
    x = torch.randn(2, 9, 3)
    state = (torch.randn(1, 2, 4, requires_grad=True),)
    truth, last = theirs(x, state[0])
    h, carried = ours.carry(x[:, :5], state)
    torch.testing.assert_close(h, truth[:, :5], atol=1e-6, rtol=1e-5)
    h, carried = ours.carry(x[:, 5:], carried)
    torch.testing.assert_close(h, truth[:, 5:], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(carried[0], last, atol=1e-6, rtol=1e-5)
    h.sum().backward()
    assert state[0].grad is None


@cells
@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode])
def test_where_nothing_is_recorded_nothing_is_kept(cell, context, monkeypatch):
    kept = []
    monkeypatch.setattr(
        SCANS[CELLS[cell]],
        "__del__",
        lambda self: kept.append(self.kept),
        raising=False,
    )
    ours, theirs = pair(cell, 3, 4, True)
    x = torch.randn(2, 5, 3)
    with context():
        h = ours(x, None)
    torch.testing.assert_close(h, theirs(x)[0].detach(), atol=1e-6, rtol=1e-5)
    assert not h.requires_grad
    assert kept == [[]]


@cells
def test_a_graph_that_is_dropped_takes_its_memory_along(cell):
    ours, _ = pair(cell, 3, 4, True)
    h = ours(torch.randn(2, 5, 3), None)
    pass_ = weakref.ref(h.grad_fn.scan)
    gc.disable()
    try:
        del h
        assert pass_() is None
    finally:
        gc.enable()


@cells
def test_in_bfloat16_states_and_gradients_are_about_the_same(cell):
    ours, _ = pair(cell, 8, 16, True)
    x, gradient = torch.randn(4, 40, 8), torch.randn(4, 40, 32)
    weights = list(ours.parameters())
    exact = passes(lambda x: ours(x, None), x, gradient, weights)

    def read(x):
        with torch.autocast("cpu", torch.bfloat16):
            h = ours(x, None)
        assert h.dtype == torch.bfloat16
        return h

    rough = passes(read, x, gradient, weights)
    for a, b in zip(rough, exact, strict=True):
        assert a.dtype == (b.dtype if b is not exact[0] else torch.bfloat16)
        assert (a - b).norm() < 0.02 * b.norm()


@cells
def test_an_input_without_gradient_gets_none_and_the_same_is_computed_again(cell):
    ours, _ = pair(cell, 3, 4, True)
    x, runs = torch.randn(5, 7, 3), []
    for _ in range(2):
        ours.zero_grad()
        h = ours(x, torch.tensor([7, 3, 1, 7, 2]))
        h.square().sum().backward()
        runs.append([h, *(w.grad for w in ours.parameters())])
    assert x.grad is None
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


@pytest.mark.usefixtures("two_threads")
def test_counts_of_threads_are_as_before():
    ours, _ = pair("gru", 3, 4, True)
    ours(torch.randn(5, 7, 3), None).sum().backward()
    assert torch.get_num_threads() == 2
