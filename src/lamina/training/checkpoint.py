"""Checkpoints: the state of a fit in a file, from which the same call of `fit` resumes.

The file has two generations: `path` is the newest, and `path.previous` is kept until the
next one is complete. Writing takes place between two steps, in the thread of the fit.
"""

import os
import re
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from lamina import archive
from lamina.exceptions import CheckpointWarning, ParameterError, SavedFileError
from lamina.params import Rule
from lamina.state import Stored, assembled, dismantled
from lamina.training.loader import Place
from lamina.training.stopping import Choice, Stopping

if TYPE_CHECKING:
    from lamina.training.progress import Clock, History, Losses

KIND = "checkpoint"
SECONDS = {"s": 1, "min": 60, "h": 3600}
INTERVAL = re.compile(r"(\d+(?:\.\d+)?) ?(s|min|h)|([1-9]\d*) epochs?")


@dataclass
class TrainingState(Stored):
    """All that determines how training continues after a step."""

    live: list[Tensor]
    """Weights and buffers of the network."""
    kept: list[Tensor]
    """Those of the epoch that would be kept if training ended here."""
    optimizer: list[Tensor]
    gradients: Any
    """Streams of the parts of a batch, masks drawn in advance, and the scale of losses."""
    stream: dict[str, Any]
    place: Place
    losses: "Losses"
    clock: "Clock"
    history: "History"
    stopping: Stopping
    selects: bool
    """Whether the network of the best epoch is kept."""
    average: tuple[int, list[Tensor]] | None
    """The number of steps that were averaged, and the averages of the weights."""


@dataclass
class FitState(Stored):
    """The state of a fit, and what a call must have in common with it to resume it."""

    params: dict[str, str]
    """Each parameter that affects the result, as text."""
    digests: dict[str, str | None]
    """Of each argument of `fit`, by name."""
    plan: dict[str, str]
    """How batches are computed."""
    machine: dict[str, str]
    """Versions and processor, which determine the last bits of a result."""
    seed: int
    rows: tuple[np.ndarray, np.ndarray] | None
    """Samples to train on and to validate by, where some are held out."""
    choice: Choice | None = None
    """What those determined, if the network is fitted on all samples."""
    training: TrainingState | None = None


def interval() -> Rule:
    """A time, or a number of epochs."""
    return Rule(
        "str like '60s', '5min', '1h' or '2 epochs'",
        lambda v: isinstance(v, str) and INTERVAL.fullmatch(v) is not None,
    )


class Checkpoint:
    """The file of one fit."""

    def __init__(self, path: str | os.PathLike[str], every: str):
        self.path = Path(os.fsdecode(path)).absolute()
        self.previous = self.path.with_name(f"{self.path.name}.previous")
        match = INTERVAL.fullmatch(every)
        assert match is not None  # `interval` has checked it
        number, unit, epochs = match.groups()
        self.seconds = float(number) * SECONDS[unit] if unit else None
        self.n_epochs = int(epochs or 0)
        self.fit: FitState | None = None
        """What is written with the state of training."""
        self.saved_at, self.n_ended, self.has_warned = time.monotonic(), 0, False
        if not self.path.parent.is_dir() or self.path.is_dir():
            raise ParameterError(
                f"checkpoint={str(path)!r} cannot be written: it must be the name of a "
                f"file in a folder that exists."
            )

    def load(self) -> FitState | None:
        """The state that was saved last; None if there is none."""
        archive.remove_parts(self.path)
        errors = []
        for path in (self.path, self.previous):
            try:
                tree, arrays, versions = archive.read(path, KIND)
                self._refuse_other_version(versions["lamina"])
                state = assembled(tree, arrays)
            except FileNotFoundError:
                continue
            except (OSError, SavedFileError) as error:
                errors.append(str(error))
                continue
            if errors:
                self._warn(f"The fit resumes from {path.name!r}, because {errors[0]}")
            if path == self.previous:
                with suppress(OSError):
                    path.replace(self.path)  # or a damaged file would replace it
            return state
        if errors:
            raise ParameterError(
                f"checkpoint={str(self.path)!r} is a file from which no fit can be "
                f"resumed: {errors[0]} Delete it, or name another file."
            )
        return None

    def _refuse_other_version(self, version: str) -> None:
        now = archive.versions()["lamina"]
        if version != now:
            raise ParameterError(
                f"checkpoint={str(self.path)!r} was written by lamina {version}, and this is "
                f"lamina {now}. Resume with that version, or delete the file to start anew."
            )

    def save_if_due(
        self, training: Callable[[], TrainingState], *, epoch_ended: bool
    ) -> None:
        """Save after a step or an epoch if it is time; warn once if that is not possible."""
        self.n_ended += epoch_ended
        if self.seconds is not None:
            is_due = time.monotonic() - self.saved_at >= self.seconds
        else:
            is_due = epoch_ended and self.n_ended % self.n_epochs == 0
        if not is_due:
            return
        try:
            self._save(training())
        except OSError as error:
            if not self.has_warned:
                self._warn(
                    f"Training continues, but its checkpoint {str(self.path)!r} was not "
                    f"written: {error}. Make space, or make the folder writable; it is "
                    f"tried again."
                )
            self.has_warned = True
        self.saved_at = time.monotonic()

    def _save(self, training: TrainingState) -> None:
        assert self.fit is not None
        self.fit.training = training
        tree, arrays = dismantled(self.fit)
        if self.path.exists():
            self.path.replace(self.previous)
        archive.write(self.path, KIND, tree, arrays)

    def delete(self) -> None:
        """Delete both generations, after the end of the fit."""
        archive.remove_parts(self.path)
        for path in (self.path, self.previous):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                self._warn(
                    f"The fit has ended, but its checkpoint {str(path)!r} was not deleted: "
                    f"{error}. Delete it, because the next fit would resume from it."
                )

    @staticmethod
    def _warn(message: str) -> None:
        warnings.warn(message, CheckpointWarning, stacklevel=4)
