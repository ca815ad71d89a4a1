"""What the memory of the machine cannot hold is refused before it is allocated."""

import numpy as np
import pytest
import torch

from lamina import (
    CNNClassifier,
    DNNClassifier,
    DNNRegressor,
    Forecaster,
    RNNRegressor,
    Translator,
)
from lamina.bodies.dense import DenseBody
from lamina.estimators import memory
from lamina.exceptions import ParameterError

X = np.random.default_rng(0).normal(size=(20, 3))
Y = X[:, 0]
LABELS = np.arange(20) % 2
S = np.random.default_rng(0).normal(size=(20, 6, 2))
IMAGES = np.random.default_rng(0).random((20, 6, 6, 3))
HUGE = 10**15 + 1


@pytest.mark.parametrize(
    ("estimator", "data", "name", "value"),
    [
        (DNNClassifier, (X, LABELS), "hidden_layer_sizes", (HUGE, 2)),
        (DNNRegressor, (X, Y), "hidden_layer_sizes", 10**400),
        (RNNRegressor, (S, Y), "hidden_size", HUGE),
        (CNNClassifier, (IMAGES, LABELS), "n_filters", (2, HUGE)),
        (CNNClassifier, (S, LABELS), "kernel_size", HUGE),
        (Forecaster, (list(S[:, :, 0].reshape(1, -1)),), "hidden_size", HUGE),
        (Translator, (["a b", "c"] * 9, ["b a", "c"] * 9), "decoder_size", HUGE),
    ],
)
def test_a_network_that_no_machine_holds_is_refused_by_parameter_and_memory(
    estimator, data, name, value
):
    network = estimator(**{name: value})
    with pytest.raises(ParameterError, match=rf"GB of memory.*lower {name}=") as caught:
        network.fit(*data)
    assert repr(value) in str(caught.value)
    assert not hasattr(network, "network_")


@pytest.mark.parametrize("n_layers", [1_001, 10**6, 10**400])
def test_a_network_of_too_many_layers_is_refused_before_it_is_built(n_layers):
    with pytest.raises(ParameterError, match=r"'n_layers' .*from 1 to 1000"):
        RNNRegressor(n_layers=n_layers).fit(S, Y)


def test_the_memory_of_a_network_is_that_of_training_its_parameters(monkeypatch):
    network = DNNRegressor(hidden_layer_sizes=(50, 60), max_iter=1).fit(X, Y)
    needed = 16 * network.n_parameters_
    monkeypatch.setattr(memory, "memory_of", lambda device: needed)
    network.fit(X, Y)
    monkeypatch.setattr(memory, "memory_of", lambda device: needed - 1)
    with pytest.raises(ParameterError, match=r"hidden_layer_sizes=\(50, 60\)"):
        network.fit(X, Y)


def test_a_batch_that_the_memory_does_not_hold_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "memory_of", lambda device: 4 * 20 * 6 * 2 - 1)
    with pytest.raises(ParameterError, match=r"batch of \(20, 6, 2\) .*batch_size"):
        RNNRegressor(batch_size=20).fit(S, Y)


def test_the_memory_of_a_container_is_its_limit(monkeypatch, tmp_path):
    everything = memory.memory_of(torch.device("cpu"))
    assert 1e8 < everything < 1e14
    for text, limit in (("max", everything), ("100000\n", 100_000)):
        (tmp_path / "limit").write_text(text)
        monkeypatch.setattr(memory, "CONTAINER_LIMIT", tmp_path / "limit")
        assert memory.memory_of(torch.device("cpu")) <= limit


@pytest.mark.filterwarnings("ignore:A batch of")
@pytest.mark.parametrize(
    "error",
    [
        MemoryError("Unable to allocate 8 TiB"),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 TiB"
        ),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 8 TiB"),
    ],
)
def test_a_failed_allocation_names_what_to_lower(monkeypatch, error):
    network = DNNRegressor(hidden_layer_sizes=(4,), max_iter=1).fit(X, Y)
    before = network.predict(X)

    def fail(*_):
        raise error

    monkeypatch.setattr(DenseBody, "inputs", fail)
    for call in (lambda: network.fit(X, Y), lambda: network.predict(X)):
        with pytest.raises(ParameterError, match=r"8 TiB.*hidden_layer_sizes=\(4,\)"):
            call()
    monkeypatch.undo()
    np.testing.assert_array_equal(network.predict(X), before)


def test_other_errors_are_not_taken_for_a_failed_allocation(monkeypatch):
    def fail(*_):
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(DenseBody, "inputs", fail)
    with pytest.raises(RuntimeError, match="shapes differ"):
        DNNRegressor(hidden_layer_sizes=(4,)).fit(X, Y)


def test_a_window_longer_than_the_series_costs_and_changes_nothing():
    series = np.random.default_rng(0).normal(size=40).cumsum()
    small = {"horizon": 2, "season": 1, "hidden_size": 4, "max_iter": 2}
    forecasts = [
        Forecaster(**small, window=window, random_state=0).fit(series).predict()
        for window in (40, 1_000_000)
    ]
    np.testing.assert_allclose(*forecasts, rtol=1e-6)
