"""The linear model whose outputs are added to those of the layers of a table's network."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from lamina import DNNClassifier, DNNRegressor
from lamina.batch import Features
from lamina.estimators.linear import PENALTIES
from lamina.exceptions import ParameterError
from lamina.inspection import explain
from lamina.nn.body import Body
from lamina.nn.linear import LinearPath

STILL = {"max_iter": 1, "learning_rate_init": 1e-30, "random_state": 0}
"""Layers as they were drawn: the linear path is computed, and nothing is learnt."""


def spectra(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """120 neighbouring points of broad peaks on a background, and the height of one peak."""
    rng, places = np.random.default_rng(seed), np.linspace(0, 1, 120)
    peaks = [np.exp(-(((places - at) / 0.2) ** 2)) for at in (0.3, 0.4, 0.6)]
    heights, background = rng.random((n, 3)), rng.normal(size=(n, 2))
    X = heights @ peaks + background @ [np.ones(120), places]
    return X + 1e-3 * rng.normal(size=X.shape), heights[:, 0]


def test_the_path_is_a_product_with_clipped_numbers():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.random((9, 3)), rng.random((3, 2)), rng.random(2)
    path = LinearPath(3, 2)
    path.start(*map(torch.from_numpy, (x, weight, bias)))
    spread = x.max(0) - x.min(0)
    for values in (x, x + spread, x + 5 * spread, x - 5 * spread):
        clipped = np.clip(values, x.min(0) - spread, x.max(0) + spread)
        output = path(torch.from_numpy(values).float()).numpy()
        np.testing.assert_allclose(output, clipped @ weight + bias, atol=1e-4)


def test_autocast_does_not_round_it():
    x, weight = torch.rand(9, 300), torch.randn(300, 1)
    path = LinearPath(300, 1)
    path.start(x, weight, torch.zeros(1))
    with torch.autocast("cpu", torch.bfloat16):
        output = path(x)
    torch.testing.assert_close(output, path(x), rtol=0, atol=0)


def test_its_weights_are_those_of_the_penalty_that_leaves_rows_out_best():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 12))
    X = (X - X.mean(0)) / X.std(0)
    y = X[:, 0] + 2 * rng.normal(size=30)
    z = (y - y.mean()) / y.std()

    def ridge(X: np.ndarray, z: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
        centred = X - X.mean(0)
        weight = np.linalg.solve(
            centred.T @ centred + penalty * np.eye(12), centred.T @ (z - z.mean())
        )
        return weight, z.mean() - X.mean(0) @ weight

    def error(penalty: float) -> float:
        errors = []
        for i in range(30):
            weight, bias = ridge(np.delete(X, i, 0), np.delete(z, i), penalty)
            errors.append((X[i] @ weight + bias - z[i]) ** 2)
        return float(np.mean(errors))

    best = min(30 * PENALTIES, key=error)
    network = DNNRegressor(linear_path="linear", **STILL).fit(X, y)
    path = network.network_.head.linear
    np.testing.assert_allclose(path.weight[:, 0], ridge(X, z, best)[0], atol=1e-5)


@pytest.mark.parametrize("n_members", [1, 4])
def test_neighbouring_points_of_spectra(n_members):
    (X, y), (X_new, y_new) = spectra(100, 0), spectra(100, 1)
    network = DNNRegressor(n_members=n_members, random_state=0).fit(X, y)
    assert network.score(X_new, y_new) > 0.98
    labels, labels_new = y > 0.5, y_new > 0.5
    network = DNNClassifier(n_members=n_members, random_state=0).fit(X, labels)
    assert network.score(X_new, labels_new) > 0.93


def test_logits_are_those_of_a_logistic_regression():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3_000, 4))
    noise = rng.gumbel(size=(3_000, 3))
    y = np.argmax(X @ rng.normal(size=(4, 3)) + noise, axis=1)
    network = DNNClassifier(linear_path="linear", **STILL).fit(X, y)
    path = network.network_.head.linear
    x = (X - X.mean(0)) / X.std(0)
    with torch.inference_mode():
        log_p = log_softmax(path(torch.from_numpy(x).float()).double().numpy(), 1)
    expected = LogisticRegression().fit(X, y).predict_log_proba(X)
    # Least squares and the likelihood differ a little in their directions.
    rows = np.arange(len(y))
    assert abs(log_p[rows, y].mean() - expected[rows, y].mean()) < 5e-3


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_it_does_not_depend_on_units(scale):
    X, y = spectra(60, 0)
    network = DNNRegressor(**STILL).fit(X * scale, y * scale)
    expected = DNNRegressor(**STILL).fit(X, y).predict(X)
    np.testing.assert_allclose(network.predict(X * scale) / scale, expected, atol=1e-3)


def test_training_does_not_change_it():
    X, y = spectra(60, 0)
    still = DNNRegressor(**STILL).fit(X, y).network_.head.linear
    path = DNNRegressor(max_iter=5, random_state=0).fit(X, y).network_.head.linear
    torch.testing.assert_close(path.weight, still.weight, rtol=0, atol=0)


def test_a_fit_that_goes_on_keeps_it():
    X, y = spectra(60, 0)
    network = DNNRegressor(max_iter=2, warm_start=True, random_state=0).fit(X, y)
    weight = network.network_.head.linear.weight.clone()
    network.fit(X[:30], -y[:30])
    torch.testing.assert_close(network.network_.head.linear.weight, weight)


def has_path(network: DNNClassifier | DNNRegressor) -> bool:
    return network.network_.head.linear is not None


BRIEF = {"max_iter": 1, "random_state": 0}


def test_collinear_columns_have_one():
    X, y = spectra(60, 0)
    assert has_path(DNNRegressor(**BRIEF).fit(X, y))
    assert has_path(DNNRegressor(**BRIEF).fit(X, np.stack([y, -y], 1)))
    assert has_path(DNNClassifier(**BRIEF).fit(X, y > 0.5))
    assert not has_path(DNNRegressor(linear_path="none", **BRIEF).fit(X, y))
    others = np.random.default_rng(0).normal(size=(60, 20))
    assert not has_path(DNNRegressor(**BRIEF).fit(others, y))
    assert has_path(DNNRegressor(linear_path="linear", **BRIEF).fit(others, y))


class OwnBody(Body):
    """A linear layer that gives the head no numbers of the table."""

    forms = ("table",)
    default_steps = 10

    def __init__(self, spec, params):
        super().__init__(spec, params)
        self.width = 4
        self.layer = torch.nn.Linear(spec.n_channels, 4)

    def forward(self, batch):
        return Features(self.layer(batch.x)[:, None])


class OwnNetwork(DNNRegressor):
    """A regressor with this body, and the parameters of a dense network."""

    body = OwnBody


def test_where_there_can_be_none():
    X, y = spectra(60, 0)
    texts = ["a b", "c"] * 30
    fits = [
        ("19 rows", DNNRegressor(**BRIEF), "fit", X[:19], y[:19]),
        ("partial_fit", DNNRegressor(**BRIEF), "partial_fit", X, y),
        ("4800 columns", DNNRegressor(**BRIEF), "fit", np.tile(X, 40), y),
        ("'absolute_error'", DNNRegressor(loss="absolute_error"), "fit", X, y),
        ("'focal'", DNNClassifier(loss="focal"), "fit", X, y > 0.5),
        ("body=Own", OwnNetwork(), "fit", X, y),
        ("text data", DNNClassifier(**BRIEF), "fit", texts, y > 0.5),
    ]
    for because, network, method, *data in fits:
        network.set_params(**BRIEF)
        assert not has_path(getattr(network, method)(*data))
        wanted = clone(network).set_params(linear_path="linear")
        with pytest.raises(ParameterError, match=f"linear_path.*{because}"):
            getattr(wanted, method)(*data)


def test_a_class_that_no_row_has():
    X, y = spectra(60, 0)
    labels = np.where(y > 0.5, "b", "a")
    labels[0] = "c"  # which is held out, or not
    for seed in range(3):
        network = DNNClassifier(
            max_iter=2, early_stopping=True, linear_path="linear", random_state=seed
        )
        assert set(network.fit(X, labels).predict(X)) <= {"a", "b", "c"}


@pytest.mark.parametrize("estimator", [DNNClassifier, DNNRegressor])
def test_constant_and_equal_columns(estimator):
    rng = np.random.default_rng(0)
    column = rng.normal(size=(50, 1))
    X = np.hstack([column, column, np.ones((50, 1)), column])
    X[::2, 3] = np.nan
    y = (column[:, 0] > 0).astype(int)
    network = estimator(max_iter=20, linear_path="linear", random_state=0).fit(X, y)
    assert network.score(X, y) > 0.6


@pytest.fixture(scope="module")
def fitted():
    (X, y), brief = spectra(60, 0), {"max_iter": 5, "random_state": 0}
    return X, [DNNRegressor(**brief).fit(X, y), DNNClassifier(**brief).fit(X, y > 0.5)]


def test_files_and_graphs_have_it(fitted, tmp_path):
    onnx = pytest.importorskip("lamina.onnx")
    X, networks = fitted
    for network in networks:
        expected = network.predict(X)
        network.save(tmp_path / "network.lamina")
        loaded = type(network).load(tmp_path / "network.lamina")
        np.testing.assert_array_equal(loaded.predict(X), expected)
        network.to_onnx(tmp_path / "network.onnx")
        exported = onnx.Predictor(tmp_path / "network.onnx").predict(X)
        np.testing.assert_allclose(exported, expected, rtol=1e-4, atol=1e-4)


def test_explanations_have_it(fitted):
    X, networks = fitted
    for network in networks:
        attribution = explain(network, X)
        total = attribution.base_value + attribution.values.sum(1)
        bound = 1e-3 * np.abs(attribution.values).sum(1) + 1e-4
        assert (np.abs(total - attribution.output) <= bound).all()
    # Where nothing was learnt by the layers, the path has most of the differences.
    y = spectra(60, 0)[1]
    network = DNNRegressor(hidden_layer_sizes=(), **STILL).fit(X, y)
    path = network.network_.head.linear
    values = explain(network, X).values
    weights = (path.weight[:, 0].numpy() / X.std(0)) * network.task_.scale
    expected = (X - X.mean(0)) * weights
    assert np.corrcoef(values.ravel(), expected.ravel())[0, 1] > 0.99
