"""Number types and the process's flags."""

from functools import cache

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_info, threadpool_limits
from torch import nn

from lamina import CNNClassifier, DNNClassifier, RNNClassifier
from lamina.batch import Spec
from lamina.bodies.dense import DenseBody
from lamina.bodies.recurrent import RNNBody
from lamina.exceptions import ParameterError
from lamina.kernels import private
from lamina.nn.body import Body
from lamina.nn.model import Model
from lamina.testing import all_estimators
from lamina.testing.examples import examples_for
from lamina.training.params import TrainerParams
from lamina.training.plan import training_plan
from lamina.training.precision import LossScale

CPU = torch.device("cpu")
X, Y = load_digits(return_X_y=True)
PARTS = X[:1200], Y[:1200], X[1200:], Y[1200:]


@pytest.fixture
def all_native(monkeypatch):
    """The processor as if it had every number type; it emulates them."""
    monkeypatch.setattr(private, "cpu_supports", lambda feature: True)


def plan(body, n_macs, batch_size=128, **params):
    model = Model(body, nn.Linear(2, 2))
    return training_plan(model, CPU, TrainerParams(**params), batch_size, n_macs)


def dense():
    return DenseBody(Spec(n_channels=3), DNNClassifier(hidden_layer_sizes=(4,)))


def recurrent(cell):
    spec = Spec(n_channels=3, n_space=1, max_length=9)
    return RNNBody(spec, RNNClassifier(cell=cell, hidden_size=4))


class Own(Body):
    """A body from outside of lamina."""

    forms, default_steps, width = ("table",), 10, 2

    def forward(self, batch):
        return batch.x


def test_auto_takes_bfloat16_for_large_work_where_it_is_native(monkeypatch):
    for native in (True, False):
        monkeypatch.setattr(private, "cpu_supports", lambda _, n=native: n)
        large, small = (plan(dense(), n_macs) for n_macs in (1e9, 1e3))
        assert large.dtype == (torch.bfloat16 if native else torch.float32)
        assert small.dtype == torch.float32
        assert plan(dense(), 1e9, precision="float32").dtype == torch.float32


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_a_type_that_would_be_emulated_is_refused(monkeypatch, name):
    monkeypatch.setattr(private, "cpu_supports", lambda feature: False)
    with pytest.raises(ParameterError, match=f'precision="{name}" needs'):
        plan(dense(), 1e9, precision=name)


def test_only_float16_scales_its_losses(all_native):
    names = ("float32", "bfloat16", "float16")
    scalers = [plan(dense(), 1e9, precision=name).scaler for name in names]
    assert [scaler is not None for scaler in scalers] == [False, False, True]


def test_parts_follow_from_the_network_and_the_batch_and_not_from_the_threads():
    for n_threads in (1, 2, 8):
        parts = [
            plan(recurrent("lstm"), n_macs, size, n_threads=n_threads).n_parts
            for n_macs, size in ((1e5, 128), (1e9, 128), (1e9, 64), (1e9, 31))
        ]
        assert parts == [1, 4, 2, 1]
        for body in (dense(), recurrent("gru"), Own(Spec(), None)):
            assert plan(body, 1e9, n_threads=n_threads).n_parts == 1


def test_only_bodies_from_outside_compute_an_operation_on_several_threads():
    for body, n in ((dense(), 1), (recurrent("lstm"), 1), (Own(Spec(), None), 2)):
        assert plan(body, 1e9, n_threads=2).n_torch_threads == n


def test_a_row_of_a_batch_is_in_the_same_part_of_each():
    large = plan(recurrent("lstm"), 1e9, 100)
    rows = [[range(n)[part] for part in large.parts_of(n)] for n in (100, 99, 40, 1)]
    for parts in rows[1:]:
        for part, of_all in zip(parts, rows[0], strict=False):
            assert set(part) <= set(of_all)


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


def blas_threads():
    pools = threadpool_info()
    return {pool["num_threads"] for pool in pools if pool["user_api"] == "blas"}


@pytest.mark.usefixtures("two_threads")
def test_operations_keep_to_one_thread_and_all_settings_are_restored():
    before = torch.get_num_threads(), torch.get_float32_matmul_precision()
    with threadpool_limits(2, "blas"):
        with pytest.raises(ZeroDivisionError), plan(dense(), 1e3).active():
            assert torch.get_num_threads() == 1
            assert blas_threads() == {1}
            raise ZeroDivisionError
        assert blas_threads() == {2}
    assert before == (torch.get_num_threads(), torch.get_float32_matmul_precision())


@pytest.mark.parametrize(
    ("precision", "n_macs", "is_rounded"),
    [("float32", 1e9, False), ("auto", 1e9, True), ("auto", 1e3, False)],
)
def test_float32_is_not_rounded_on_a_gpu(monkeypatch, precision, n_macs, is_rounded):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    model, params = Model(dense(), nn.Linear(2, 2)), TrainerParams(precision=precision)
    before = torch.backends.cudnn.allow_tf32
    with training_plan(model, torch.device("cuda"), params, 128, n_macs).active():
        assert torch.backends.cudnn.allow_tf32 is is_rounded
        assert (torch.get_float32_matmul_precision() == "high") is is_rounded
    assert torch.backends.cudnn.allow_tf32 is before


NETWORKS = {
    "dense": (lambda **p: DNNClassifier(hidden_layer_sizes=(64,), **p), (-1, 64)),
    "convolutional": (lambda **p: CNNClassifier(n_filters=(8, 16), **p), (-1, 8, 8)),
}


@cache
def scores_of(network, precision):
    """Accuracies of a network with three seeds."""
    X_train, y_train, X_test, y_test = PARTS
    make, shape = NETWORKS[network]
    return [
        make(precision=precision, max_iter=8, random_state=seed)
        .fit(X_train.reshape(shape), y_train)
        .score(X_test.reshape(shape), y_test)
        for seed in range(3)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bfloat16", "float16"])
@pytest.mark.parametrize("network", NETWORKS)
def test_accuracy_is_within_seed_noise_of_float32(all_native, network, name):
    exact, scores = (scores_of(network, kind) for kind in ("float32", name))
    assert np.mean(exact) > 0.85
    spread = max(np.std(exact), 0.01)
    assert abs(np.mean(scores) - np.mean(exact)) < 3 * spread


ON_A_GPU = [
    (kind, example) for _, kind in all_estimators() for example in examples_for(kind())
]


def outputs_of(network, X):
    """Probabilities where there are some."""
    return getattr(network, "predict_proba", network.predict)(X)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(
    ("kind", "example"),
    ON_A_GPU,
    ids=lambda value: value.__name__ if isinstance(value, type) else value.name,
)
def test_a_network_of_a_gpu_predicts_the_same_on_a_cpu(kind, example):
    network = kind(
        max_iter=3, random_state=0, device="cuda", precision="float32", **example.params
    )
    y = example.target(network)
    network.fit(example.X, y)
    assert all(p.device.type == "cpu" for p in network.network_.parameters())
    there = outputs_of(network, example.X)
    here = outputs_of(network.set_params(device="cpu"), example.X)
    if isinstance(here, np.ndarray) and here.dtype.kind == "f":
        np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-4)
    again = clone(network).set_params(device="cuda").fit(example.X, y)
    assert again.loss_curve_[0] == pytest.approx(network.loss_curve_[0], rel=1e-3)
