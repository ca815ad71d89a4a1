"""Piecewise linear embeddings, and the bins that they are made over."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from lamina import DNNRegressor
from lamina.encoders.tables.encoder import TableEncoder
from lamina.encoders.tables.reader import TableParams
from lamina.kernels import private
from lamina.kernels.interpolation import Bins, interpolate
from lamina.nn.numbers import PiecewiseLinear

EDGES = ((-1.0, 0.0, 0.5, 2.0), (3.0, 4.0, 7.0))
PADDED = torch.tensor([[-1.0, 0.0, 0.5, 2.0], [3.0, 4.0, 7.0, 7.0]]).double()
BINS = Bins.between(PADDED)


def fitted(X, weight=None, **params):
    encoder = TableEncoder(TableParams(**params))
    return encoder.fit(encoder.read(X), weight)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_interpolation_is_numpys_in_each_column(seed):
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(2, 4, 3))
    x = rng.choice([*rng.normal(2, 3, 6), *PADDED.flatten().tolist()], (7, 2))
    y = interpolate(torch.tensor(table), BINS, torch.tensor(x)).numpy()
    for n, edges in enumerate(EDGES):
        for d in range(3):
            truth = np.interp(x[:, n], edges, table[n, : len(edges), d])
            np.testing.assert_allclose(y[:, n, d], truth, atol=1e-12)


def test_its_gradients_are_those_of_finite_differences():
    torch.manual_seed(0)
    table = torch.randn(2, 4, 3, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[-3.0, 3.5], [-0.3, 9.0], [0.2, 5.0], [1.0, 4.5]]).double()
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda t, x: interpolate(t, BINS, x), (table, x))


def test_a_feature_is_linear_between_edges_and_constant_beyond():
    torch.manual_seed(0)
    embedding = PiecewiseLinear(EDGES, 5).double()
    embedding.edges = embedding.edges.double()
    x = torch.linspace(-3, 9, 400).double().repeat(2, 1).T
    bins = Bins.between(embedding.edges)
    h = interpolate(embedding.table(), bins, x).detach().numpy()
    for n, edges in enumerate(EDGES):
        nodes = torch.tensor(edges).double().repeat(2, 1).T
        at_nodes = interpolate(embedding.table(), bins, nodes)[:, n]
        for d in range(5):
            truth = np.interp(x[:, n], edges, at_nodes[:, d].detach())
            np.testing.assert_allclose(h[:, n, d], truth, atol=1e-9)
    plain = np.maximum(h, 0).reshape(400, 10)
    np.testing.assert_allclose(embedding(x).detach(), plain)


def test_the_gradient_of_an_embedding_has_the_sums_of_equal_rows():
    gradient, rows = torch.randn(4, 3, 5), torch.randint(0, 6, (4, 3))
    truth = np.zeros((6, 5), np.float32)
    np.add.at(truth, rows.numpy(), gradient.numpy())
    for sums in (private.embedding_gradient, private.embedding_gradient_plainly):
        np.testing.assert_allclose(sums(gradient, rows, 6), truth, rtol=1e-5, atol=1e-6)


def test_edges_are_quantiles_of_rows_and_of_distinct_values():
    rng = np.random.default_rng(0)
    frequent = np.concatenate([np.zeros(9000), rng.exponential(size=1000)])
    encoder = fitted(np.stack([frequent, rng.normal(size=10_000)], 1))
    edges = np.array(encoder.spec.edges[0])
    z = (frequent - encoder.standardizer.mean[0]) / encoder.standardizer.scale[0]
    if 0 in encoder.standardizer.long_tailed:
        z = np.arcsinh(z)
    z = np.clip(z, -6, 6)
    assert (np.diff(edges) > 0).all()
    assert edges[0] == pytest.approx(z.min(), abs=1e-5)
    assert edges[-1] == pytest.approx(z.max(), abs=1e-5)
    # The rare values lie in at least 100 bins, none with more than 2 % of them.
    rare = z[frequent > 0]
    counts = np.histogram(rare, edges)[0]
    assert len(edges) > 100
    assert counts.max() <= 0.02 * len(rare)


def test_few_values_are_edges_themselves_and_two_have_none():
    X = np.array([[0, 0, 5], [1, 1, 5], [0, 2, 5], [1, 5, 5]], float)
    edges = fitted(X).spec.edges
    assert edges[0] == edges[2] == ()
    z = (X[:, 1] - X[:, 1].mean()) / X[:, 1].std()
    np.testing.assert_allclose(edges[1], z, rtol=1e-5)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=20)
def test_a_weight_counts_as_repetition(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(400, 1)).round(2)
    times = rng.integers(1, 4, 400)
    weighted = fitted(X, times.astype(float)).spec.edges[0]
    repeated = fitted(np.repeat(X, times, axis=0)).spec.edges[0]
    np.testing.assert_allclose(weighted, repeated, atol=1e-5)


def test_values_that_rounding_could_exchange_share_a_bin():
    X = np.array([-1.0, 0.0, 1e-41, 0.5, 1.0] * 20)[:, None]
    edges = fitted(X).spec.edges[0]
    assert len(edges) == 4
    network = DNNRegressor(max_iter=2, random_state=0).fit(X, X[:, 0])
    assert np.isfinite(network.predict([[1e-41], [5e-42], [1e-12]])).all()


def test_repeated_rows_do_not_make_more_edges():
    X = np.random.default_rng(0).normal(size=(100, 2))
    edges = fitted(X).spec.edges
    repeated = fitted(np.repeat(X, 50, axis=0)).spec.edges
    np.testing.assert_allclose(edges, repeated, atol=1e-5)


def test_missing_values_have_no_part_in_the_edges():
    X = np.array([[1.0], [np.nan], [2.0], [4.0], [np.nan]])
    z = np.array([1.0, 2.0, 4.0])
    z = (z - z.mean()) / z.std()
    np.testing.assert_allclose(fitted(X).spec.edges[0], z, rtol=1e-5)


def test_a_sparse_matrix_has_the_edges_of_an_array():
    X = np.random.default_rng(0).poisson(1.0, (300, 4)).astype(float)
    assert fitted(sparse.csr_array(X)).spec.edges == fitted(X).spec.edges


def test_many_columns_have_no_edges_unless_they_are_wanted():
    X = np.random.default_rng(0).normal(size=(20, 600))
    assert fitted(X).spec.edges == ()
    assert len(fitted(X, numeric_embedding="piecewise_linear").spec.edges) == 600
    assert fitted(X[:, :3], numeric_embedding="none").spec.edges == ()


def test_predictions_beyond_the_training_range_are_those_at_its_ends():
    X = np.random.default_rng(0).uniform(size=(200, 1))
    network = DNNRegressor(max_iter=5, random_state=0).fit(X, 3 * X[:, 0])
    ends = network.predict([[X.min()], [X.max()]])
    np.testing.assert_allclose(network.predict([[-9.0], [12.0]]), ends, atol=1e-6)


def test_a_steep_function_of_one_column_is_learnt():
    X = np.random.default_rng(0).uniform(0, 1, (2000, 1))
    y = np.sin(40 * X[:, 0])
    plain, embedded = (
        DNNRegressor(max_iter=20, random_state=0, numeric_embedding=name)
        .fit(X[:1500], y[:1500])
        .score(X[1500:], y[1500:])
        for name in ("none", "piecewise_linear")
    )
    assert embedded > 0.95 > plain


def test_predictions_follow_every_change_of_the_weights():
    layer, x = (
        PiecewiseLinear(((0.0, 0.5, 1.0), (-1.0, 2.0)), 3).eval(),
        torch.rand(9, 2),
    )
    other = PiecewiseLinear(((0.0, 0.5, 1.0), (-1.0, 2.0)), 3)

    def outputs():
        with torch.inference_mode():
            kept = layer(x)
        with torch.enable_grad():
            plain = layer(x).detach()
        torch.testing.assert_close(kept, plain, rtol=0, atol=0)
        return plain

    seen = [outputs(), outputs()]
    layer.load_state_dict(other.state_dict())
    seen.append(outputs())
    with torch.no_grad():
        layer.increments.add_(1.0)
    seen.append(outputs())
    layer.train()
    layer.starts.data = layer.starts.data + 1.0
    layer.eval()
    seen.append(outputs())
    assert torch.equal(seen[0], seen[1])
    assert not any(torch.equal(a, b) for a, b in pairwise(seen[1:]))
    restored = pickle.loads(pickle.dumps(layer))
    assert torch.equal(copy.deepcopy(layer)(x), restored(x))
