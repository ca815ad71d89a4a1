"""Checks of what must have no effect: other samples, padding, the container of X."""

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lamina.batch import PAD, Batch
from lamina.encoders.frames import is_frame
from lamina.estimators.base import NeuralEstimator
from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import (
    assert_close,
    assert_same,
    brief,
    exact,
    fit,
    only_where,
    outputs,
)

GARBAGE = 1e3
LONGER = 5
"""Steps of padding that are appended to a batch."""


def check_prediction_ignores_neighbours(
    estimator: NeuralEstimator, data: Example
) -> None:
    """The prediction of a sample does not depend on the other samples and their order."""
    network = fit(brief(estimator, data), data)
    together = outputs(network, data.X)
    rows = np.arange(len(data))
    single = np.concatenate([outputs(network, data.rows([i])) for i in rows])
    assert_close(single, together, 1e-5, "one by one and together")
    reverse = outputs(network, data.rows(rows[::-1]))[::-1]
    assert_close(reverse, together, 1e-5, "in reverse order")
    repeated = outputs(network, data.rows(np.tile(rows, 4)))
    expected = np.tile(together, (4, *[1] * (together.ndim - 1)))
    assert_close(repeated, expected, 1e-5, "repeated")


def _is_padded(estimator: NeuralEstimator, data: Example) -> bool:
    """Whether batches have padding; the end of a document without targets is a token.

    A network that takes tables reads texts without their order.
    """
    has_targets = kind_of(estimator) != "nothing"
    has_steps = data.is_list and "table" not in estimator.forms()
    return has_steps and (has_targets or data.name != "documents")


@only_where(_is_padded)
def check_padding_changes_no_output(estimator: NeuralEstimator, data: Example) -> None:
    """The values and the number of padded steps have no effect on outputs."""
    network = fit(brief(estimator, data), data)
    clean = _batch(network, data)
    with torch.inference_mode():
        expected = _answers(network, clean)
        for batch in (_with_garbage(clean), _with_garbage(_longer(clean))):
            actual = _answers(network, batch)
            assert_close(actual, expected, 1e-5, "outputs with garbage in the padding")


@only_where(_is_padded)
def check_padding_changes_no_gradient(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Padding has no effect on gradients and running statistics."""
    network = fit(exact(estimator, data), data)
    clean = _batch(network, data)
    expected = _training_step(network, clean)
    for batch in (_with_garbage(clean), _with_garbage(_longer(clean))):
        for name, tensor in _training_step(network, batch).items():
            scale = max(float(expected[name].abs().max()), 1e-3)
            assert_close(
                tensor / scale, expected[name] / scale, 1e-4, f"{name} with garbage"
            )


def check_container_makes_no_difference(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Equal samples in lists, frames, tensors and float32 arrays are predicted alike."""
    plain = fit(exact(estimator, data), data)
    expected = outputs(plain, data.X)
    scale = max(float(np.abs(expected).max()), 1.0)
    for name, X in data.containers(data.X).items():
        if name == "lists of tokens" and "table" in estimator.forms():
            continue  # rows of a table
        network = exact(estimator, data).fit(X, data.target(estimator))
        actual = outputs(network, X)
        assert_close(actual / scale, expected / scale, 1e-4, f"fitted on {name}")
        if not is_frame(X):  # of names, fit without names warns
            actual = outputs(plain, X)
            assert_close(
                actual / scale, expected / scale, 1e-5, f"predicted from {name}"
            )


def check_container_of_targets_makes_no_difference(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Equal targets in a list, and in an array of objects, are equivalent."""
    y = data.target(estimator)
    if y is None:
        return
    expected = outputs(fit(brief(estimator, data), data), data.X)
    for name, other in {"list": y.tolist(), "objects": y.astype(object)}.items():
        network = brief(estimator, data).fit(data.X, other)
        assert_same(outputs(network, data.X), expected, f"y as {name}")


def _batch(network: NeuralEstimator, data: Example) -> Batch:
    plain = network.encoder_.read(data.X)
    samples = network.encoder_.encode(plain)
    if kind_of(network) == "nothing":
        samples = samples.in_training()
    target = network.task_.encode(network.task_.read(data.target(network), plain))
    rows = torch.arange(len(data))
    batch = samples.take(rows)
    assert batch.lengths is not None, "A list of unequal samples came without lengths"
    return batch if target is None else replace(batch, target=target[rows])


def _with_garbage(batch: Batch) -> Batch:
    """The batch with large noise, or random tokens, at every padded step."""
    x, lengths = batch.x.clone(), batch.lengths
    assert lengths is not None
    padded = torch.arange(x.shape[1]) >= lengths[:, None]
    generator = torch.Generator().manual_seed(0)
    if x.is_floating_point():
        noise = torch.randn(x.shape, generator=generator) * GARBAGE
    else:
        noise = torch.randint(PAD + 1, int(x.max()) + 1, x.shape, generator=generator)
    x[padded] = noise[padded].to(x.dtype)
    codes = batch.codes
    if codes is not None:
        codes = torch.where(padded, codes.flip(0, 1), codes)
    return replace(batch, x=x, codes=codes)


def _longer(batch: Batch) -> Batch:
    names = ("x", "codes", "spellings")
    values = {name: getattr(batch, name) for name in names}
    return replace(
        batch,
        **{name: _with_more_steps(v) for name, v in values.items() if v is not None},
    )


def _with_more_steps(values: Tensor) -> Tensor:
    more = values.new_zeros(len(values), LONGER, *values.shape[2:])
    return torch.cat([values, more], 1)


def _answers(network: NeuralEstimator, batch: Batch) -> np.ndarray:
    """The outputs of the network; probabilities of the task where they are sequences."""
    if kind_of(network) == "texts":
        return network.task_.likelihoods(network.network_, batch)
    if kind_of(network) == "tags":
        return np.concatenate(network.task_.marginals(network.network_, batch))
    return network.network_(batch).numpy()


def _training_step(network: NeuralEstimator, batch: Batch) -> dict[str, Tensor]:
    """The loss, every gradient and every running statistic of one step."""
    model = copy.deepcopy(network.network_).train()
    loss = network.task_.loss(model, batch)
    loss.backward()
    gradients = {
        f"the gradient of {name}": p.grad
        for name, p in model.named_parameters()
        if p.grad is not None
    }
    statistics = {f"the statistic {name}": b for name, b in model.named_buffers()}
    return {"the loss": loss.detach()} | gradients | statistics
