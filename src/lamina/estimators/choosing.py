"""The number of epochs that is best for samples held out, and the calibration by them."""

from typing import TYPE_CHECKING

from lamina.estimators.data import Data
from lamina.estimators.preparation import loader_of, training_of
from lamina.nn.model import Model
from lamina.seeding import random_stream
from lamina.training.loop import Training
from lamina.training.progress import History
from lamina.training.stopping import Choice

if TYPE_CHECKING:
    from lamina.estimators.fitting import Fitting

TIME = 0.5
"""Fraction of `max_time` for the choice; the fit on all samples takes the other half."""


class SearchMonitor:
    """Prints the epochs of a search if `verbose`; callbacks see those of the fit after it."""

    def __init__(self, verbose: bool):
        self.verbose = verbose

    def epoch_begins(self, model: Model) -> None:
        del model

    def epoch_ends(self, model: Model, history: History) -> bool:
        del model
        if self.verbose:
            print(
                f"Held-out samples, epoch {len(history.epochs)}, "
                f"score {history.validation_scores[-1]:.6f}"
            )
        return False


def search(
    fitting: "Fitting", kept: Data, held_out: Data, seeds: list[int]
) -> Training:
    """A training on the samples that are kept, which has ended."""
    params = fitting.params
    loader = loader_of(fitting, kept, seeds[1])
    monitor = SearchMonitor(bool(params.verbose))
    with random_stream(seeds[2]) as stream:
        training = training_of(
            fitting, loader, fitting.max_epochs(loader), held_out, monitor, stream
        )
        if params.max_time is not None:
            training.clock.seconds = TIME * params.max_time
        training.run()
    return training


def choice_of(fitting: "Fitting", training: Training, held_out: Data) -> Choice | None:
    """What a search has determined; None if it was interrupted or diverged."""
    history, task = training.history, fitting.task
    if history.interrupted or history.diverged:
        return None
    samples = fitting.encoder.encode(held_out.X).in_validation()
    outputs = fitting.estimator.outputs_of(training.model, samples, task.predict)
    temperature = task.best_temperature(held_out.y, outputs, held_out.weight)
    return Choice(history.best_epoch, history.validation_scores, temperature)
