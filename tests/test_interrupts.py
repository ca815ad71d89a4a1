"""Ctrl-C while a network is trained: SIGINT, as a terminal sends it."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from lamina import DNNClassifier
from lamina.exceptions import InterruptedWarning
from lamina.training.interrupts import Interrupts
from lamina.training.step import Step

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2
PARAMS = {
    "hidden_layer_sizes": (4,),
    "batch_size": 10,
    "max_iter": 5,
    "schedule": "constant",
    "random_state": 0,
}


@pytest.fixture(autouse=True)
def usual_handler():
    """Python's own handler, also where the tests run in the background, without Ctrl-C."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


def press():
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def press_in_step(monkeypatch):
    """Presses Ctrl-C `times` times within a step, and counts the steps that end."""
    original, complete = Step.__call__, []

    def at(number, times=1):
        def step(self, *args):
            if len(complete) + 1 == number:
                for _ in range(times):
                    press()
            loss = original(self, *args)
            complete.append(number)
            return loss

        monkeypatch.setattr(Step, "__call__", step)
        return complete

    return at


def settings():
    return torch.is_grad_enabled(), torch.get_num_threads(), torch.get_default_dtype()


@pytest.mark.parametrize(
    ("number", "n_kept"), [(5, 1), (7, 1), (8, 2), (9, 2), (20, 5)]
)
def test_the_step_ends_and_whole_epochs_are_kept(press_in_step, number, n_kept):
    expected = DNNClassifier(**PARAMS | {"max_iter": n_kept}).fit(X, Y)
    before, complete = settings(), press_in_step(number)
    network = DNNClassifier(**PARAMS)
    with (
        pytest.warns(InterruptedWarning, match=f"after {n_kept} epochs"),
        pytest.raises(KeyboardInterrupt),
    ):
        network.fit(X, Y)
    assert len(complete) == number
    assert network.loss_curve_ == expected.loss_curve_
    np.testing.assert_array_equal(network.predict_proba(X), expected.predict_proba(X))
    assert settings() == before
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_nothing_is_changed_before_the_first_epoch(press_in_step):
    press_in_step(2)
    network = DNNClassifier(**PARAMS)
    with pytest.raises(KeyboardInterrupt):
        network.fit(X, Y)
    assert not hasattr(network, "network_")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_one_is_raised_at_once(press_in_step):
    complete = press_in_step(2, times=2)
    with pytest.raises(KeyboardInterrupt):
        DNNClassifier(**PARAMS).fit(X, Y)
    assert len(complete) == 1


def test_a_handler_of_the_program_is_kept(press_in_step):
    calls, complete = [], press_in_step(3)
    previous = signal.signal(signal.SIGINT, lambda *_: calls.append(1))
    try:
        DNNClassifier(**PARAMS).fit(X, Y)
    finally:
        signal.signal(signal.SIGINT, previous)
    assert (len(calls), len(complete)) == (1, 20)


def test_other_threads_leave_the_handler():
    def handler():
        with Interrupts():
            return signal.getsignal(signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(handler).result() is signal.default_int_handler
