"""Tasks: losses, probabilities and labels against numpy and scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, softmax
from sklearn.metrics import log_loss, mean_pinball_loss, mean_poisson_deviance
from sklearn.utils.class_weight import compute_class_weight
from torch import nn

from lamina import DNNClassifier, DNNRegressor
from lamina.batch import Batch, Features
from lamina.exceptions import DataError
from lamina.nn.heads import PooledHead
from lamina.nn.losses import weighted_mean
from lamina.tasks.classification import (
    Classification,
    ClassificationParams,
)
from lamina.tasks.regression import Regression
from lamina.tasks.regression_loss import RegressionParams

CALM = settings(deadline=None, max_examples=40)
RNG = np.random.default_rng(0)


class Says(nn.Module):
    """A model whose output is given."""

    def __init__(self, output):
        super().__init__()
        self.output = torch.tensor(np.asarray(output), dtype=torch.float32)

    def forward(self, batch):
        del batch
        return self.output


def classification(y, **params):
    """A fitted task of the kind that y requires."""
    task = Classification.for_targets(y, ClassificationParams(**params))
    return task.fit(task.read(y, None), None)


def regression(y, weight=None, **params):
    task = Regression(RegressionParams(**params))
    return task.fit(task.read(y, None), weight)


def loss_of(task, output, y, weight=None):
    weight = None if weight is None else torch.tensor(weight, dtype=torch.float32)
    batch = Batch(torch.zeros(len(output), 1), target=task.encode(y), weight=weight)
    return task.loss(Says(output), batch).item()


logit_rows = arrays(
    np.float64, st.tuples(st.integers(1, 6), st.just(3)), elements=st.floats(-8, 8)
)


@CALM
@given(logit_rows, st.data())
def test_cross_entropy_is_minus_the_log_of_the_labels_probability(logits, data):
    y = data.draw(arrays(int, len(logits), elements=st.integers(0, 2)))
    names = np.array(["ant", "bee", "cow"])
    task = classification(names)
    truth = log_loss(y, softmax(logits, axis=1), labels=[0, 1, 2])
    assert loss_of(task, logits, names[y]) == pytest.approx(truth, rel=1e-4, abs=1e-5)


@CALM
@given(logit_rows, st.floats(0, 0.9))
def test_label_smoothing_spreads_its_fraction_over_all_classes(logits, rate):
    task = classification([0, 1, 2], label_smoothing=rate)
    y = np.arange(len(logits)) % 3
    q = (1 - rate) * np.eye(3)[y] + rate / 3
    truth = -(q * np.log(softmax(logits, axis=1))).sum(1).mean()
    assert loss_of(task, logits, y) == pytest.approx(truth, rel=1e-4, abs=1e-5)


@CALM
@given(logit_rows)
def test_focal_loss_is_its_formula_with_gamma_two(logits):
    task = classification([0, 1, 2], loss="focal")
    y = np.arange(len(logits)) % 3
    p = softmax(logits, axis=1)[np.arange(len(y)), y]
    truth = -((1 - p) ** 2 * np.log(p)).mean()
    assert loss_of(task, logits, y) == pytest.approx(truth, rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_several_labels_cost_their_mean_binary_cross_entropy(loss, rate):
    if loss == "focal" and rate:
        return
    logits, y = RNG.normal(size=(5, 4)) * 3, RNG.integers(0, 2, (5, 4))
    p, q = expit(logits), y * (1 - rate) + rate / 2
    cost = -q * np.log(p) - (1 - q) * np.log(1 - p)
    if loss == "focal":
        cost *= np.where(y, 1 - p, p) ** 2
    task = classification(y, loss=loss, label_smoothing=rate)
    assert loss_of(task, logits, y) == pytest.approx(cost.mean(), rel=1e-4)


def test_several_outputs_cost_the_mean_of_their_cross_entropies():
    y = np.array([["a", "x"], ["b", "y"], ["c", "x"], ["a", "y"]])
    logits = RNG.normal(size=(4, 5))
    task = classification(y)
    truth = np.mean(
        [
            log_loss(y[:, 0], softmax(logits[:, :3], axis=1), labels=["a", "b", "c"]),
            log_loss(y[:, 1], softmax(logits[:, 3:], axis=1), labels=["x", "y"]),
        ]
    )
    assert loss_of(task, logits, y) == pytest.approx(truth, rel=1e-5)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
def test_correct_logits_have_no_loss_and_wrong_ones_a_large_one(loss):
    y = np.array([0, 2, 1])
    perfect = 60 * np.eye(3)[y]
    many = np.eye(3, dtype=int)[y]
    both = np.c_[y, y]
    cases = [
        (perfect, y),
        (120 * many - 60, many),
        (np.c_[perfect, perfect], both),
    ]
    for logits, target in cases:
        task = classification(target, loss=loss)
        assert loss_of(task, logits, target) < 1e-6
        assert loss_of(task, -logits, target) > 5


@CALM
@given(logit_rows.map(lambda z: z * 100))
def test_probabilities_sum_to_one_and_agree_with_labels_and_decisions(logits):
    task = classification(["a", "b", "c"])
    p = task.probabilities(logits)
    assert ((p >= 0) & (p <= 1)).all()
    np.testing.assert_allclose(p.sum(1), 1)
    with np.errstate(divide="ignore"):
        log_p = task.log_probabilities(logits)
    assert np.isfinite(log_p).all()
    np.testing.assert_allclose(np.exp(log_p), p, atol=1e-12)
    at = np.arange(len(p)), np.searchsorted(task.classes, task.labels(logits))
    assert (p[at] == p.max(1)).all()
    assert (task.decisions(logits)[at] == logits.max(1)).all()


def test_decisions_between_two_classes_are_positive_for_the_second():
    task = classification(["no", "yes"])
    logits = np.array([[0.0, 2.0], [1.0, -1.0]])
    decisions = task.decisions(logits)
    assert (task.labels(logits) == np.where(decisions > 0, "yes", "no")).all()
    np.testing.assert_allclose(expit(decisions), task.probabilities(logits)[:, 1])


def test_labels_of_a_multilabel_task_are_those_above_one_half():
    task = classification(np.eye(3))
    logits = RNG.normal(size=(50, 3))
    truth = (task.probabilities(logits) > 0.5).astype(int)
    np.testing.assert_array_equal(task.labels(logits), truth)
    np.testing.assert_allclose(
        np.exp(task.log_probabilities(logits)), task.probabilities(logits)
    )


@pytest.mark.parametrize(
    "labels",
    [
        [3, -1, 7],
        ["b", "ab", "c"],
        [True, False],
        [0.0, 2.0],
        np.array(["x", "yy"], dtype=object),
    ],
)
def test_labels_come_back_as_they_were(labels):
    y = np.array(list(labels) * 4, dtype=np.asarray(labels).dtype)
    task = classification(y)
    codes = task.encode(y)
    assert codes.dtype == torch.int64
    back = task.labels(np.eye(task.n_outputs)[codes.numpy()])
    assert back.tolist() == y.tolist()
    assert back.dtype == y.dtype


def test_labels_of_several_outputs_come_back_as_they_were():
    y = np.array([[3, 10], [1, 20], [2, 10], [1, 30]])
    task = classification(y)
    a, b = task.encode(y).numpy().T
    np.testing.assert_array_equal(task.labels(np.c_[np.eye(3)[a], np.eye(3)[b]]), y)
    assert [len(c) for c in task.classes] == [3, 3]


@CALM
@given(st.lists(st.integers(0, 50), min_size=2, max_size=9, unique=True), st.data())
def test_a_label_outside_the_classes_is_refused_naming_it(classes, data):
    other = data.draw(st.integers(-5, 60).filter(lambda v: v not in classes))
    task = classification(classes)
    with pytest.raises(DataError, match=rf"\[{other}\]"):
        task.encode(np.array([classes[0], other]))


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 1.0, "b": 5.0, "c": 0.5}])
def test_class_weights_are_scikit_learns(class_weight):
    y = np.array(list("aaabbc"))
    task = classification(y, class_weight=class_weight)
    by_class = compute_class_weight(class_weight, classes=np.unique(y), y=y)
    truth = dict(zip("abc", by_class, strict=True))
    np.testing.assert_allclose(task.target_weights(y), [truth[label] for label in y])


def test_class_weights_of_several_labels_multiply_over_the_outputs():
    y = np.array([[0, 1], [0, 0], [1, 1], [0, 1]])
    task = classification(y, class_weight="balanced")
    truth = np.ones(4)
    for column in y.T:
        truth *= compute_class_weight("balanced", classes=np.arange(2), y=column)[
            column
        ]
    np.testing.assert_allclose(task.target_weights(y), truth)


def test_a_balanced_network_predicts_as_if_classes_were_equally_frequent():
    X, y = np.zeros((60, 1)), np.array([0] * 50 + [1] * 10)
    params = {"hidden_layer_sizes": (), "max_iter": 150, "random_state": 0}
    params |= {"learning_rate_init": 0.1, "batch_size": 60, "alpha": 0.0}
    params |= {"n_iter_no_change": 150}
    plain = DNNClassifier(**params).fit(X, y).predict_proba(X[:1])
    equal = DNNClassifier(class_weight="balanced", **params).fit(X, y)
    np.testing.assert_allclose(plain[0, 1], 1 / 6, atol=0.02)
    np.testing.assert_allclose(equal.predict_proba(X[:1])[0, 1], 1 / 2, atol=0.02)


def test_weights_of_mean_one_make_the_loss_a_weighted_average():
    losses, weight = RNG.random(5), RNG.random(5)
    weight /= weight.mean()
    ours = weighted_mean(torch.tensor(losses), torch.tensor(weight)).item()
    assert ours == pytest.approx(np.average(losses, weights=weight))
    assert weighted_mean(torch.tensor(losses), None).item() == pytest.approx(
        losses.mean()
    )


def huber(o, t):
    d = np.abs(o - t)
    return np.where(d < 1, d**2 / 2, d - 0.5)


FORMULAS = {
    "squared_error": lambda o, t: (o - t) ** 2,
    "absolute_error": lambda o, t: np.abs(o - t),
    "huber": huber,
    "quantile": lambda o, t: np.where(t > o, 0.8 * (t - o), 0.2 * (o - t)),
}


@pytest.mark.parametrize("loss", FORMULAS)
@pytest.mark.parametrize("n_outputs", [0, 1, 3])
def test_regression_losses_are_their_formulas_on_standardised_targets(loss, n_outputs):
    y = RNG.normal(5, 7, size=(20, n_outputs) if n_outputs else 20)
    output = RNG.normal(size=(20, n_outputs or 1))
    quantiles = 0.8 if loss == "quantile" else 0.5
    task = regression(y, loss=loss, quantiles=quantiles)
    z = ((y - y.mean(0)) / y.std(0)).reshape(20, -1)
    weight = RNG.random(20)
    weight /= weight.mean()
    cost = FORMULAS[loss](output, z).mean(1)
    assert loss_of(task, output, y) == pytest.approx(cost.mean(), rel=1e-4)
    weighted = np.average(cost, weights=weight)
    assert loss_of(task, output, y, weight) == pytest.approx(weighted, rel=1e-4)


def test_pinball_loss_is_scikit_learns():
    y, output = RNG.normal(size=30), RNG.normal(size=(30, 1))
    y = (y - y.mean()) / y.std()
    task = regression(y, loss="quantile", quantiles=0.1)
    truth = mean_pinball_loss(y, output[:, 0], alpha=0.1)
    assert loss_of(task, output, y) == pytest.approx(truth, rel=1e-4)


def test_poisson_loss_differs_from_half_the_deviance_by_a_constant_only():
    y = RNG.poisson(3, 40).astype(float)
    task = regression(y, loss="poisson")
    differences = []
    for _ in range(3):
        output = RNG.normal(size=(40, 1)) / 4  # within the range of predictions
        mu = task.predict(Says(output), Batch(torch.zeros(40, 1)))
        assert (mu > 0).all()
        half = mean_poisson_deviance(y, mu) / 2 / y.mean()
        differences.append(loss_of(task, output, y) - half)
    np.testing.assert_allclose(differences, differences[0], atol=1e-5)


def test_poisson_refuses_negative_targets_naming_one():
    with pytest.raises(DataError, match=r"y\[2\] is -1"):
        regression([0.0, 1, -1], loss="poisson")


@pytest.mark.parametrize("shape", [(9,), (9, 1), (9, 3)])
def test_regression_targets_come_back_in_their_units_and_shape(shape):
    y = RNG.normal(1e4, 3, shape)
    task = regression(y)
    back = task.predict(Says(task.encode(y)), Batch(torch.zeros(9, 1)))
    assert back.shape == shape
    np.testing.assert_allclose(back, y, atol=1e-4)


def test_weighted_targets_are_standardised_as_repeated_ones():
    y, times = RNG.normal(2, 3, (6, 2)), np.array([1, 3, 2, 1, 1, 4])
    weighted = regression(y, times.astype(float))
    repeated = regression(np.repeat(y, times, axis=0))
    np.testing.assert_allclose(weighted.mean, repeated.mean)
    np.testing.assert_allclose(weighted.scale, repeated.scale)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 + 0.1])
def test_a_constant_target_is_predicted_and_leaves_a_scale_of_one(value):
    y = np.full(1000, value)
    task = regression(y)
    assert task.scale == 1
    np.testing.assert_allclose(task.encode(y), 0, atol=1e-6)


def test_poisson_learns_the_mean_of_counts():
    y = np.repeat([0.0, 2, 7], [30, 10, 20])
    network = DNNRegressor(
        loss="poisson",
        hidden_layer_sizes=(),
        max_iter=80,
        batch_size=60,
        learning_rate_init=0.1,
        alpha=0.0,
        random_state=0,
    ).fit(np.zeros((60, 1)), y)
    assert network.predict([[0.0]])[0] == pytest.approx(y.mean(), rel=0.01)


@pytest.mark.parametrize(
    ("loss", "quantile"),
    [("quantile", 0.1), ("quantile", 0.8), ("absolute_error", 0.5)],
)
def test_quantile_loss_learns_the_empirical_quantile(loss, quantile):
    y = np.random.default_rng(1).exponential(10, 200)
    extra = {"quantiles": quantile} if loss == "quantile" else {}
    network = DNNRegressor(
        loss=loss,
        hidden_layer_sizes=(),
        max_iter=300,
        n_iter_no_change=300,
        batch_size=200,
        learning_rate_init=0.05,
        alpha=0.0,
        random_state=0,
        **extra,
    ).fit(np.zeros((200, 1)), y)
    below = (y < network.predict([[0.0]])[0]).mean()
    assert below == pytest.approx(quantile, abs=0.02)


def test_squared_error_of_several_outputs_learns_each_mean():
    y = np.random.default_rng(1).normal([1, -50, 3], [1, 30, 0.1], (60, 3))
    network = DNNRegressor(
        hidden_layer_sizes=(), max_iter=5, alpha=0.0, random_state=0
    ).fit(np.zeros((60, 1)), y)
    np.testing.assert_allclose(network.predict([[0.0]])[0], y.mean(0), rtol=0.05)


def test_the_head_reads_the_mean_over_real_steps():
    torch.manual_seed(0)
    head = PooledHead(3, 2)
    h = torch.randn(2, 4, 3)
    out = head(Features(h, torch.tensor([2, 4])))
    pooled = torch.stack([h[0, :2].mean(0), h[1].mean(0)])
    torch.testing.assert_close(out, pooled @ head.out.weight.T + head.out.bias)
