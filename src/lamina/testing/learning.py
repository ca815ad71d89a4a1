"""Checks that a network learns, and that all of its parameters do."""

import copy
from dataclasses import replace

import numpy as np
import torch

from lamina.estimators.base import NeuralEstimator
from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import exact, fit, only_where

N_MEMORISED = 16


@only_where(lambda estimator, _: kind_of(estimator) != "nothing")
def check_memorises(estimator: NeuralEstimator, data: Example) -> None:
    """Sixteen samples are memorised."""
    rows = np.arange(N_MEMORISED)
    X, y = data.rows(rows), data.target(estimator, rows)
    network = exact(
        estimator,
        data,
        batch_size=N_MEMORISED,
        learning_rate_init=0.03,
        max_iter=300 if kind_of(estimator) == "texts" else 100,
        alpha=0.0,
    )
    network.fit(X, y)
    if kind_of(estimator) == "texts":  # too short for chrF
        pairs = zip(network.predict(X), y, strict=True)
        score = np.mean([text == expected for text, expected in pairs])
    else:
        score = network.score(X, y)
    assert score > 0.9, f"The score on {N_MEMORISED} training samples is {score:.3f}"


def check_loss_falls(estimator: NeuralEstimator, data: Example) -> None:
    """The loss curve has an entry for each epoch and decreases."""
    network = fit(exact(estimator, data, max_iter=6, learning_rate_init=0.01), data)
    curve = network.loss_curve_
    assert len(curve) == network.n_iter_ == 6, f"{len(curve)} losses for 6 epochs"
    assert np.isfinite(curve).all() and curve[-1] < curve[0], f"The losses are {curve}"


def check_gradient_reaches_every_parameter(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Each parameter of the network has a gradient that is finite and not zero."""
    network = fit(exact(estimator, data), data)
    model = copy.deepcopy(network.network_).train()
    plain = network.encoder_.read(data.X)
    samples = network.encoder_.encode(plain).in_training()
    rows = torch.arange(len(samples))
    batch = samples.take(rows)
    target = network.task_.encode(network.task_.read(data.target(estimator), plain))
    batch = batch if target is None else replace(batch, target=target[rows])
    network.task_.loss(model, batch).backward()
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        assert gradient is not None, f"{name} has no gradient"
        assert bool(gradient.isfinite().all()), f"The gradient of {name} is not finite"
        assert bool(gradient.any()), f"The gradient of {name} is zero"
