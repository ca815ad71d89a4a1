"""Batches for which the memory of a device does not suffice."""

import numpy as np
import pytest
import torch

from lamina import (
    CNNClassifier,
    DNNClassifier,
    LanguageModel,
    RNNClassifier,
    RNNRegressor,
    SequenceTagger,
)
from lamina.exceptions import PerformanceWarning
from lamina.kernels.dense import DenseKernel
from lamina.testing.examples import EXAMPLES

LIMIT = 3
DENSE = {"hidden_layer_sizes": (8,), "dropout": 0.0, "n_members": 1}
CASES = {
    "dense": (DNNClassifier(**DENSE), "table"),
    "codes": (DNNClassifier(**DENSE), "mixed_table"),
    "conv": (
        CNNClassifier(n_filters=(4,), normalization="layer", dropout=0.0),
        "image",
    ),
    "lstm": (RNNClassifier(hidden_size=8, dropout=0.0), "ragged"),
    "gru": (RNNRegressor(cell="gru", hidden_size=8, dropout=0.0), "series"),
    "tagger": (SequenceTagger(hidden_size=8, dropout=0.0), "series"),
}


@pytest.fixture
def little_memory(monkeypatch):
    """A function that limits the rows of a pass through a body or a kernel."""

    def limit(network, n_rows=LIMIT, fails=lambda: True):
        sizes = []

        def limited(owner, name, rows):
            original = getattr(owner, name)

            def call(self, x, *others):
                sizes.append(rows(x))
                if rows(x) > n_rows and fails():
                    raise torch.OutOfMemoryError("simulated")
                return original(self, x, *others)

            monkeypatch.setattr(owner, name, call)

        limited(type(network).body, "forward", len)
        limited(DenseKernel, "forward", len)
        return sizes

    return limit


def case(name, **params):
    network, example = CASES[name]
    data = EXAMPLES[example]
    brief = {"max_iter": 2, "batch_size": 20, "random_state": 0, "shuffle": False}
    own = network.get_params(deep=False) | brief | data.params | params
    return type(network)(**own), data.X, data.target(network)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_a_batch_in_passes_gives_the_same_network_with_one_warning(
    name, weighted, little_memory
):
    network, X, y = case(name, optimizer="sgd", learning_rate_init=0.05)
    weight = np.linspace(0.1, 3.0, len(X)) if weighted else None
    before = network.fit(X, y, sample_weight=weight).network_.state_dict()
    curve = network.loss_curve_
    sizes = little_memory(network)
    with pytest.warns(PerformanceWarning, match="batch of 20 samples") as seen:
        network.fit(X, y, sample_weight=weight)
    assert len(seen) == 1
    assert set(sizes) == {20, 10, 5, 3, 2}  # and the rest of passes of three
    np.testing.assert_allclose(network.loss_curve_, curve, rtol=1e-5)
    after = network.network_.state_dict()
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_predictions_are_computed_in_halves(name, little_memory):
    network, X, y = case(name)
    expected = network.fit(X, y).predict(X)
    sizes = little_memory(network)
    actual = network.predict(X)
    assert max(sizes) > LIMIT
    for a, b in zip(actual, expected, strict=True):
        if name == "gru":
            np.testing.assert_allclose(a, b, rtol=1e-5)
        else:
            np.testing.assert_array_equal(a, b)


def test_a_state_is_carried_through_passes(little_memory):
    text = "one for sorrow, two for joy, three for a girl, four for a boy. " * 8
    params = {"unit": "char", "window": 16, "hidden_size": 8, "dropout": 0.0}
    params |= {"max_iter": 2, "batch_size": 8, "random_state": 0, "optimizer": "sgd"}
    network = LanguageModel(**params).fit(text)
    before, curve = network.network_.state_dict(), network.loss_curve_
    n_calls = []

    def only_later():
        n_calls.append(1)
        return len(n_calls) > 2  # so that a state is carried already

    little_memory(network, fails=only_later)
    # A window at the end of a text has fewer steps, so that the means differ slightly.
    with pytest.warns(PerformanceWarning):
        network.fit(text)
    np.testing.assert_allclose(network.loss_curve_, curve, rtol=1e-3)
    torch.testing.assert_close(
        network.network_.state_dict(), before, rtol=1e-2, atol=1e-3
    )


def weights_of(network):
    return network.network_.state_dict()


def test_the_statistics_of_passes_are_those_of_parts(little_memory):
    network, X, y = case("conv", normalization="batch", max_iter=20)
    expected = network.fit(X, y).score(X, y)
    little_memory(network)
    with pytest.warns(PerformanceWarning):
        assert network.fit(X, y).score(X, y) >= expected - 0.2
    counts = [v for k, v in weights_of(network).items() if k.endswith("n_batches")]
    assert counts and all(18 <= count <= 24 for count in counts)


def test_a_single_row_that_does_not_fit_is_an_error(little_memory):
    network, X, y = case("dense")
    fitted = DNNClassifier(max_iter=1).fit(X, y)
    little_memory(network, n_rows=0)
    with pytest.warns(PerformanceWarning), pytest.raises(torch.OutOfMemoryError):
        network.fit(X, y)
    assert "network_" not in vars(network)
    with pytest.raises(torch.OutOfMemoryError):
        fitted.predict(X)
