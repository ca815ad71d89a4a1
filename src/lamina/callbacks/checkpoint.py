"""Files of the estimator as it is after some epochs."""

import math
import warnings
from dataclasses import dataclass
from os import PathLike, fspath

from sklearn.callback import CallbackContext

from lamina.callbacks.base import EpochCallback, place_of, save
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import CheckpointWarning
from lamina.params import at_least, check_value
from lamina.training.stopping import Epoch


@dataclass
class SavedEpochs:
    """What a fit saved."""

    place: str
    best: float = -math.inf
    has_warned: bool = False


class Checkpoint(EpochCallback[SavedEpochs]):
    """Saves the estimator after epochs, as it would be if `fit` ended there.

    The files are those of `lamina.save`, for `lamina.load`: they predict, export and are
    trained further. The parameter `checkpoint` of estimators is for another purpose: its
    file contains the state of a fit that was killed, from which the same call resumes.
    The networks that a search for the number of epochs trains are not saved.

    Parameters
    ----------
    path : str or path-like
        The file, which is replaced. "{epoch}" in it stands for the number of the epoch, so
        that each has a file, and "{fit}" for the number of the fit in a search, whose fits
        would overwrite one another otherwise.
    best_only : bool, default=True
        Save an epoch only if none before has a greater validation score, or a smaller loss
        in a fit without validation samples.
    every_n_epochs : int, default=1
        Consider each of so many epochs.

    Warns
    -----
    CheckpointWarning
        A file could not be written; training continues.

    Examples
    --------
    >>> import lamina
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from tempfile import TemporaryDirectory
    >>> from lamina.callbacks import Checkpoint
    >>> X, y = load_iris(return_X_y=True)
    >>> network = lamina.DNNClassifier(max_iter=2, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "epoch-{epoch}.lamina")
    ...     _ = network.set_callbacks(Checkpoint(path, best_only=False)).fit(X, y)
    ...     lamina.load(Path(folder, "epoch-1.lamina")).n_iter_
    1
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        best_only: bool = True,
        every_n_epochs: int = 1,
    ):
        super().__init__()
        check_value("argument 'every_n_epochs'", every_n_epochs, at_least(1))
        self.path, self.best_only = fspath(path), best_only
        self.every_n_epochs = every_n_epochs

    def begin(
        self,
        estimator: NeuralEstimator,
        context: CallbackContext,
        before: SavedEpochs | None,
    ) -> SavedEpochs:
        del estimator
        return before or SavedEpochs(place_of(context))

    def epoch(
        self, run: SavedEpochs, estimator: NeuralEstimator, context: CallbackContext
    ) -> None:
        del estimator
        progress, every = context.progress, self.every_n_epochs
        if progress.task_name == "search":
            return
        n_before = progress.n_before
        number = n_before + len(progress.epochs)
        if number % every:
            return
        # Also those before a fit was resumed from its checkpoint.
        values = [
            _value(epoch)
            for i, epoch in enumerate(progress.epochs, n_before + 1)
            if i % every == 0
        ]
        if self.best_only and not values[-1] >= max(run.best, *values):
            return
        run.best = values[-1]
        path = self.path.replace("{epoch}", str(number)).replace("{fit}", run.place)
        try:
            save(context.fitted_estimator(), path)
        except OSError as error:
            if not run.has_warned:
                warnings.warn(
                    f"Training continues, but epoch {number} was not saved in {path!r}: "
                    f"{error}. Make space, or make the folder writable.",
                    CheckpointWarning,
                    stacklevel=2,
                )
            run.has_warned = True


def _value(epoch: Epoch) -> float:
    """What epochs are compared by, greater is better; a NaN is worse than any other."""
    value = -epoch.loss if epoch.score is None else epoch.score
    return -math.inf if math.isnan(value) else value
