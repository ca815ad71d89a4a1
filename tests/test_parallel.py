"""Tasks on several threads against the same tasks on one."""

import os
import threading
import time
from concurrent.futures import wait

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.datasets import load_digits

from lamina import (
    CNNClassifier,
    DNNClassifier,
    LanguageModel,
    RNNClassifier,
    SequenceTagger,
    Translator,
)
from lamina.batch import Batch
from lamina.encoders.base import TensorSamples
from lamina.kernels.parallel import Pace, Team, workers
from lamina.training.loader import Loader

DIGITS = load_digits()
RNG = np.random.default_rng(0)
PICTURES = DIGITS.images[:400, :, :, None].astype(np.float32)
SERIES = [RNG.standard_normal((n, 4)) for n in RNG.integers(20, 40, 300)]
SENTENCES = [
    ["the", "cat", "sat", "on", "mats", str(i)][: 3 + i % 4] for i in range(96)
]
TEXTS = [" ".join(words) for words in SENTENCES]
NETWORKS = {
    "dense": (
        DNNClassifier(hidden_layer_sizes=(512, 512), batch_size=256),
        (DIGITS.data[:600], DIGITS.target[:600]),
    ),
    "pictures": (CNNClassifier(batch_size=128), (PICTURES, DIGITS.target[:400])),
    "lstm": (
        RNNClassifier(batch_size=128),
        (SERIES, DIGITS.target[:300]),
    ),
    "gru": (RNNClassifier(cell="gru", batch_size=128), (SERIES, DIGITS.target[:300])),
    "tags": (
        SequenceTagger(batch_size=96),
        (SENTENCES, [[w[0] for w in words] for words in SENTENCES]),
    ),
    "texts": (Translator(batch_size=96, hidden_size=64), (TEXTS, TEXTS[::-1])),
    "language": (LanguageModel(batch_size=64, hidden_size=96), (TEXTS,)),
}


def weights(network, data, **params):
    network.set_params(max_iter=2, random_state=0, **params)
    network.fit(*data)
    return [w.numpy().copy() for w in network.network_.state_dict().values()]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_number_of_threads_does_not_change_a_network(name):
    network, data = NETWORKS[name]
    one, three = (weights(network, data, n_threads=n) for n in (1, 3))
    assert all(np.array_equal(a, b) for a, b in zip(one, three, strict=True))


@pytest.mark.parametrize("name", ["dense", "pictures", "lstm"])
def test_the_number_of_threads_does_not_change_predictions(name):
    network, (X, y) = NETWORKS[name]
    network.set_params(max_iter=1, random_state=0).fit(X, y)
    one, three = (network.set_params(n_threads=n).predict_proba(X) for n in (1, 3))
    assert np.array_equal(one, three)


def test_a_network_is_the_same_alone_and_in_a_worker_of_joblib():
    network, data = NETWORKS["pictures"]
    single = weights(network, data, n_threads="auto")
    jobs = [delayed(weights)(network, data, n_threads="auto")] * 2
    inside = Parallel(2)(jobs)[0]
    assert all(np.array_equal(a, b) for a, b in zip(single, inside, strict=True))


@pytest.mark.parametrize("n_threads", [1, 2, 5])
@pytest.mark.parametrize("n_items", [0, 1, 2, 7])
def test_results_come_in_the_order_of_the_items(n_threads, n_items):
    team = Team(n_threads)
    assert team.map(lambda i: i * i, list(range(n_items))) == [
        i * i for i in range(n_items)
    ]


def test_tasks_run_on_several_threads_and_tasks_of_a_task_on_its_own():
    team, barrier = Team(2), threading.Barrier(2)

    def names(_):
        barrier.wait()  # both are needed at the same time
        return {*team.map(lambda _: threading.current_thread().name, [0, 1])}

    inner = team.map(names, [0, 1])
    assert [len(threads) for threads in inner] == [1, 1]
    assert inner[0] != inner[1]


def test_an_error_of_a_task_reaches_the_caller_after_all_have_ended():
    finished = []

    def task(i):
        if not i:
            raise ZeroDivisionError
        time.sleep(0.05)
        finished.append(i)

    with pytest.raises(ZeroDivisionError):
        Team(2).map(task, [0, 1])
    assert finished == [1]


def test_an_interrupt_while_others_compute_waits_for_them(monkeypatch):
    finished, waits = [], []

    def interrupted(futures):
        waits.append(1)
        if len(waits) == 1:
            raise KeyboardInterrupt
        return wait(futures)

    def task(i):
        if i:
            time.sleep(0.05)
        finished.append(i)

    monkeypatch.setattr("lamina.kernels.parallel.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Team(2).map(task, [0, 1])
    assert finished == [0, 1]


def test_submitted_functions_run_one_after_the_other():
    team, finished = Team(2), []

    def task(i):
        time.sleep(0.01 * (3 - i))
        finished.append(i)
        return i

    waits = [team.submit(lambda i=i: task(i)) for i in range(3)]
    assert [wait() for wait in waits] == [0, 1, 2]
    assert finished == [0, 1, 2]


def threads_chosen(seconds_of, n_steps=30):
    """The threads of each step, if a step takes `seconds_of(n_threads, i)`."""
    pace, chosen = Pace(2), []
    for i in range(n_steps):
        chosen.append(pace.n_threads)
        pace.record(seconds_of(pace.n_threads, i))
    return chosen


def test_the_faster_of_one_thread_and_all_is_kept():
    assert set(threads_chosen(lambda n, _: 1 / n)[-10:]) == {2}
    assert set(threads_chosen(lambda n, _: float(n))[-10:]) == {1}


def test_threads_are_chosen_again_once_steps_become_slow():
    def seconds(n, i):
        return 1 / n if i < 50 else 3.0 * n

    chosen = threads_chosen(seconds, 120)
    assert set(chosen[20:50]) == {2}
    assert set(chosen[-20:]) == {1}


def test_one_thread_is_never_compared():
    pace = Pace(1)
    for i in range(100):
        assert pace.n_threads == 1
        pace.record(float(i))


def test_counts_of_threads_are_as_before():
    before = torch.get_num_threads()
    assert list(workers(2).map(lambda _: torch.get_num_threads(), range(4))) == [1] * 4
    assert torch.get_num_threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own():
    workers(2)
    child = os.fork()
    if not child:
        os._exit(list(workers(2).map(abs, [-1, -2])) != [1, 2])
    assert os.waitpid(child, 0)[1] == 0


class Slow(TensorSamples):
    """Samples that are decoded, out of order where they can."""

    decodes = True

    def take(self, rows):
        time.sleep(0.002 * (int(rows[0]) % 3))
        if int(rows[0]) == -1:
            raise OSError
        return super().take(rows)


def test_batches_that_are_decoded_ahead_come_in_order_and_with_their_targets():
    x = torch.arange(90.0)[:, None]
    plain, prefetching = (
        Loader(kind(x), torch.arange(90), None, 7, True, torch.Generator())
        for kind in (TensorSamples, Slow)
    )
    for a, b in zip(plain, prefetching, strict=True):
        assert isinstance(b, Batch)
        assert a.target.tolist() == b.target.tolist() == b.x[:, 0].tolist()


def test_an_error_in_decoding_reaches_the_caller():
    class Broken(Slow):
        def take(self, rows):
            raise OSError("sample 3 is broken")

    loader = Loader(Broken(torch.zeros(9, 1)), torch.arange(9), None, 2)
    with pytest.raises(OSError, match="sample 3"):
        list(loader)
