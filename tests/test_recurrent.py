"""Recurrent layers against numpy and against themselves, sample by sample."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import RNNClassifier, SequenceTagger
from lamina.batch import Batch, Features, Spec
from lamina.bodies.recurrent import RecurrentParams, RNNBody
from lamina.nn.heads import mean_over_steps
from lamina.nn.recurrent import CELLS, RecurrentLayer, StepDropout, reverse

CALM = settings(deadline=None, max_examples=40)
C, D = 3, 4
SPREAD = st.lists(st.integers(1, 7), min_size=1, max_size=6)


def layer_of(cell, bidirectional=False, horizon=20):
    torch.manual_seed(0)
    return RecurrentLayer(cell, C, D, bidirectional, horizon)


def logistic(z):
    return 1 / (1 + np.exp(-z))


def lstm_step(x, h, c, w):
    i, f, g, o = np.split(x @ w[0].T + w[2] + h @ w[1].T + w[3], 4)
    c = logistic(f) * c + logistic(i) * np.tanh(g)
    return logistic(o) * np.tanh(c), c


def gru_step(x, h, c, w):
    (r, z, n), (rh, zh, nh) = (
        np.split(x @ w[0].T + w[2], 3),
        np.split(h @ w[1].T + w[3], 3),
    )
    r, z = logistic(r + rh), logistic(z + zh)
    return (1 - z) * np.tanh(n + r * nh) + z * h, c


def rnn_step(x, h, c, w):
    return np.tanh(x @ w[0].T + w[2] + h @ w[1].T + w[3]), c


STEPS = {"lstm": lstm_step, "gru": gru_step, "rnn": rnn_step}


def weights_of(rnn):
    names = "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"
    return [getattr(rnn, name).detach().double().numpy() for name in names]


def walk(cell, x, weights):
    h, c, states = np.zeros(D), np.zeros(D), []
    for step in x:
        h, c = STEPS[cell](step, h, c, weights)
        states.append(h)
    return np.array(states)


@pytest.mark.parametrize("cell", CELLS)
def test_a_layer_is_the_textbook_recurrence_in_both_directions(cell):
    layer = layer_of(cell, bidirectional=True)
    x = np.random.default_rng(0).normal(size=(6, C))
    onward, backward = (weights_of(d) for d in layer.directions)
    truth = np.c_[walk(cell, x, onward), walk(cell, x[::-1], backward)[::-1]]
    h = layer(torch.tensor(x[None], dtype=torch.float32), None)
    np.testing.assert_allclose(h[0].detach(), truth, atol=1e-5)


@CALM
@given(SPREAD)
def test_reverse_reverses_each_sample_within_its_length(lengths):
    n_steps = max(lengths) + 2
    x = torch.arange(len(lengths) * n_steps * 2.0).view(len(lengths), n_steps, 2)
    reversed_x = reverse(x, torch.tensor(lengths))
    for before, after, n in zip(x.tolist(), reversed_x.tolist(), lengths, strict=True):
        assert after == before[:n][::-1] + before[n:]
    torch.testing.assert_close(reverse(reversed_x, torch.tensor(lengths)), x)
    assert reverse(x, None).tolist() == [rows[::-1] for rows in x.tolist()]


def padded(lengths, fill):
    torch.manual_seed(1)
    samples = [torch.randn(n, C) for n in lengths]
    x = torch.full((len(lengths), max(lengths) + 3, C), float(fill))
    for row, sample in zip(x, samples, strict=True):
        row[: len(sample)] = sample
    return x, samples


@pytest.mark.parametrize("cell", CELLS)
@CALM
@given(lengths=SPREAD)
def test_padding_does_not_change_the_output_of_a_sample(cell, lengths):
    layer = layer_of(cell, bidirectional=True)
    x, samples = padded(lengths, fill=9.0)
    h = layer(x, torch.tensor(lengths))
    for row, sample in zip(h, samples, strict=True):
        single = layer(sample[None], None)[0]
        torch.testing.assert_close(row[: len(sample)], single, atol=1e-5, rtol=1e-4)


def body_of(cell, n_tokens=0):
    torch.manual_seed(0)
    channels = 0 if n_tokens else C
    spec = Spec(n_channels=channels, n_tokens=n_tokens, n_space=1, max_length=8)
    return RNNBody(spec, RecurrentParams(cell=cell, hidden_size=D, dropout=0.0))


@pytest.mark.parametrize("cell", CELLS)
def test_garbage_in_the_padding_changes_neither_output_nor_gradients(cell):
    lengths = [3, 8, 1]
    results = []
    for fill in (0.0, 1e3):
        body = body_of(cell)
        x, _ = padded(lengths, fill)
        x.requires_grad_()
        pooled = mean_over_steps(body(Batch(x, lengths=torch.tensor(lengths))))
        pooled.square().sum().backward()
        results.append([pooled, x.grad, *(p.grad for p in body.parameters())])
        for grad, n in zip(x.grad, lengths, strict=True):
            assert not grad[n:].any()
    for clean, dirty in zip(*results, strict=True):
        torch.testing.assert_close(clean, dirty, atol=1e-6, rtol=1e-5)


def test_padding_of_tokens_changes_nothing():
    body = body_of("lstm", n_tokens=9)
    rows = [[2, 3, 4], [5, 6, 7, 8, 2]]
    x = torch.zeros(2, 8, dtype=torch.long)
    for i, row in enumerate(rows):
        x[i, : len(row)] = torch.tensor(row)
    h = body(Batch(x, lengths=torch.tensor([3, 5]))).h
    for i, row in enumerate(rows):
        single = body(Batch(torch.tensor([row]))).h[0]
        torch.testing.assert_close(h[i, : len(row)], single, atol=1e-5, rtol=1e-4)


@CALM
@given(SPREAD)
def test_mean_over_steps_excludes_padding_even_if_it_is_nan(lengths):
    h, samples = padded(lengths, fill=np.nan)
    pooled = mean_over_steps(Features(h, torch.tensor(lengths)))
    truth = np.stack([np.asarray(s, dtype=float).mean(0) for s in samples])
    np.testing.assert_allclose(pooled, truth, atol=1e-6)


def test_a_causal_body_sees_no_later_step():
    torch.manual_seed(0)
    spec = Spec(n_channels=C, n_space=1, causal=True)
    params = RecurrentParams(hidden_size=D, bidirectional=True)
    body = RNNBody(spec, params).eval()
    x = torch.randn(1, 6, C)
    later = x.clone()
    later[:, 4:] += 5
    before, after = body(Batch(x)).h, body(Batch(later)).h
    torch.testing.assert_close(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_a_network_in_both_directions_sees_the_whole_sequence():
    body = body_of("gru").eval()
    x = torch.randn(1, 6, C)
    later = x.clone()
    later[:, 5] += 5
    difference = (body(Batch(x)).h - body(Batch(later)).h)[0].abs().amax(1)
    assert (difference > 0).all()


@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_layers_and_directions_are_those_of_the_parameters(n_layers, bidirectional):
    params = RecurrentParams(
        cell="rnn", hidden_size=D, n_layers=n_layers, bidirectional=bidirectional
    )
    body = RNNBody(Spec(n_channels=C, n_space=1), params)
    sides = 2 if bidirectional else 1
    inputs = [C] + [D * sides] * (n_layers - 1)
    count = sum(sides * (D * n + D * D + 2 * D) for n in inputs)
    assert sum(p.numel() for p in body.parameters()) == count
    assert body.width == D * sides


def test_step_dropout_drops_a_feature_from_all_steps_of_a_sample():
    torch.manual_seed(0)
    drop = StepDropout(0.25)
    h = torch.ones(200, 5, 20)
    out = drop(h)
    assert torch.equal(out, out[:, :1].expand_as(out))
    assert set(out.unique().tolist()) <= {0.0, torch.tensor(1 / 0.75).item()}
    # 4000 draws: five standard deviations are 0.034
    assert abs((out[:, 0] == 0).float().mean().item() - 0.25) < 0.034
    assert torch.equal(drop.eval()(h), h)


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_weights_start_orthogonal(cell):
    rnn = layer_of(cell).directions[0]
    for gate in rnn.weight_hh_l0.detach().split(D):
        torch.testing.assert_close(gate @ gate.T, torch.eye(D), atol=1e-5, rtol=0)


def test_half_of_an_lstm_starts_at_time_scales_up_to_the_length():
    torch.manual_seed(0)
    horizon = 50
    layer = RecurrentLayer("lstm", C, 600, False, horizon)
    admit, forget = layer.directions[0].bias_ih_l0.detach()[:1200].split(600)
    # With only its bias a unit keeps the fraction s of its state: a time scale of 1 / (1 - s).
    scale = 1 / (1 - torch.sigmoid(forget[:300]))
    assert 2 <= scale.min() < 4
    assert 45 < scale.max() <= horizon
    assert torch.equal(admit[:300], -forget[:300])
    assert (forget[300:] == 1).all()
    assert not admit[300:].any()


def test_time_scales_are_spread_only_for_long_range_tasks():
    bias = RecurrentLayer("lstm", C, D, False, 1).directions[0].bias_ih_l0.detach()
    assert bias.tolist() == [0.0] * D + [1.0] * D + [0.0] * 2 * D
    X, y = [[0.0, 1.0, 2.0] * 3] * 20, ["a", "b"] * 10
    tagger = SequenceTagger(hidden_size=D, max_iter=1, random_state=0).fit(
        X, [[c] * 9 for c in y]
    )
    classifier = RNNClassifier(hidden_size=D, max_iter=1, random_state=0).fit(X, y)
    starts = [
        float(n.network_.body.layers[0].directions[0].bias_ih_l0.detach()[:D].min())
        for n in (tagger, classifier)
    ]
    assert starts[0] > -0.1 > starts[1]


def test_a_gru_starts_with_an_update_bias_of_one():
    bias = RecurrentLayer("gru", C, D, False, 50).directions[0].bias_ih_l0.detach()
    assert bias.tolist() == [0.0] * D + [1.0] * D + [0.0] * D


def test_the_environment_does_not_change_initial_weights(monkeypatch):
    layer = layer_of("lstm")
    monkeypatch.setenv("HOR", "2")
    for a, b in zip(layer.parameters(), layer_of("lstm").parameters(), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("cell", CELLS)
def test_a_network_learns_from_the_first_step_alone(cell):
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(rng.integers(3, 7), 1)) for _ in range(120)]
    y = rng.integers(0, 2, 120)
    for sample, label in zip(X, y, strict=True):
        sample[0] = 4 * label - 2
    network = RNNClassifier(
        cell=cell,
        hidden_size=8,
        n_layers=1,
        bidirectional=False,
        max_iter=30,
        learning_rate_init=0.02,
        random_state=0,
    )
    assert network.fit(X[:80], y[:80]).score(X[80:], y[80:]) > 0.9
