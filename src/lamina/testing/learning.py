"""Checks that a network learns: what it is shown, and with every weight that it has."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from lamina.testing.examples import Example
from lamina.testing.fitting import exact, fit, only_where

N_MEMORISED = 16


@only_where(lambda estimator, _: estimator.targets != "nothing")
def check_memorises(estimator: Any, data: Example) -> None:
    """Sixteen samples are learnt almost by heart."""
    rows = np.arange(N_MEMORISED)
    X, y = data.rows(rows), data.target(estimator)[rows]
    network = exact(
        estimator,
        data,
        batch_size=N_MEMORISED,
        learning_rate_init=0.03,
        max_iter=300 if estimator.targets == "texts" else 100,
        alpha=0.0,
    )
    network.fit(X, y)
    if estimator.targets == "texts":  # too short for a score of their own
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
    rows = torch.arange(len(data))
    batch = network.encoder_.encode(data.X).take(rows)
    target = network.task_.encode(data.target(estimator))
    target = None if target is None else target[rows]
    network.task_.loss(model, replace(batch, target=target)).backward()
    for name, parameter in model.named_parameters():
        gradient = parameter.grad
        assert gradient is not None, f"{name} has no gradient"
        assert bool(gradient.isfinite().all()), f"The gradient of {name} is not finite"
        assert bool(gradient.any()), f"The gradient of {name} is zero"
