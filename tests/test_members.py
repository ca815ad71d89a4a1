"""Members: networks that share layers, against each of them by itself."""

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax, logit, softmax
from torch import nn

from lamina import DNNClassifier, DNNRegressor
from lamina.batch import Batch, Spec
from lamina.bodies.dense import DenseBody, DenseParams
from lamina.kernels.activations import ACTIVATIONS
from lamina.nn.members import log_mean, samples_of_members
from lamina.nn.model import Model
from lamina.tasks.classification import (
    ClassificationParams,
    SingleLabelClassification,
)
from lamina.training import gradients
from lamina.training.plan import ExecutionPlan

RNG = np.random.default_rng(0)
FLOAT32 = ExecutionPlan(torch.device("cpu"), torch.float32)
EDGES = ((-1.0, 0.0, 0.5, 2.0), (), (-2.0, -1.0, 1.0))
SPEC = Spec(n_channels=4, edges=EDGES, n_categories=(5,))


def network(**params):
    torch.manual_seed(0)
    params = {"hidden_layer_sizes": (6, 5), "dropout": 0.0, "n_members": 3} | params
    task = SingleLabelClassification(ClassificationParams()).fit(np.arange(4), None)
    body = DenseBody(SPEC, DenseParams(**params))
    return Model(body, task.head(body)), task


def batch(n=20, weighted=False):
    torch.manual_seed(1)
    weight = torch.rand(n) if weighted else None
    codes = torch.randint(0, 5, (n, 1))
    target = torch.randint(0, 4, (n,))
    return Batch(torch.randn(n, 4), codes, target=target, weight=weight)


def member(model, m, x):
    """The outputs of one member, by plain products."""
    h = x * model.body.members.factors[m]
    for linear in model.body.layers.linears:
        h = torch.relu(h @ linear.weight.T + linear.bias)
    return h @ model.head.out.weight[m] + model.head.out.bias[m]


def test_each_member_is_a_network():
    model, _ = network()
    model.eval()
    outputs, x = model(batch()), model.body.inputs(batch())
    assert outputs.shape == (3, 20, 4)
    for m in range(3):
        torch.testing.assert_close(outputs[m], member(model, m, x))
    assert not torch.allclose(outputs[0], outputs[1])


def test_one_member_is_a_plain_network():
    model, _ = network(n_members=1)
    assert model(batch()).shape == (20, 4)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_kernel_has_the_loss_and_the_gradients_of_autograd(activation, weighted):
    results = []
    for way in ("kernel", "autograd"):
        model, task = network(activation=activation)
        if way == "kernel":
            step = gradients.gradients_of(model, task, FLOAT32)
            assert isinstance(step, gradients.ByKernel)
        else:
            step = gradients.ByAutograd(model, task, FLOAT32)
        loss = step(batch(weighted=weighted))
        results.append([loss, *(p.grad.clone() for p in model.parameters())])
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-6)


def test_the_loss_is_the_mean_of_the_members_losses():
    model, task = network()
    data = batch(weighted=True)
    losses = [
        task.criterion(output, data.target, data.weight)[0] for output in model(data)
    ]
    torch.testing.assert_close(task.loss(model, data), torch.stack(losses).mean())


def test_samples_of_members_repeats_targets_and_weights():
    output = torch.randn(2, 3, 4)
    target, weight = torch.arange(6).view(3, 2), torch.rand(3)
    z, t, w = samples_of_members(output, target, weight)
    np.testing.assert_array_equal(z, output.reshape(6, 4))
    np.testing.assert_array_equal(t, np.tile(target, (2, 1)))
    np.testing.assert_array_equal(w, np.tile(weight, 2))


def test_log_mean_is_that_of_probabilities():
    logits = 30 * torch.randn(5, 7, 3).double()
    mean = softmax(logits.numpy(), -1).mean(0)
    np.testing.assert_allclose(log_mean(logits.log_softmax(-1)).exp(), mean, rtol=1e-9)


def outputs_of_members(estimator, X):
    plain = estimator.encoder_.read(X)
    samples = estimator.encoder_.encode(plain)
    with torch.no_grad():
        return estimator.network_(samples.take(torch.arange(len(X)))).double().numpy()


def test_probabilities_are_means_over_the_members():
    X = RNG.normal(size=(60, 3))
    fit = {"max_iter": 3, "random_state": 0}
    y = (X[:, 0] > 0).astype(int)
    single = DNNClassifier(**fit).fit(X, y)
    truth = softmax(outputs_of_members(single, X), -1).mean(0)
    np.testing.assert_allclose(single.predict_proba(X), truth, atol=1e-6)

    several = DNNClassifier(**fit).fit(X, np.stack([y, 1 - y, y], 1))
    truth = expit(outputs_of_members(several, X)).mean(0)
    np.testing.assert_allclose(several.predict_proba(X), truth, atol=1e-6)
    np.testing.assert_allclose(several.decision_function(X), logit(truth), atol=1e-4)

    outputs = DNNClassifier(**fit).fit(X, np.stack([y, y + (X[:, 1] > 0)], 1))
    parts = np.split(outputs_of_members(outputs, X), [2], axis=-1)
    for p, part in zip(outputs.predict_proba(X), parts, strict=True):
        np.testing.assert_allclose(p, softmax(part, -1).mean(0), atol=1e-6)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_predictions_of_numbers_are_means_over_the_members(loss):
    X = RNG.normal(size=(60, 3))
    y = np.exp(X[:, 0])
    network = DNNRegressor(loss=loss, max_iter=3, random_state=0).fit(X, y)
    outputs = outputs_of_members(network, X)[..., 0]
    outputs = np.exp(outputs) if loss == "poisson" else outputs
    truth = outputs.mean(0) * network.task_.scale + network.task_.mean
    np.testing.assert_allclose(network.predict(X), truth, rtol=1e-5)


def test_members_differ_and_their_mean_is_better():
    X = RNG.normal(size=(600, 5))
    y = X[:, 0] * X[:, 1] + 0.5 * RNG.normal(size=600)
    network = DNNRegressor(max_iter=30, random_state=0).fit(X[:300], y[:300])
    outputs = outputs_of_members(network, X[300:])[..., 0]
    predictions = outputs * network.task_.scale + network.task_.mean
    errors = ((predictions - y[300:]) ** 2).mean(1)
    assert ((predictions.mean(0) - y[300:]) ** 2).mean() < errors.mean()


def test_a_temperature_is_the_one_with_the_least_log_loss():
    truth = RNG.normal(size=(4000, 3)) * 2
    p = softmax(truth, 1)
    y = np.array([RNG.choice(3, p=row) for row in p])
    task = SingleLabelClassification(ClassificationParams()).fit(np.arange(3), None)
    for factor in (0.5, 1.0, 2.5):
        assert task.best_temperature(y, truth * factor, None) == pytest.approx(
            factor, rel=0.1
        )
    # Weights of 0 leave samples out.
    wrong = np.concatenate([truth, -5 * truth]), np.concatenate([y, y])
    weight = np.repeat([1.0, 0.0], 4000)
    assert task.best_temperature(wrong[1], wrong[0], weight) == pytest.approx(
        1, rel=0.1
    )


def test_a_temperature_divides_logits():
    X = RNG.normal(size=(60, 3))
    network = DNNClassifier(max_iter=3, random_state=0).fit(X, np.arange(60) % 3)
    plain = network.predict_log_proba(X)
    network.task_.temperature = 2.0
    np.testing.assert_allclose(
        network.predict_log_proba(X), log_softmax(plain / 2, axis=1), atol=1e-9
    )


def test_a_head_of_another_class_has_no_kernel():
    model, _ = network()
    assert model.body.kernel(nn.Linear(5, 4), torch.float32) is None
