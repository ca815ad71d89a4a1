"""Settings of the process neither change the results of a call nor are changed."""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event, Thread

import numpy as np
import pytest
import torch

from lamina import (
    CNNClassifier,
    DNNClassifier,
    Forecaster,
    LanguageModel,
    RNNClassifier,
    SequenceTagger,
)
from lamina.process import MATMUL, THREADS, Setting, default_settings

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 6)), np.arange(40) % 2
WORDS = [[f"w{i % 5}" for i in range(2 + n % 4)] for n in range(20)]
TAGS = [[word[-1] for word in words] for words in WORDS]
BRIEF = {"max_iter": 2, "batch_size": 8, "random_state": 0}
NETWORKS = {
    "dense": (DNNClassifier(early_stopping=True), X, Y),
    "pictures": (
        CNNClassifier(n_filters=(4,), augmentation="shift"),
        RNG.integers(0, 256, (20, 8, 8)).astype(np.uint8),
        Y[:20],
    ),
    "lstm": (
        RNNClassifier(hidden_size=4),
        [x[: 2 + i % 4] for i, x in enumerate(X)],
        Y,
    ),
    "gru": (RNNClassifier(hidden_size=4, cell="gru"), X[:, :, None], Y),
    "tagger": (SequenceTagger(hidden_size=4), WORDS, TAGS),
    "forecaster": (Forecaster(horizon=3, hidden_size=4), list(X.cumsum(1)), None),
    "language": (LanguageModel(hidden_size=4, unit="char"), ["a rose is"] * 9, None),
}


@contextmanager
def float64():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextmanager
def meta():
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(None)


@contextmanager
def deterministic():
    torch.use_deterministic_algorithms(mode=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(mode=False)


@contextmanager
def rounded():
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision("highest")


SETTINGS = {
    "float64": float64,
    "no_grad": torch.no_grad,
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "default device": meta,
    "device block": lambda: torch.device("meta"),
    "deterministic": deterministic,
    "matmul precision": rounded,
    "numpy raises": lambda: np.errstate(all="raise"),
    "anomalies": torch.autograd.detect_anomaly,
}


def settings_now():
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.are_deterministic_algorithms_enabled(),
        torch.get_float32_matmul_precision(),
        torch.get_num_threads(),
        np.geterr(),
    )


def numbers(network):
    """The losses and the weights of a fitted network."""
    weights = network.network_.state_dict().values()
    return np.concatenate([network.loss_curve_, *[w.flatten() for w in weights]])


def answer(network, data):
    if isinstance(network, LanguageModel):
        return network.score(data), network.generate("a", random_state=0, max_length=9)
    if isinstance(network, Forecaster):
        return network.predict(data)
    return network.predict_proba(data)


@pytest.fixture(scope="module")
def truths():
    expected = {}
    for name, (network, data, target) in NETWORKS.items():
        network.set_params(**BRIEF).fit(data, target)
        expected[name] = numbers(network), answer(network, data)
    return expected


@pytest.mark.filterwarnings("ignore:Anomaly Detection:UserWarning")
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_has_no_effect_on_results_and_is_not_changed(setting, name, truths):
    network, data, target = NETWORKS[name]
    with SETTINGS[setting]():
        before = settings_now()
        network.fit(data, target)
        inside = answer(network, data)
        assert settings_now() == before
    np.testing.assert_array_equal(numbers(network), truths[name][0])
    np.testing.assert_equal(inside, truths[name][1])
    np.testing.assert_equal(answer(network, data), truths[name][1])


@pytest.mark.parametrize("setting", ["no_grad", "inference_mode", "float64"])
def test_a_network_that_was_fitted_under_a_setting_can_be_trained_on(setting):
    network = DNNClassifier(warm_start=True, **BRIEF)
    with SETTINGS[setting]():
        network.fit(X, Y)
    assert not any(p.is_inference() for p in network.network_.state_dict().values())
    assert all(p.dtype == torch.float32 for p in network.network_.parameters())
    assert network.fit(X, Y).n_iter_ == 4
    linear = network.network_.body.layers.linears[0]
    linear(torch.ones(1, linear.in_features)).sum().backward()


def test_one_call_restores_what_another_changed():
    value = ["user"]
    setting = Setting(lambda: value[0], lambda v: value.__setitem__(0, v), "abc".index)
    both, first_left = Barrier(2), Event()

    def first():
        with setting.at("b"):
            both.wait()
            both.wait()
        first_left.set()

    thread = Thread(target=first)
    thread.start()
    both.wait()
    with setting.at("c"):
        assert value == ["b"]  # the stricter of the two
        with setting.at("a"):
            assert value == ["a"]
        assert value == ["b"]
        both.wait()
        first_left.wait()
        assert value == ["c"]
    thread.join()
    assert value == ["user"]


def test_settings_that_the_user_changes_during_a_call_are_kept():
    value = [1]
    setting = Setting(lambda: value[0], lambda v: value.__setitem__(0, v), lambda v: -v)
    with setting.at(2):
        value[0] = 7
    assert value == [7]


@pytest.mark.usefixtures("two_threads")
def test_a_thread_that_starts_during_a_call_computes_on_the_users_threads():
    with THREADS.at(1), ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 1
        assert pool.submit(THREADS.own).result() == 2
        assert pool.submit(_threads_inside).result() == 2
    assert torch.get_num_threads() == 2
    with ThreadPoolExecutor(
        1, initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        assert pool.submit(THREADS.own).result() == 1
    torch.set_num_threads(2)


def _threads_inside():
    with default_settings():
        return torch.get_num_threads()


@pytest.mark.usefixtures("two_threads")
def test_fits_in_threads_do_not_change_the_settings():
    before = settings_now()
    with float64():
        inside = settings_now()

        def fit(i):
            DNNClassifier(**BRIEF | {"max_iter": 1 + i % 3}).fit(X, Y).predict(X)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(fit, range(12)))
        assert settings_now() == inside
    assert settings_now() == before


def _child(network, send):
    fitted = DNNClassifier(**BRIEF).fit(X, Y)
    products = np.ones((400, 400)) @ np.ones((400, 400))
    send.send((network.predict(X), numbers(fitted), products[0, 0], settings_now()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.usefixtures("two_threads")
def test_a_forked_child_predicts_and_fits():
    # Large enough for two threads, whose pool does not survive a fork.
    wide = RNG.normal(size=(600, 200))
    network = DNNClassifier(hidden_layer_sizes=(512, 512), batch_size=256, max_iter=1)
    network.fit(wide, np.arange(600) % 2)
    torch.ones(3_000_000).sin()
    network = DNNClassifier(**BRIEF).fit(X, Y)
    fork = multiprocessing.get_context("fork")
    receive, send = fork.Pipe(duplex=False)
    with MATMUL.at("highest"):
        child = fork.Process(target=_child, args=(network, send))
        child.start()
    try:
        assert receive.poll(60), "the child hangs"
        labels, weights, product, settings = receive.recv()
    finally:
        child.kill()
        child.join()
    np.testing.assert_array_equal(labels, network.predict(X))
    np.testing.assert_allclose(weights, numbers(network), rtol=1e-5, atol=1e-6)
    assert product == 400
    assert settings == settings_now()
