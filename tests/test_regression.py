"""Regression: losses, quantiles, and the range of predictions."""

from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import huber as scipy_huber
from sklearn.metrics import (
    d2_pinball_score,
    mean_gamma_deviance,
    mean_pinball_loss,
)

from lamina import CNNRegressor, DNNRegressor, RNNRegressor
from lamina.batch import Batch
from lamina.exceptions import DataError, ParameterError
from lamina.nn import losses
from lamina.nn.losses import minimise
from lamina.tasks.regression import Regression
from lamina.tasks.regression_loss import LOSSES, RegressionParams

CALM = settings(deadline=None, max_examples=40)
RNG = np.random.default_rng(0)
CONSTANT = {
    "hidden_layer_sizes": (),
    "max_iter": 200,
    "n_iter_no_change": 200,
    "early_stopping": False,
    "batch_size": 200,
    "learning_rate_init": 0.05,
    "alpha": 0.0,
    "n_members": 1,
    "random_state": 0,
}
"""A network without inputs, which learns one number for all samples."""
BRIEF = {"max_iter": 2, "n_members": 2, "hidden_layer_sizes": 8, "random_state": 0}
SAMPLES = RNG.normal(size=(60, 3))
TARGET = 5 + SAMPLES[:, 0] + 0.1 * RNG.normal(size=60)


class Says(torch.nn.Module):
    """A model whose output is given."""

    def __init__(self, output):
        super().__init__()
        self.output = torch.tensor(np.asarray(output), dtype=torch.float32)

    def forward(self, batch):
        del batch
        return self.output


def regression(y, **params):
    """A task that was fitted on y."""
    task = Regression(RegressionParams(**params))
    return task.fit(task.read(y, None), None)


def predicted(task, output):
    return task.predict(Says(output), Batch(torch.zeros(len(output), 1)))


def pinball(output, target, levels):
    error = target.unsqueeze(2) - output.unflatten(1, (-1, len(levels)))
    levels = torch.tensor(levels, dtype=output.dtype)
    return torch.maximum(levels * error, (levels - 1) * error).flatten(1)


DELTAS = (0.5, 2.0)
LEVELS = (0.1, 0.5, 0.7)
PAIRS = {
    "squared_error": (losses.squared_error, F.mse_loss),
    "absolute_error": (losses.absolute_error, F.l1_loss),
    "huber": (lambda o, t, w: losses.huber(o, t, w, (0.7, 0.7)), None),
    "huber, two deltas": (lambda o, t, w: losses.huber(o, t, w, DELTAS), None),
    "poisson": (losses.poisson, F.poisson_nll_loss),
    "gamma": (losses.gamma, None),
    "quantile": (lambda o, t, w: losses.pinball(o, t, w, LEVELS), None),
    "one quantile": (lambda o, t, w: losses.pinball(o, t, w, (0.3,)), None),
}
BY_TORCH = {
    "huber": lambda o, t: F.huber_loss(o, t, delta=0.7, reduction="none"),
    "huber, two deltas": lambda o, t: torch.stack(
        [
            F.huber_loss(o[:, k], t[:, k], delta=delta, reduction="none")
            for k, delta in enumerate(DELTAS)
        ],
        dim=1,
    ),
    "gamma": lambda o, t: o + t / o.exp(),
    "quantile": lambda o, t: pinball(o, t, LEVELS),
    "one quantile": lambda o, t: pinball(o, t, (0.3,)),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("by_columns", [False, True])
def test_losses_and_gradients_are_those_of_torch_and_autograd(
    name, is_weighted, by_columns
):
    ours, theirs = PAIRS[name]
    values = BY_TORCH.get(name) or (lambda o, t: theirs(o, t, reduction="none"))
    rng = torch.Generator().manual_seed(0)
    target = torch.rand(9, 2, dtype=torch.double, generator=rng) * 3 + 0.1
    width = 6 if name == "quantile" else 2
    output = torch.randn(9, width, dtype=torch.double, generator=rng)
    if by_columns:  # as the kernel of a dense network stores it
        output = output.t().contiguous().t()
    weight = torch.rand(9, generator=rng).double() if is_weighted else None
    output.requires_grad_()
    truth = values(output, target).mean(1)
    truth = (truth if weight is None else truth * weight).mean()
    (gradient,) = torch.autograd.grad(truth, output)
    loss, actual = ours(output.detach(), target, weight)
    torch.testing.assert_close(loss, truth.detach())
    torch.testing.assert_close(actual, gradient)
    assert torch.autograd.gradcheck(lambda o: minimise(ours, o, target, weight), output)


def test_the_huber_loss_is_scipys():
    output, target = RNG.normal(size=(2, 50, 1)) * 3
    loss, _ = losses.huber(torch.tensor(output), torch.tensor(target), None, (0.7,))
    assert loss.item() == pytest.approx(scipy_huber(0.7, output - target).mean())


def test_the_gamma_loss_differs_from_half_the_deviance_by_a_constant_only():
    y = RNG.gamma(2, 3, size=40)
    task, differences = regression(y, loss="gamma"), []
    for _ in range(3):
        output = RNG.normal(size=(40, 1)) / 4
        mean = np.exp(output[:, 0]) * y.mean()
        loss = task.criterion(torch.tensor(output), task.encode(y).double(), None)[0]
        differences.append(loss.item() - mean_gamma_deviance(y, mean) / 2)
    np.testing.assert_allclose(differences, differences[0], atol=1e-5)


def test_the_gamma_loss_learns_the_mean():
    y = np.repeat([0.5, 2, 7], [80, 60, 60])
    network = DNNRegressor(loss="gamma", **CONSTANT).fit(np.zeros((200, 1)), y)
    assert network.predict([[0.0]])[0] == pytest.approx(y.mean(), rel=0.01)


def test_several_quantiles_are_learnt_at_once_for_each_output():
    y = np.random.default_rng(1).exponential([10, 1], (200, 2))
    levels = (0.8, 0.1, 0.5)
    network = DNNRegressor(loss="quantile", quantiles=levels, **CONSTANT)
    values = network.fit(np.zeros((200, 1)), y).predict([[0.0]])[0]
    for column, quantiles in zip(y.T, values, strict=True):
        below = (column[:, None] < quantiles).mean(0)
        np.testing.assert_allclose(below, levels, atol=0.03)


@CALM
@given(
    st.lists(st.floats(0.001, 0.999), min_size=1, max_size=5, unique=True),
    st.integers(1, 3),
    st.data(),
)
def test_quantiles_never_cross_whatever_the_outputs(levels, n, data):
    task = regression(SAMPLES[:, :n], loss="quantile", quantiles=levels)
    shape = (2, 4, n * len(levels))
    output = data.draw(arrays(np.float32, shape, elements=st.floats(-9, 9, width=32)))
    for each in (output, output[0]):  # of two members, and of one network
        quantiles = task.predict(Says(each), Batch(torch.zeros(4, 1)))
        assert quantiles.shape == (4, n, len(levels))
        rising = quantiles[:, :, np.argsort(levels)]
        assert (np.diff(rising, axis=2) >= 0).all()


@pytest.mark.parametrize("estimator", [DNNRegressor, CNNRegressor, RNNRegressor])
def test_networks_predict_quantiles_in_their_order(estimator):
    X = SAMPLES if estimator is DNNRegressor else SAMPLES[:, :, None]
    network = estimator(
        loss="quantile", quantiles=[0.9, 0.2], max_iter=1, random_state=0
    )
    values = network.fit(X, TARGET).predict(X)
    assert values.shape == (60, 2)
    assert (values[:, 0] >= values[:, 1]).all()
    scores = [
        d2_pinball_score(TARGET, values[:, j], alpha=level)
        for j, level in enumerate([0.9, 0.2])
    ]
    assert network.score(X, TARGET) == pytest.approx(np.mean(scores))


@pytest.mark.parametrize(
    ("quantiles", "shape"), [(0.3, ()), ((0.3,), (1,)), ([0.3, 0.6], (2,))]
)
@pytest.mark.parametrize("n_outputs", [None, 1, 3])
def test_a_sequence_of_quantiles_adds_an_axis(quantiles, shape, n_outputs):
    y = TARGET if n_outputs is None else np.stack([TARGET] * n_outputs, axis=1)
    network = DNNRegressor(loss="quantile", quantiles=quantiles, **BRIEF)
    assert network.fit(SAMPLES, y).predict(SAMPLES).shape == (*y.shape, *shape)


def test_the_score_of_weighted_quantiles_is_scikit_learns():
    weight = RNG.random(60)
    network = DNNRegressor(loss="quantile", quantiles=0.8, **BRIEF)
    network.fit(SAMPLES, TARGET)
    truth = d2_pinball_score(
        TARGET, network.predict(SAMPLES), alpha=0.8, sample_weight=weight
    )
    assert network.score(SAMPLES, TARGET, weight) == pytest.approx(truth)


def test_a_fit_of_several_quantiles_is_stopped_by_their_mean_loss():
    levels = (0.9, 0.3)
    network = DNNRegressor(loss="quantile", quantiles=levels, **BRIEF)
    network.fit(SAMPLES, TARGET, X_val=SAMPLES[:9], y_val=TARGET[:9])
    values, scale = network.predict(SAMPLES[:9]), network.task_.scale
    costs = [
        mean_pinball_loss(TARGET[:9], column, alpha=level) / scale
        for column, level in zip(values.T, levels, strict=True)
    ]
    assert network.validation_scores_[-1] == pytest.approx(-np.mean(costs), rel=1e-4)


@pytest.mark.parametrize(
    "quantiles", [(), (0.1, 0.1), 0.0, 1.0, (0.5, 2.0), "0.5", [None]]
)
def test_quantiles_are_distinct_and_between_zero_and_one(quantiles):
    network = DNNRegressor(loss="quantile", quantiles=quantiles)
    with pytest.raises(ParameterError, match="quantiles"):
        network.fit(SAMPLES, TARGET)


def test_other_quantiles_are_refused_where_training_is_continued():
    network = DNNRegressor(loss="quantile", quantiles=(0.1, 0.9), **BRIEF)
    network.fit(SAMPLES, TARGET).set_params(quantiles=(0.5,))
    with pytest.raises(ParameterError, match="quantiles"):
        network.partial_fit(SAMPLES, TARGET)


@pytest.mark.parametrize(
    ("value", "remedy"), [(0.0, "poisson"), (-1.0, "squared_error")]
)
def test_the_gamma_loss_refuses_targets_that_are_not_above_zero(value, remedy):
    y = TARGET.copy()
    y[7] = value
    with pytest.raises(DataError, match=rf"needs targets above 0; y\[7\].*{remedy}"):
        DNNRegressor(loss="gamma", **BRIEF).fit(SAMPLES, y)


targets = arrays(np.float64, 6, elements=st.floats(0.5, 1e6))
outputs = arrays(np.float32, (4, 1), elements=st.floats(-(2.0**99), 2.0**99, width=32))


@CALM
@given(targets, outputs, st.sampled_from(sorted(LOSSES)))
def test_predictions_lie_in_the_documented_range(y, output, loss):
    values = predicted(regression(y, loss=loss), output)
    if LOSSES[loss].positive:
        low, high = np.nextafter(0, 1), 2 * y.max()
    else:
        margin = (y.max() - y.min()) / 2
        low, high = y.min() - margin, y.max() + margin
    assert ((low <= values) & (values <= high)).all()


def test_each_output_has_its_own_range():
    y = np.array([[0.0, 100], [2, 300]])
    values = predicted(regression(y), [[-99, -99], [99, 99.0]])
    np.testing.assert_array_equal(values, [[-1, 0], [3, 400]])


def test_counts_that_are_all_zero_are_predicted_as_nearly_zero():
    values = predicted(regression(np.zeros(5), loss="poisson"), [[-50.0], [50.0]])
    assert ((values > 0) & (values < 1e-9)).all()


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_a_strange_cell_gives_no_absurd_prediction(loss):
    network = DNNRegressor(loss=loss, **BRIEF).fit(SAMPLES, TARGET)
    strange = SAMPLES.copy()
    strange[::2] = 1e9
    assert (np.abs(network.predict(strange)) <= 2 * TARGET.max()).all()


def test_later_targets_extend_the_range_of_partial_fit():
    network = DNNRegressor(**CONSTANT | {"learning_rate_init": 0.3})
    X = np.zeros((20, 1))
    network.partial_fit(X, np.linspace(0, 1, 20))
    for _ in range(60):
        network.partial_fit(X, np.full(20, 3.0))
    assert network.predict([[0.0]])[0] > 2


def test_targets_of_another_shape_are_refused_where_training_is_continued():
    network = DNNRegressor(**BRIEF).fit(SAMPLES, np.stack([TARGET] * 2, axis=1))
    with pytest.raises(DataError, match=r"y has shape \(60, 3\)"):
        network.partial_fit(SAMPLES, np.stack([TARGET] * 3, axis=1))


def test_a_linear_function_is_extrapolated_to_twice_its_range():
    y = np.linspace(-3, 3, 31) + 7
    task = regression(y)
    far = 2 * (y - 7) + 7
    output = ((far - task.mean) / task.scale)[:, None]
    np.testing.assert_allclose(predicted(task, output), far, rtol=1e-6)


def test_the_members_quantiles_rise_with_their_level():
    levels = (0.05, 0.25, 0.5, 0.75, 0.95)
    network = DNNRegressor(loss="quantile", quantiles=levels, **BRIEF)
    values = network.fit(SAMPLES, TARGET).predict(10 * SAMPLES)
    for lower, upper in pairwise(values.T):
        assert (lower <= upper).all()
