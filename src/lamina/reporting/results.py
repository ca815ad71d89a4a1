"""What a fitted estimator gives for the test samples; the base for each kind of task."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from lamina.encoders.base import rows_of
from lamina.estimators.base import NeuralEstimator
from lamina.estimators.data import read_targets
from lamina.exceptions import ParameterError, data_errors
from lamina.inputs import DataLike
from lamina.reporting.blocks import Block, Cell, Gallery, Item, Section
from lamina.reporting.intervals import Intervals, Score
from lamina.reporting.samples import selected, shown_sample, unwrapped


@dataclass(frozen=True)
class Options:
    """The arguments of `report` that say how much is computed and shown."""

    n_examples: int
    n_explained: int
    n_resamples: int
    confidence_level: float
    seed: int
    measure_speed: bool


class Results:
    """Test samples, their targets and their outputs, for a task that is not lamina's."""

    unit: ClassVar = "samples"
    """What intervals are computed over."""
    is_wide: ClassVar = False
    """Whether a sample needs the width of the page."""

    def __init__(
        self,
        estimator: NeuralEstimator,
        X: DataLike,
        y: DataLike | None,
        future: DataLike | None,
        options: Options,
    ):
        self.estimator, self.options = estimator, options
        self.task: Any = estimator.task_
        self.plain, self.y = self.read(X, y, future)
        with data_errors("X"):
            self.X = unwrapped(X, estimator.form_)
        self.outputs = self.outputs_of(self.plain)

    def read(
        self, X: DataLike, y: DataLike | None, future: DataLike | None
    ) -> tuple[Any, Any]:
        """The plain samples, and their plain targets."""
        name = type(self.estimator).__name__
        if future is not None:
            raise ParameterError(
                f"future is for forecasters, and has no effect on {name}; leave it out."
            )
        plain = self.estimator._plain(X)
        with data_errors("y_test"):
            return plain, read_targets(name, self.task, y, plain, "y_test")

    def outputs_of(self, plain: Any) -> Any:
        """What the network gives for plain samples."""
        return self.estimator._outputs_of_plain(plain)

    def __len__(self) -> int:
        return len(self.plain)

    @cached_property
    def intervals(self) -> Intervals:
        """Of scores of the test samples."""
        options = self.options
        return Intervals(
            len(self), options.confidence_level, options.n_resamples, options.seed
        )

    def rows(self, rows: np.ndarray) -> Any:
        """Some plain samples."""
        return rows_of(self.plain, rows)

    def samples(self, rows: np.ndarray) -> Any:
        """Some samples of X."""
        return selected(self.X, self.plain, rows)

    def show(self, row: int) -> Block:
        """A sample as a block."""
        return shown_sample(self.estimator.schema_, self.X, self.plain, row)

    def name(self, row: int) -> str:
        """What a sample is called."""
        return f"Sample {row}"

    def gallery(self, rows: list[int]) -> Gallery:
        """Samples with their outputs."""
        items = [
            Item(self.name(row), self.blocks_of(row), self.pairs_of(row))
            for row in rows
        ]
        return Gallery(items, self.is_wide)

    def random_rows(self, n: int) -> np.ndarray:
        """At most n row numbers, drawn without replacement, ascending."""
        generator = np.random.default_rng(self.options.seed)
        return np.sort(generator.permutation(len(self))[:n])

    def targets(self) -> list[Block]:
        """What the targets of the test samples are."""
        return []

    def scores(self) -> list[Score]:
        """The scores, that of `estimator.score` first."""
        value = self.task.score(self.y, self.outputs, None)
        return [Score("score", value, None, "none")]

    def details(self) -> list[Section]:
        """Sections that only this kind of task has."""
        return []

    def losses(self) -> np.ndarray | None:
        """(n,) how bad each output is, larger for worse; None if that is not defined."""
        return None

    def mistakes(self) -> list[int]:
        """The row numbers of the worst mistakes, the worst first."""
        losses = self.losses()
        if losses is None:
            return []
        order = np.argsort(-losses, kind="stable")
        return [int(i) for i in order if losses[i] > 0][: self.options.n_examples]

    def blocks_of(self, row: int) -> list[Block]:
        """A sample with its output, as galleries show it."""
        return [self.show(row)]

    def pairs_of(self, row: int) -> list[tuple[str, Cell]]:
        """The target and the output of a sample in words."""
        del row
        return []
