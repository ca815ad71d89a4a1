"""The training loop: batches, schedules, steps, stopping and callbacks."""

import linecache
import math
import sys
import warnings
from dataclasses import asdict
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from torch import nn

from lamina import CNNClassifier, DNNClassifier, DNNRegressor, RNNClassifier
from lamina.batch import Spec
from lamina.encoders.base import BATCHES_PER_POOL, RaggedSamples, TensorSamples
from lamina.encoders.choose import choose, encoder_for
from lamina.exceptions import DivergenceError, InterruptedWarning
from lamina.nn.columns import ColumnEmbeddings
from lamina.seeding import current_generator
from lamina.testing import all_estimators
from lamina.testing.examples import examples_for
from lamina.training import loop, plan, progress
from lamina.training.loader import Loader
from lamina.training.optimizers import OPTIMIZERS
from lamina.training.params import TrainerParams
from lamina.training.schedules import SCHEDULES
from lamina.training.step import Step
from lamina.training.stopping import Snapshot, Stopping
from lamina.training.weights import flat_weights_of, weights_of

CALM = settings(deadline=None, max_examples=40)
X, Y = make_classification(120, 6, n_informative=4, random_state=0)
TINY = {"hidden_layer_sizes": (8,), "random_state": 0}


def loader_of(lengths, ragged, batch_size, shuffle=True, seed=0):
    """Samples whose values are all their row index."""
    n = len(lengths)
    if ragged:
        lengths = torch.tensor(lengths)
        flat = torch.arange(n).repeat_interleave(lengths)
        samples = RaggedSamples(flat[:, None].float(), lengths)
    else:
        samples = TensorSamples(torch.arange(n).float()[:, None])
    generator = torch.Generator().manual_seed(seed)
    weight, target = torch.arange(n) / 7, torch.arange(n)
    return Loader(samples, target, weight, batch_size, shuffle, generator)


IMAGES = np.random.default_rng(0).integers(0, 256, (9, 5, 4, 3)).astype(np.uint8)
HELD = {
    "table": (
        DNNClassifier(),
        pd.DataFrame({"a": [*"xyzxyzxyz"], "b": np.arange(9.0)}),
    ),
    "series": (RNNClassifier(), [np.arange(2.0 + i) for i in range(9)]),
    "texts": (RNNClassifier(), ["a b"[: 1 + i % 3] for i in range(9)]),
    "bytes": (CNNClassifier(), IMAGES),
    "floats": (CNNClassifier(), IMAGES / 7),
}


def form_of(data, estimator):
    form, *others = forms = estimator.forms()
    return choose(data, forms, estimator) if others else form


@pytest.mark.parametrize("held", HELD)
def test_samples_and_batches_are_on_the_device(held):
    estimator, data = HELD[held]
    form = form_of(data, estimator)
    encoder = encoder_for(form, estimator.encoders, estimator)
    plain = encoder.read(data)
    samples = encoder.fit(plain).encode(plain)
    assert samples.resident(torch.device("cpu"), 10) is samples  # too little memory
    rows = torch.tensor([8, 0, 3])
    on_host = samples.take(rows)
    there = samples.resident(torch.device("cpu"), 1 << 20)
    assert there is not samples
    same = partial(torch.testing.assert_close, rtol=0, atol=1e-6)
    same(asdict(there.take(rows)), asdict(on_host))
    assert [len(b) for b in there.batches(4, None)] == [3, 3, 3]
    # This device has shapes only: tensors of the host cannot be mixed with it.
    elsewhere = samples.resident(torch.device("meta"), 1 << 20).take(rows)
    assert elsewhere.x.is_meta
    assert elsewhere.x.shape == on_host.x.shape
    assert elsewhere.lengths is None or elsewhere.lengths.is_meta


@pytest.mark.parametrize(("budget", "held"), [(0, False), (10, False), (10_000, True)])
def test_samples_are_kept_on_a_device_with_enough_memory(monkeypatch, budget, held):
    monkeypatch.setattr("lamina.training.loader.data_budget", lambda device: budget)
    loader = loader_of([1] * 30, False, 7).on(torch.device("meta"))
    batch = next(iter(loader))
    assert batch.x.is_meta == held
    moved = batch.to(torch.device("meta"))
    assert moved.x.is_meta
    assert moved.target.is_meta
    assert moved.weight.is_meta


@CALM
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=90),
    ragged=st.booleans(),
    batch_size=st.integers(1, 20),
    shuffle=st.booleans(),
)
def test_every_sample_occurs_once_an_epoch_with_its_target_and_weight(
    lengths, ragged, batch_size, shuffle
):
    loader = loader_of(lengths, ragged, batch_size, shuffle)
    for _ in range(2):
        batches = list(loader)
        sizes = [len(batch) for batch in batches]
        assert len(batches) == loader.n_batches == math.ceil(len(lengths) / batch_size)
        assert max(sizes) <= batch_size
        assert max(sizes) - min(sizes) <= 1
        targets = torch.cat([batch.target for batch in batches]).tolist()
        assert sorted(targets) == list(range(len(lengths)))
        if not shuffle:
            assert targets == list(range(len(lengths)))
        for batch in batches:
            first = batch.x.flatten(1)[:, 0]
            torch.testing.assert_close(first, batch.target.float())
            torch.testing.assert_close(batch.weight, batch.target / 7)
            if ragged:
                assert batch.lengths.tolist() == [lengths[i] for i in batch.target]


@CALM
@given(st.integers(0, 1000), st.integers(2, 6))
def test_samples_of_similar_length_are_batched_together(seed, batch_size):
    lengths = (
        np.random.default_rng(seed)
        .integers(1, 99, BATCHES_PER_POOL * batch_size)
        .tolist()
    )
    batches = list(loader_of(lengths, True, batch_size, seed=seed))
    spans = sorted((int(b.lengths.min()), int(b.lengths.max())) for b in batches)
    for (_, longest), (shortest, _) in pairwise(spans):
        assert longest <= shortest


def test_the_order_is_new_each_epoch_and_the_same_for_the_same_seed():
    for ragged in (False, True):
        lengths = [1 + i % 5 for i in range(60)]
        a, b = (loader_of(lengths, ragged, 7) for _ in range(2))
        first, second = ([t for x in a for t in x.target.tolist()] for _ in range(2))
        assert first != second
        assert [t for x in b for t in x.target.tolist()] == first


@CALM
@given(st.sampled_from(list(SCHEDULES)), st.floats(0, 1))
def test_a_schedule_stays_between_zero_and_one(name, progress):
    assert -1e-12 <= SCHEDULES[name](progress) <= 1


def test_schedules_have_the_documented_ends():
    for name in ("cosine", "linear"):
        assert SCHEDULES[name](0.0) == 1
        assert SCHEDULES[name](0.5) == pytest.approx(0.5)
        assert SCHEDULES[name](1.0) == pytest.approx(0)
    one_cycle = SCHEDULES["one_cycle"]
    assert 0 < one_cycle(0.0) < 0.15
    assert one_cycle(0.1) == pytest.approx(1)
    assert one_cycle(1.0) == pytest.approx(0)
    assert {SCHEDULES["constant"](d) for d in (0.0, 0.5, 1.0)} == {1}


@CALM
@given(st.floats(0, 1), st.floats(0, 1))
def test_one_cycle_rises_for_a_tenth_and_falls_after(a, b):
    a, b = sorted((a, b))
    one_cycle = SCHEDULES["one_cycle"]
    if b <= 0.1:
        assert one_cycle(a) <= one_cycle(b) + 1e-9
    if a >= 0.1:
        assert one_cycle(a) >= one_cycle(b) - 1e-9


def watch(scores, patience, tolerance):
    """(epoch kept, last epoch or None), both from 0."""
    stopping, kept = Stopping(patience, tolerance), None
    for epoch, score in enumerate(scores):
        kept = epoch if stopping.is_better(score) else kept
        if stopping.is_over:
            return kept, epoch
    return kept, None


@pytest.mark.parametrize(
    ("scores", "kept", "over"),
    [
        ([1, 2, 3, 4, 5], 4, None),
        ([1, 5, 4, 3, 2], 1, 3),
        ([1, 5, 4, 5, 5], 3, 3),
        ([1, 5, 5.05, 5.09, 6], 3, 3),
        ([1, 1.06, 1.12, 1.18, 1.24, 1.3], 5, None),
        ([5, 4, 6, 4, 7], 4, None),
    ],
)
def test_stopping_waits_two_epochs_for_a_tenth_of_improvement(scores, kept, over):
    assert watch(scores, 2, 0.1) == (kept, over)


@CALM
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=20), st.integers(1, 5))
def test_the_kept_epoch_is_the_latest_of_the_best_seen(scores, patience):
    kept, over = watch(scores, patience, 0.0)
    seen = scores[: len(scores) if over is None else over + 1]
    assert kept == max(i for i, m in enumerate(seen) if m == max(seen))
    if over is not None:
        assert max(seen[-patience:]) <= max(seen[:-patience])


def test_a_snapshot_is_not_changed_by_later_training():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    snapshot = Snapshot(model)
    truth = {k: v.clone() for k, v in model.state_dict().items()}
    for _ in range(2):
        with torch.no_grad():
            for p in model.parameters():
                p.add_(1)
        model(torch.randn(5, 2))
        snapshot.restore()
        for name, tensor in model.state_dict().items():
            torch.testing.assert_close(tensor, truth[name])


def numpy_adam(p, g, state, params, *, decay, t):
    decoupled = params.optimizer == "adamw"
    if decoupled:
        p = p * (1 - params.learning_rate_init * decay)
    else:
        g = g + decay * p
    m = params.beta_1 * state.get("m", 0) + (1 - params.beta_1) * g
    v = params.beta_2 * state.get("v", 0) + (1 - params.beta_2) * g**2
    state.update(m=m, v=v)
    m, v = m / (1 - params.beta_1**t), v / (1 - params.beta_2**t)
    return p - params.learning_rate_init * m / (np.sqrt(v) + params.epsilon)


def numpy_sgd(p, g, state, params, *, decay, t):
    g = g + decay * p
    velocity = g if t == 1 else params.momentum * state["v"] + g
    state["v"] = velocity
    if params.nesterovs_momentum:
        velocity = g + params.momentum * velocity
    return p - params.learning_rate_init * velocity


@pytest.mark.parametrize(
    ("rule", "params"),
    [
        (numpy_adam, {"optimizer": "adamw", "beta_1": 0.8, "epsilon": 1e-3}),
        (numpy_adam, {"optimizer": "adam", "beta_2": 0.9}),
        (numpy_sgd, {"optimizer": "sgd", "momentum": 0.7}),
        (numpy_sgd, {"optimizer": "sgd", "nesterovs_momentum": False}),
        (numpy_sgd, {"optimizer": "sgd", "momentum": 0.0, "nesterovs_momentum": False}),
    ],
    ids=["adamw", "adam", "nesterov", "momentum", "plain"],
)
@pytest.mark.parametrize("memory", [weights_of, flat_weights_of])
def test_steps_are_those_of_the_formula_and_biases_do_not_decay(rule, params, memory):
    torch.manual_seed(0)
    params = TrainerParams(learning_rate_init=0.1, alpha=0.5, **params)
    model = nn.Linear(3, 2)
    optimizer = OPTIMIZERS[params.optimizer](memory(model), params)
    truth = {k: v.detach().double().numpy() for k, v in model.named_parameters()}
    states = {name: {} for name in truth}
    for t in (1, 2, 3):
        for name, p in model.named_parameters():
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            p.grad.normal_()
            decay = 0.5 if name == "weight" else 0.0
            gradient = p.grad.double().numpy()
            truth[name] = rule(
                truth[name], gradient, states[name], params, decay=decay, t=t
            )
        with torch.no_grad():
            optimizer.step(params.learning_rate_init)
        for name, p in model.named_parameters():
            np.testing.assert_allclose(p.detach(), truth[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("memory", [weights_of, flat_weights_of])
@pytest.mark.parametrize("optimizer", ["adamw", "adam", "sgd"])
def test_embeddings_of_absent_categories_shrink_in_adamw_alone(optimizer, memory):
    torch.manual_seed(0)
    params = TrainerParams(learning_rate_init=0.1, alpha=0.5, optimizer=optimizer)
    model = ColumnEmbeddings(Spec(n_channels=0, n_categories=(4,)))
    (table,) = model.parameters()
    before = table.detach().numpy().copy()
    weights = memory(model)
    table.grad = torch.zeros_like(table) if table.grad is None else table.grad
    table.grad[2:].normal_()
    g, rule = table.grad.numpy(), numpy_sgd if optimizer == "sgd" else numpy_adam
    truth = rule(before, g, {}, params, decay=0.5, t=1)
    with torch.no_grad():
        OPTIMIZERS[optimizer](weights, params).step(0.1)
    after = table.detach().numpy()
    np.testing.assert_allclose(after[2:], truth[2:], rtol=1e-4)
    if optimizer != "adamw":
        np.testing.assert_allclose(after[1], truth[1], rtol=1e-4)
        return
    shrinkage = after[1] / truth[1]
    np.testing.assert_allclose(shrinkage, shrinkage[0], rtol=1e-5)
    assert 0 < shrinkage[0] < 0.9


def test_gradients_beyond_the_limit_are_clipped():
    moved = {}
    for limit in (None, 1e-3):
        network = DNNRegressor(
            hidden_layer_sizes=(),
            optimizer="sgd",
            momentum=0.0,
            learning_rate_init=1.0,
            schedule="constant",
            averaging=0.0,
            alpha=0.0,
            batch_size=len(X),
            max_iter=1,
            max_grad_norm=limit,
            random_state=0,
        )
        after = network.fit(X, X[:, 0]).network_.state_dict()
        network.set_params(learning_rate_init=1e-12)
        before = network.fit(X, X[:, 0]).network_.state_dict()
        moved[limit] = torch.cat([(after[k] - before[k]).flatten() for k in after])
    assert moved[None].norm() > 0.1
    assert moved[1e-3].norm().item() == pytest.approx(1e-3, rel=1e-2)
    torch.testing.assert_close(
        moved[1e-3] / 1e-3, moved[None] / moved[None].norm(), atol=1e-2, rtol=1e-2
    )


class FakeTime:
    """A clock that advances by one second each time it is read."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        self.now += 1.0
        return self.now


def test_training_stops_at_the_time_limit_with_a_usable_network(monkeypatch):
    monkeypatch.setattr(progress, "time", FakeTime())
    network = DNNClassifier(max_iter=100, batch_size=60, max_time=30.0, **TINY).fit(
        X, Y
    )
    assert 1 <= network.n_iter_ < 20
    assert len(network.loss_curve_) == network.n_iter_
    assert all(loss > 0 for loss in network.loss_curve_)
    assert np.isfinite(network.predict_proba(X)).all()


@pytest.mark.parametrize("seconds", [3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
def test_an_epoch_without_a_step_has_no_loss_of_zero(monkeypatch, seconds):
    monkeypatch.setattr(progress, "time", FakeTime())
    network = DNNClassifier(max_iter=50, batch_size=120, max_time=seconds, **TINY)
    network.fit(X, Y)
    assert all(loss > 0 for loss in network.loss_curve_)


def test_a_fit_without_time_for_a_step_has_no_loss_of_zero():
    network = DNNClassifier(max_time=1e-9, **TINY).fit(X, Y)
    assert network.loss_curve_ == [] or min(network.loss_curve_) > 0
    assert np.isfinite(network.predict_proba(X)).all()


def test_the_schedule_follows_the_time_limit(monkeypatch):
    monkeypatch.setattr(progress, "time", FakeTime())
    rates = []

    def remember(progress):
        rates.append(progress)
        return 1 - progress

    monkeypatch.setitem(loop.SCHEDULES, "linear", remember)
    DNNClassifier(
        max_iter=1000, batch_size=60, max_time=40.0, schedule="linear", **TINY
    ).fit(X, Y)
    assert rates == sorted(rates)
    assert rates[-1] > 0.9


def test_a_limit_that_is_not_reached_changes_nothing():
    free = DNNClassifier(max_iter=3, batch_size=40, **TINY).fit(X, Y)
    limited = DNNClassifier(max_iter=3, batch_size=40, max_time=500, **TINY).fit(X, Y)
    np.testing.assert_array_equal(limited.predict_proba(X), free.predict_proba(X))


def test_without_a_time_limit_all_steps_are_taken_and_spread_over_the_schedule(
    monkeypatch,
):
    seen = []
    monkeypatch.setitem(loop.SCHEDULES, "constant", lambda d: seen.append(d) or 1.0)
    DNNClassifier(max_iter=3, batch_size=40, schedule="constant", **TINY).fit(X, Y)
    np.testing.assert_allclose(sorted(set(seen)), np.arange(9) / 9)
    assert seen == sorted(seen)


def noisy():
    rng = np.random.default_rng(0)
    return np.where(rng.random(len(Y)) < 0.3, 1 - Y, Y)


def test_early_stopping_keeps_the_network_of_the_best_epoch():
    network = DNNClassifier(
        early_stopping=True,
        n_iter_no_change=5,
        max_iter=60,
        learning_rate_init=0.05,
        hidden_layer_sizes=(32,),
        random_state=0,
    ).fit(X[:60], noisy()[:60], X_val=X[60:], y_val=noisy()[60:])
    scores = network.validation_scores_
    assert len(scores) == network.n_iter_ < 60
    assert network.best_validation_score_ == max(scores)
    assert scores[-1] < max(scores)
    assert network.score(X[60:], noisy()[60:]) == max(scores)


def test_early_stopping_of_a_regressor_keeps_its_best_epoch():
    y = X[:, 0] + np.random.default_rng(0).normal(size=120)
    network = DNNRegressor(
        early_stopping=True, n_iter_no_change=4, max_iter=40, learning_rate_init=0.05
    ).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    best = max(network.validation_scores_)
    assert network.score(X[40:], y[40:]) == pytest.approx(best, abs=1e-9)


def test_without_early_stopping_validation_does_not_change_training():
    params = TINY | {"max_iter": 4}
    plain = DNNClassifier(**params).fit(X, Y)
    watched = DNNClassifier(**params).fit(X, Y, X_val=X[:50], y_val=Y[:50])
    np.testing.assert_array_equal(plain.predict_proba(X), watched.predict_proba(X))
    assert plain.validation_scores_ is None
    assert len(watched.validation_scores_) == 4
    assert watched.validation_scores_[-1] == watched.score(X[:50], Y[:50])


def test_the_held_out_fraction_is_not_trained_on():
    params = TINY | {"max_iter": 1, "batch_size": 1, "validation_fraction": 0.5}
    # A captured step of a GPU is not called again.
    network = DNNClassifier(early_stopping=True, device="cpu", **params)
    seen = []
    original = Step.__call__

    def spy(self, batch, *rest):
        seen.append(batch.x[0].clone())
        return original(self, batch, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Step, "__call__", spy)
        network.fit(X, Y)
    assert len({tuple(x.tolist()) for x in seen}) == len(seen) == 60


def test_training_stops_when_the_loss_stops_improving():
    network = DNNClassifier(
        hidden_layer_sizes=(),
        learning_rate_init=1e-9,
        n_iter_no_change=3,
        max_iter=50,
        random_state=0,
    ).fit(X, Y)
    assert network.n_iter_ == 4


def test_verbose_prints_a_line_for_each_epoch(capsys):
    network = DNNClassifier(max_iter=3, verbose=True, **TINY)
    network.fit(X, Y, X_val=X, y_val=Y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for i, line in enumerate(lines):
        assert f"Epoch {i + 1}," in line
        assert f"{network.loss_curve_[i]:.6f}" in line
        assert f"{network.validation_scores_[i]:.6f}" in line
    network.set_params(verbose=False).fit(X, Y)
    assert capsys.readouterr().out == ""


def interrupt_in_step(monkeypatch, number):
    original, steps = Step.__call__, []

    def step(self, batch, rate):
        steps.append(1)
        if len(steps) == number:
            raise KeyboardInterrupt
        return original(self, batch, rate)

    monkeypatch.setattr(Step, "__call__", step)


def test_an_interrupt_keeps_the_last_whole_epoch_and_is_passed_on(monkeypatch):
    params = TINY | {"batch_size": 40, "schedule": "constant"}
    truth = DNNClassifier(max_iter=2, **params).fit(X, Y)
    interrupt_in_step(monkeypatch, 8)
    network = DNNClassifier(max_iter=50, **params)
    with (
        pytest.warns(InterruptedWarning, match="after 2 epochs"),
        pytest.raises(KeyboardInterrupt, match="after 2 epochs"),
    ):
        network.fit(X, Y)
    assert network.n_iter_ == len(network.loss_curve_) == 2
    np.testing.assert_array_equal(network.predict_proba(X), truth.predict_proba(X))


@pytest.mark.filterwarnings("ignore::lamina.exceptions.InterruptedWarning")
@pytest.mark.parametrize("action", ["error", "ignore"])
def test_an_interrupt_ends_a_search(monkeypatch, action):
    interrupt_in_step(monkeypatch, 20)
    network = DNNClassifier(max_iter=3, batch_size=40, **TINY)
    search = GridSearchCV(network, {"alpha": [0.0, 0.1, 0.2]}, cv=3)
    with warnings.catch_warnings(), pytest.raises(KeyboardInterrupt):
        warnings.simplefilter(action, InterruptedWarning)
        search.fit(X, Y)
    assert not hasattr(search, "best_params_")


class InterruptAt:
    """Ctrl-C before a line of lamina is run, in files of these names."""

    def __init__(self, number, names):
        self.left, self.names = number, names

    def trace(self, frame, event, arg):
        del event, arg
        name = frame.f_code.co_filename
        if not (name.startswith(PACKAGE) and name.endswith(self.names)):
            return None
        entered = set()

        def of_frame(frame, event, arg):
            del arg
            if event == "line" and not self.leaves(frame, entered):
                self.left -= 1
                if not self.left:
                    raise KeyboardInterrupt
            return of_frame

        return of_frame

    @staticmethod
    def leaves(frame, entered):
        """Whether the event is at the end of a `with` block, before its context is left.

        Python handles no signal between the two, so that a lock is always released.
        """
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
        if not line.lstrip().startswith("with "):
            return False
        is_left = frame.f_lineno in entered
        entered.add(frame.f_lineno)
        return is_left

    def __enter__(self):
        self.outer = sys.gettrace()
        sys.settrace(self.trace)

    def __exit__(self, *_):
        sys.settrace(self.outer)


PACKAGE = str(Path(loop.__file__).parents[1])
SQUARES = np.random.default_rng(1).normal(size=(64, 4, 4))
INTERRUPTED = {
    "dense": (DNNClassifier, {"hidden_layer_sizes": (8,), "batch_size": 30}, X),
    "parts": (
        CNNClassifier,
        {"form": "image", "n_filters": (4,), "batch_size": 20, "n_threads": 2},
        SQUARES,
    ),
}


@pytest.mark.filterwarnings("ignore::lamina.exceptions.InterruptedWarning")
@pytest.mark.parametrize(
    ("name", "names", "every"),
    [
        ("dense", ("loop.py", "stopping.py", "progress.py"), 1),
        ("dense", ".py", 61),
        pytest.param("parts", ".py", 503, marks=pytest.mark.slow),
    ],
)
def test_an_interrupt_anywhere_leaves_the_network_of_a_whole_epoch(
    name, names, every, monkeypatch
):
    monkeypatch.setattr(
        plan, "parts_of_batch", lambda body, *_: 2 if name == "parts" else 1
    )
    kind, params, X = INTERRUPTED[name]
    params = params | {"schedule": "constant", "early_stopping": True}
    data = {"X": X[:40], "y": Y[:40], "X_val": X[40:64], "y_val": Y[40:64]}

    def make(n_epochs):
        return kind(max_iter=n_epochs, random_state=0, **params)

    truth = {n: make(n).fit(**data) for n in (1, 2, 3)}
    epochs_kept, number, is_complete = set(), 1, False
    while not is_complete:
        network, number = make(3), number + every
        try:
            with InterruptAt(number, names):
                network.fit(**data)
        except KeyboardInterrupt:
            n_epochs = getattr(network, "n_iter_", 0)
        else:
            n_epochs, is_complete = 3, True
        torch.set_grad_enabled(
            True
        )  # which an interrupt may prevent from being restored
        assert current_generator(torch.device("cpu")) is None
        epochs_kept.add(n_epochs)
        if not n_epochs:
            assert not hasattr(network, "network_")
            continue
        expected = truth[n_epochs]
        assert network.loss_curve_ == expected.loss_curve_
        assert network.validation_scores_ == expected.validation_scores_
        weights = (n.network_.state_dict().items() for n in (network, expected))
        for (_, a), (_, b) in zip(*weights, strict=True):
            np.testing.assert_array_equal(a, b)
    assert epochs_kept == {0, 1, 2, 3}
    assert number > 100
    other = Thread(target=network.predict, args=(data["X"],), daemon=True)
    other.start()
    other.join(60)
    assert not other.is_alive(), "a lock is held"


def test_an_interrupt_before_the_first_epoch_ends_is_passed_on(monkeypatch):
    interrupt_in_step(monkeypatch, 2)
    network = DNNClassifier(max_iter=50, batch_size=40, **TINY)
    with pytest.raises(KeyboardInterrupt):
        network.fit(X, Y)
    assert not hasattr(network, "network_")


def test_a_loss_of_nan_raises_and_keeps_the_last_finite_epoch(monkeypatch):
    params = TINY | {"batch_size": 40, "schedule": "constant"}
    truth = DNNClassifier(max_iter=2, **params).fit(X, Y)
    original, steps = Step.__call__, []

    def step(self, batch, rate):
        steps.append(1)
        loss = original(self, batch, rate)
        return loss * math.nan if len(steps) == 8 else loss

    monkeypatch.setattr(Step, "__call__", step)
    network = DNNClassifier(max_iter=50, **params)
    with pytest.raises(DivergenceError, match="epoch 3"):
        network.fit(X, Y)
    np.testing.assert_array_equal(network.predict_proba(X), truth.predict_proba(X))


@pytest.mark.parametrize(
    ("public", "data"),
    [
        pytest.param(public, data, id=f"{name}-{data.name}")
        for name, public in all_estimators()
        for data in examples_for(public())
    ],
)
def test_what_overflows_is_a_divergence_also_where_warnings_are_errors(public, data):
    # Default widths, whose products numpy computes, and several steps in an epoch.
    network = public(
        optimizer="sgd",
        learning_rate_init=1e30,
        schedule="constant",
        batch_size=4,
        max_iter=2,
        random_state=0,
        **data.params,
    )
    with pytest.raises(DivergenceError, match="Lower learning_rate_init"):
        network.fit(data.X, data.target(network))
    assert not hasattr(network, "network_")


def test_the_same_seed_gives_the_same_network_and_leaves_global_generators_alone():
    lists = [x[: 2 + i % 4] for i, x in enumerate(X)]
    for network, data in (
        (DNNClassifier(max_iter=2, random_state=1), X),
        (RNNClassifier(hidden_size=4, max_iter=2, random_state=1), lists),
    ):
        torch.manual_seed(5)
        # The seed of a GPU at its first use.
        to_come = torch.cuda._lazy_seed_tracker.get_calls()
        state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
        a = network.fit(data, Y).predict_proba(data)
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.cuda._lazy_seed_tracker.get_calls() == to_come
        np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
        torch.manual_seed(6)
        np.testing.assert_array_equal(network.fit(data, Y).predict_proba(data), a)
        other = network.set_params(random_state=2).fit(data, Y).predict_proba(data)
        assert not np.array_equal(other, a)


def test_a_random_state_instance_advances_from_fit_to_fit():
    rng = np.random.RandomState(0)
    network = DNNClassifier(hidden_layer_sizes=(4,), max_iter=1, random_state=rng)
    a, b = (network.fit(X, Y).predict_proba(X) for _ in range(2))
    assert not np.array_equal(a, b)


def test_a_scoring_monitor_gets_the_score_of_each_epoch():
    monitor = ScoringMonitor(scoring="accuracy")
    network = DNNClassifier(max_iter=4, **TINY).set_callbacks(monitor)
    network.fit(X, Y, X_val=X, y_val=Y)
    rows = [r for r in monitor.get_logs().data if r["task_name"] == "epoch"]
    scores = [row["accuracy"] for row in sorted(rows, key=lambda r: r["task_id"])]
    np.testing.assert_allclose(scores, network.validation_scores_)


def test_a_monitored_fit_gives_the_same_network():
    plain = DNNClassifier(max_iter=3, **TINY).fit(X, Y)
    watched = DNNClassifier(max_iter=3, **TINY)
    watched.set_callbacks(ScoringMonitor(scoring="accuracy")).fit(X, Y)
    np.testing.assert_array_equal(plain.predict_proba(X), watched.predict_proba(X))


def test_a_progress_bar_shows_the_epochs():
    pytest.importorskip("rich")
    network = DNNClassifier(max_iter=3, **TINY).set_callbacks(ProgressBar())
    assert network.fit(X, Y).n_iter_ == 3


class StopAfter:
    """A callback that ends the fit after some epochs."""

    def __init__(self, n_epochs):
        self.n_epochs, self.begun, self.finished = n_epochs, 0, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        self.begun += context.task_name == "epoch"

    def on_fit_task_end(self, estimator, context):
        self.finished += context.task_name == "epoch"
        return context.task_name == "epoch" and self.finished == self.n_epochs


def test_a_callback_that_returns_true_stops_the_fit():
    callback = StopAfter(3)
    network = DNNClassifier(max_iter=30, **TINY).set_callbacks(callback).fit(X, Y)
    assert network.n_iter_ == callback.begun == callback.finished == 3


def test_a_monitor_within_a_grid_search_gets_each_epoch_of_each_fit():
    monitor = ScoringMonitor(scoring="accuracy")
    network = DNNClassifier(max_iter=2, **TINY).set_callbacks(monitor)
    search = GridSearchCV(network, {"alpha": [0.0, 0.1]}, cv=2).fit(X, Y)
    logs = monitor.get_logs(select="all")
    rows = [row for log in logs for row in log.data if row["task_name"] == "epoch"]
    # two values, two folds and the final fit, two epochs each
    assert len(rows) == (2 * 2 + 1) * 2
    assert search.best_estimator_.n_iter_ == 2


def test_a_network_whose_last_step_makes_it_overflow_has_diverged():
    params = {"alpha": 1e6, "learning_rate_init": 1e3, "schedule": "constant"}
    network = DNNRegressor(hidden_layer_sizes=(4, 4), max_iter=1, batch_size=40)
    with pytest.raises(DivergenceError, match="a weight became"):
        network.set_params(**params).fit(np.eye(40), np.arange(40.0))
    assert not hasattr(network, "network_")
