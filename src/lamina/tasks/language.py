"""Language modelling: at each step, the probability of the next token."""

from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from lamina.batch import Batch, Features, State, to_outputs
from lamina.nn.body import Body, RecurrentBody
from lamina.nn.language import STEPS_AT_ONCE
from lamina.nn.losses import cross_entropy, minimise
from lamina.nn.model import Model
from lamina.nn.tied import TiedOutput
from lamina.ragged import step_mask
from lamina.tasks.base import Task


class LanguageModelling(Task):
    """Documents are their own targets: x (B, T + 1), T inputs and the token after each."""

    requires_y: ClassVar = False
    causal: ClassVar = True
    body_type: ClassVar = RecurrentBody
    long_range: ClassVar = False
    default_steps: ClassVar = 5_000
    largest_batch: ClassVar = 32

    def read(self, y: object, X: list[str]) -> list[str]:
        del y  # a text is its own target
        return X

    def head(self, body: Body) -> TiedOutput:
        assert isinstance(body, RecurrentBody)
        assert isinstance(body.embed, nn.Embedding)
        return TiedOutput(body.embed)

    def loss(self, model: Model, batch: Batch) -> Tensor:
        """Mean over the real steps; each row starts from the state carried to it."""
        state = _state_before(model, batch)
        features: Features = model.body(replace(batch, x=batch.x[:, :-1], state=state))
        if batch.carried is not None and features.state is not None:
            batch.carried.state = [
                tuple(s.detach() for s in layer) for layer in features.state
            ]
        mask, target = _mask(batch), to_outputs(batch.x[:, 1:].long())
        weight = None
        if batch.weight is not None:
            weight = batch.weight[:, None].expand_as(mask)[mask]
            weight = weight / weight.mean()
        logits = model.head(features.h[mask]).float()
        return minimise(cross_entropy, logits, target[mask], weight)

    def predict(self, model: Model, batch: Batch) -> np.ndarray:
        """(B,) log-likelihoods of whole documents, in nats."""
        mask, target = _mask(batch), to_outputs(batch.x[:, 1:].long())
        total = torch.zeros(len(batch), dtype=torch.float64, device=batch.x.device)
        for begin, h in _passes(model, batch):
            steps = slice(begin, begin + h.shape[1])
            log_p = model.head.log_p_of(h, target[:, steps].clamp(min=0))
            total += torch.where(mask[:, steps], log_p, 0.0).double().sum(1)
        return total.cpu().numpy()

    def following(self, model: Model, batch: Batch) -> np.ndarray:
        """(B, K) log-probabilities of the unit after each document."""
        last = torch.zeros(len(batch), model.body.width, device=batch.x.device)
        for begin, h in _passes(model, batch):
            step = _lengths(batch) - 1 - begin
            is_here = (step >= 0) & (step < h.shape[1])
            last[is_here] = h[is_here, step[is_here]]
        return model.head(last).double().log_softmax(1).cpu().numpy()

    def features(self, model: Model, batch: Batch) -> np.ndarray:
        """(B, D) means of the features over the steps of each document."""
        mask, total = _mask(batch), 0.0
        for begin, h in _passes(model, batch):
            steps = mask[:, begin : begin + h.shape[1], None]
            total = total + torch.where(steps, h, 0.0).sum(1)
        return (total / _lengths(batch)[:, None]).cpu().numpy()

    def score(
        self, y: list[str], outputs: np.ndarray, weight: np.ndarray | None
    ) -> float:
        """Minus the bits per character; the end of a text counts as a character."""
        n_characters = np.array([len(text) + 1 for text in y])
        weight = np.ones(len(y)) if weight is None else weight
        return float(weight @ outputs / (weight @ n_characters) / np.log(2))


def _state_before(model: Model, batch: Batch) -> State:
    """What each row starts from: the carried state, or zero where `resets_state`."""
    carried, n = batch.carried and batch.carried.state, len(batch)
    # A batch with more rows than the one before continues none of them.
    if carried is None or batch.resets_state is None or carried[0][0].shape[1] < n:
        return _recurrent(model).start(n)
    resets = batch.resets_state[:, None]
    return [
        tuple(s[:, :n].masked_fill(resets, 0.0) for s in layer) for layer in carried
    ]


def _recurrent(model: Model) -> RecurrentBody:
    """The body of a language model."""
    assert isinstance(model.body, RecurrentBody)
    return model.body


def _lengths(batch: Batch) -> Tensor:
    """(B,) the steps of each document."""
    assert batch.lengths is not None
    return batch.lengths


def _mask(batch: Batch) -> Tensor:
    """(B, T), True at the real steps of x (B, T + 1)."""
    return step_mask(_lengths(batch), batch.x.shape[1] - 1)


def _passes(model: Model, batch: Batch) -> Iterator[tuple[int, Tensor]]:
    """(first step, h (B, T', D)) over documents of any length, some steps at a time."""
    state = _recurrent(model).start(len(batch))
    for begin in range(0, int(_lengths(batch).max()), STEPS_AT_ONCE):
        x = batch.x[:, begin : min(begin + STEPS_AT_ONCE, batch.x.shape[1] - 1)]
        features = model.body(Batch(x, state=state))
        state = features.state
        yield begin, features.h
