"""Checks that a network learns: what it is shown, and with every weight that it has."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import exact, fit, only_where

N_MEMORISED = 16


@only_where(lambda estimator, _: kind_of(estimator) != "nothing")
def check_memorises(estimator: Any, data: Example) -> None:
    """Sixteen samples are learnt almost by heart."""
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
    if kind_of(estimator) == "texts":  # too short for a score of their own
        found = zip(network.predict(X), y, strict=True)
        score = np.mean([text == wanted for text, wanted in found])
    else:
        score = network.score(X, y)
    assert score > 0.9, f"The score on {N_MEMORISED} training samples is {score:.3f}"


def check_loss_falls(estimator: Any, data: Example) -> None:
    """The loss curve has an entry for each epoch and goes down."""
    network = fit(exact(estimator, data, max_iter=6, learning_rate_init=0.01), data)
    curve = network.loss_curve_
    assert len(curve) == network.n_iter_ == 6, f"{len(curve)} losses for 6 epochs"
    assert np.isfinite(curve).all() and curve[-1] < curve[0], f"The losses are {curve}"


def check_gradient_reaches_every_parameter(estimator: Any, data: Example) -> None:
    """No weight is left out: each has a gradient that is not zero and not NaN."""
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
