"""Number types and flags of the process."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_info, threadpool_limits
from torch import nn

from lamina import CNNClassifier, DNNClassifier
from lamina.exceptions import ParameterError
from lamina.nn.model import Model
from lamina.nn.recurrent import RecurrentLayer
from lamina.training import precision
from lamina.training.precision import LossScale, arithmetic_of, computing

CPU = torch.device("cpu")
LARGE = 10 * precision.WORTH_BFLOAT16
X, Y = load_digits(return_X_y=True)
PARTS = X[:1200], Y[:1200], X[1200:], Y[1200:]


@pytest.fixture
def all_native(monkeypatch):
    """A processor that is said to have every number type; it emulates them."""
    monkeypatch.setattr(precision, "_is_native", lambda dtype, device: True)


def test_auto_takes_bfloat16_for_large_work_where_it_is_native(monkeypatch):
    for native in (True, False):
        monkeypatch.setattr(precision, "_is_native", lambda d, _, n=native: n)
        large, small = (arithmetic_of(CPU, "auto", work) for work in (LARGE, 1e3))
        assert large.dtype == (torch.bfloat16 if native else torch.float32)
        assert small.dtype == torch.float32
        assert arithmetic_of(CPU, "float32", LARGE).dtype == torch.float32


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_a_type_that_would_be_emulated_is_refused(monkeypatch, name):
    monkeypatch.setattr(precision, "_is_native", lambda *_: False)
    with pytest.raises(ParameterError, match=f'precision="{name}" needs'):
        arithmetic_of(CPU, name, LARGE)


def test_only_float16_scales_its_losses(all_native):
    names = ("float32", "bfloat16", "float16")
    scalers = [arithmetic_of(CPU, name, LARGE).scaler for name in names]
    assert [scaler is not None for scaler in scalers] == [False, False, True]


def test_scaled_losses_give_the_gradients_of_the_losses():
    scale = LossScale.on(CPU)
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    scale.scale((w**2).sum()).backward()
    assert w.grad.abs().min() > 1e4
    scale.unscale([w.grad])
    torch.testing.assert_close(w.grad, torch.tensor([2.0, -4.0]))
    assert scale.factor == 2**16


def test_gradients_that_overflow_count_as_none_and_halve_the_scale():
    scale = LossScale.on(CPU)
    gradients = [torch.tensor([float("inf"), 1.0]), torch.ones(3)]
    scale.unscale(gradients)
    assert all((g == 0).all() for g in gradients)
    assert scale.factor == 2**15


@pytest.mark.usefixtures("two_threads")
def test_numpys_products_use_one_core_where_two_would_wait_for_each_other():
    model = Model(nn.Linear(2, 2), nn.Linear(2, 2))

    def n_threads():
        return {pool["num_threads"] for pool in threadpool_info() if blas(pool)}

    def blas(pool):
        return pool["user_api"] == "blas"

    with threadpool_limits(2, "blas"):
        for work, alone, n in ((1e6, True, 1), (1e6, False, 2), (1e7, True, 2)):
            with computing("auto", model, 1, work, alone):
                assert n_threads() == {n}
            assert n_threads() == {2}


@pytest.mark.usefixtures("two_threads")
def test_threads_follow_the_work_and_all_flags_are_restored():
    model = Model(nn.Linear(2, 2), nn.Linear(2, 2))
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    with pytest.raises(ZeroDivisionError), computing("float32", model, 1, 1e3):
        assert torch.get_num_threads() == 1
        assert torch.get_float32_matmul_precision() == "highest"
        raise ZeroDivisionError
    assert before == (torch.get_num_threads(), torch.get_float32_matmul_precision())
    for work, alone, n_threads in ((1e12, False, 2), (1e7, False, 2), (1e7, True, 1)):
        with computing("auto", model, 1, work, alone):
            assert torch.get_num_threads() == n_threads
    for cell, n_threads in (("lstm", 1), ("gru", 2), ("rnn", 2)):
        recurrent = Model(RecurrentLayer(cell, 2, 2, True, 9), nn.Linear(4, 2))
        with computing("auto", recurrent, 1, 1e12):
            assert torch.get_num_threads() == n_threads
    assert before == (torch.get_num_threads(), torch.get_float32_matmul_precision())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda **p: DNNClassifier(hidden_layer_sizes=(64,), **p), (-1, 64)),
        (lambda **p: CNNClassifier(n_filters=(8, 16), **p), (-1, 8, 8)),
    ],
    ids=["dense", "convolutional"],
)
def test_accuracy_is_within_seed_noise_of_float32(all_native, make, shape, name):
    X_train, y_train, X_test, y_test = PARTS
    scores = {
        kind: [
            make(precision=kind, max_iter=8, random_state=seed)
            .fit(X_train.reshape(shape), y_train)
            .score(X_test.reshape(shape), y_test)
            for seed in range(3)
        ]
        for kind in ("float32", name)
    }
    assert np.mean(scores["float32"]) > 0.85
    spread = max(np.std(scores["float32"]), 0.01)
    assert abs(np.mean(scores[name]) - np.mean(scores["float32"])) < 3 * spread
