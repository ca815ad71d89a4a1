"""Samples from files, and the base of the kinds of data that the command reads."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.model_selection import train_test_split

from lamina.exceptions import DataError

MIN_SAMPLES = 10
"""Samples from which a part of them is held out."""
POSITION = re.compile(r"\b([Rr]ow|[Ss]ample) (\d+)\b(?: \('[^']*'\))?")
"""How the library names a sample, with its file if it has one."""


@dataclass
class Samples:
    """Samples, their targets, and where they come from."""

    X: Any
    y: Any = None
    """Targets; None without."""
    places: Sequence[str] = ()
    """Where each row of X is in the files, for messages."""
    groups: np.ndarray | None = None
    """The sample of each row of X, in order of their first rows; None if rows are samples."""
    shown: dict[str, Sequence[Any]] = field(default_factory=dict)
    """What is written beside the predictions, by column."""
    unit: str = "rows"
    how: list[str] = field(default_factory=list)
    """How they were read, in sentences."""
    kind_of_target: str = ""
    """"Classifier" or "Regressor"."""
    why: str = ""
    """Why the target is of this kind."""

    def __len__(self) -> int:
        return len(self.X) if self.groups is None else int(self.groups.max()) + 1

    def take(self, samples: np.ndarray) -> "Samples":
        """The samples of these numbers, which ascend."""
        rows, groups = samples, None
        if self.groups is not None:
            rows = np.flatnonzero(np.isin(self.groups, samples))
            groups = np.searchsorted(samples, self.groups[rows])
        return Samples(
            _rows_of(self.X, rows),
            None if self.y is None else _rows_of(self.y, samples),
            [self.places[i] for i in rows.tolist()] if self.places else (),
            groups,
            {name: _rows_of(values, samples) for name, values in self.shown.items()},
            self.unit,
            kind_of_target=self.kind_of_target,
            why=self.why,
        )

    @contextmanager
    def located(self, name: str) -> Iterator[None]:
        """Name the place in the file, and not the row, in an error of the library."""
        try:
            yield
        except DataError as error:
            message = POSITION.sub(self._place, str(error))
            raise DataError(f"{name}: {message}") from error

    def _place(self, match: re.Match[str]) -> str:
        row, is_sample = int(match[2]), match[1].lower() == "sample"
        if row >= len(self.places) or (is_sample and self.groups is not None):
            return match[0]
        place = self.places[row]
        return place.capitalize() if match[1][0].isupper() else place


@dataclass
class Part:
    """A part of the samples for training, one for the test, and what the latter is."""

    train: Samples
    test: Samples | None
    name: str = ""


@dataclass(frozen=True)
class Source(ABC):
    """A kind of data and how it is read; the fields are in the note of a saved file."""

    kind: ClassVar[str]
    """Its name in notes."""
    words: ClassVar[str]
    """What it is called in messages."""

    @abstractmethod
    def read(self, path: str, encoding: str, *, with_target: bool = True) -> Samples:
        """The samples of a file or a folder, with targets in `fit` and `score`."""

    @abstractmethod
    def estimator(self, samples: Samples) -> tuple[str, str]:
        """The name of the estimator that learns them, and why it was chosen."""

    def parameters(self) -> dict[str, Any]:
        """Parameters of the estimator that follow from the source."""
        return {}

    def defaults(self) -> dict[str, Any]:
        """Other values of parameters than the estimator has, unless they are given."""
        return {}

    def split(self, samples: Samples, fraction: float, seed: int) -> Part:
        """A random part for the test, with the classes in equal proportion if possible."""
        rows = np.arange(len(samples))
        if len(samples) < MIN_SAMPLES:
            raise DataError(
                f"{len(samples)} {samples.unit} are too few to hold out a part of them; "
                f"pass --test 0, which tests nothing."
            )
        is_class = samples.kind_of_target == "Classifier"
        labels = _labels(samples.y, len(samples), fraction) if is_class else None
        train, test = train_test_split(
            rows, test_size=fraction, random_state=seed, stratify=labels
        )
        name = f"{len(test)} held-out {samples.unit}"
        return Part(samples.take(np.sort(train)), samples.take(np.sort(test)), name)

    def test_name(self, samples: Samples) -> str:
        """What samples that are scored are called."""
        return f"{len(samples)} {samples.unit}"

    def note(self) -> dict[str, Any]:
        """The source as JSON."""
        return {"kind": self.kind, **asdict(self)}


def _labels(y: np.ndarray, n: int, fraction: float) -> np.ndarray | None:
    """The labels to stratify by; None where a class has too few samples."""
    labels, counts = np.unique(y, return_counts=True)
    n_test = int(np.ceil(fraction * n))
    fits = counts.min() >= 2 and len(labels) <= min(n_test, n - n_test)
    return y if fits else None


def _rows_of(values: Any, rows: np.ndarray) -> Any:
    if isinstance(values, list):
        return [values[i] for i in rows.tolist()]
    if isinstance(values, np.ndarray):
        return values[rows]
    return nw.to_native(nw.from_native(values, eager_only=True)[rows.tolist()])
