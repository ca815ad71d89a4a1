"""The number of epochs that is best for samples held out, and the calibration by them."""

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.encoders.base import Encoder
from lamina.estimators.data import Data, weights_with_targets
from lamina.estimators.preparation import fit_encoder, loader_of, training_of
from lamina.estimators.transfer import has_encoder
from lamina.estimators.validation import Validation
from lamina.seeding import random_stream, spawn
from lamina.training.loop import Training
from lamina.training.stopping import Choice

if TYPE_CHECKING:
    from lamina.estimators.fitting import Fitting


@dataclass
class Trial:
    """The scores of a training on some samples, and its outputs for the rows held out."""

    scores: list[float]
    rows: np.ndarray
    outputs: Any


def search(
    fitting: "Fitting", data: Data, validation: Validation, seeds: list[int]
) -> tuple[Choice | None, Training]:
    """The choice by one or several splits of the samples, and the last training.

    The choice is None if that training was interrupted or diverged; the fit then has the
    encoder of that training.
    """
    n_splits = fitting.recipe.n_splits
    trials: list[Trial] = []
    training = None
    for seed in spawn(seeds[0], n_splits):
        rows = validation.split(
            fitting.params, fitting.recipe, data, fitting.task, seed, fitting.rows
        )
        assert rows is not None
        kept, held_out = (data.take(part) for part in rows)
        training, encoder = _trained(fitting, kept, held_out, seeds)
        if training.history.interrupted or training.history.diverged:
            fitting.encoder = encoder
            return None, training
        samples = encoder.encode(held_out.X).in_validation()
        outputs = fitting.estimator.outputs_of(
            training.model, samples, fitting.task.predict
        )
        trials.append(Trial(training.history.validation_scores, rows[1], outputs))
    assert training is not None
    return _choice_of(fitting, data, trials), training


def _of_part(fitting: "Fitting", kept: Data) -> "Fitting":
    """The same fit, with the encoder that a fit on these samples would have."""
    part = copy.copy(fitting)
    if fitting.encoder.is_fitted_again and not has_encoder(fitting.source):
        part.encoder = copy.deepcopy(fitting.encoder)
        fit_encoder(part.encoder, kept, fitting.task)
    return part


def _trained(
    fitting: "Fitting", kept: Data, held_out: Data, seeds: list[int]
) -> tuple[Training, Encoder]:
    """A training on the samples that are kept, which has ended, and its encoder."""
    part = _of_part(fitting, kept)
    loader = loader_of(part, kept, seeds[1])
    n_epochs = fitting.max_epochs(loader)
    with (
        random_stream(seeds[2]) as stream,
        fitting.tasks.training("search", n_epochs) as monitor,
    ):
        training = training_of(part, loader, n_epochs, held_out, monitor, stream)
        if training.clock.seconds is not None:
            training.clock.seconds /= fitting.recipe.n_splits
        history = training.run()
        if not (history.interrupted or history.diverged):
            fitting.searched = training, part.encoder
    return training, part.encoder


def _choice_of(fitting: "Fitting", data: Data, trials: list[Trial]) -> Choice:
    """The epoch with the best mean score, the last one of equal ones."""
    curves = [trial.scores for trial in trials]
    longest = max(map(len, curves))
    # A training that was stopped would not have become better.
    scores = np.mean([c + c[-1:] * (longest - len(c)) for c in curves], axis=0)
    n_epochs = longest - int(scores[::-1].argmax())
    outputs = np.concatenate([trial.outputs for trial in trials])
    held_out = data.take(np.concatenate([trial.rows for trial in trials]))
    weight = weights_with_targets(fitting.task, held_out)
    temperature = fitting.task.best_temperature(held_out.y, outputs, weight)
    return Choice(n_epochs, scores.tolist(), temperature)
