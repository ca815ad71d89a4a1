"""Lines from baselines to samples, along which explanations evaluate a network.

A cell is what has a contribution of its own: a column of a table, a word, a channel of a step
or of a pixel, a mel band of a frame. Each cell of a sample moves from the baseline (t = 0) to
the sample (t = 1), and h(t) are the inputs of the network there: standardised values, or
embeddings.

B samples of a batch, S points of a line, N cells of a sample
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Features
from lamina.inspection.targets import Target
from lamina.nn.body import Body
from lamina.nn.model import Model
from lamina.ragged import step_mask

CELLS_AT_ONCE = 1 << 16
"""Steps or pixels of the points that are computed together."""


class Lines(ABC):
    """Abstract: the lines to the samples of a form of data."""

    n_baselines: int = 1
    feature_names: np.ndarray | None = None
    """What columns, channels or bands are called."""

    @abstractmethod
    def shape(self, batch: Batch) -> tuple[int, ...]:
        """The axes of the N cells of each sample of a batch."""

    @abstractmethod
    def patch(self, size: int | None) -> tuple[int, ...]:
        """The cells along each axis that are replaced together; None for the default.

        It is the same for all samples, so that values do not depend on the batch.
        """

    @abstractmethod
    def points(self, batch: Batch, baseline: int, t: Tensor) -> Tensor:
        """H (S, B, ...) at t (S, B, 1), or with a t for each cell (S, B, N)."""

    @abstractmethod
    def features(self, body: Body, h: Tensor, batch: Batch) -> Features:
        """The features of S B points h (S, B, ...)."""

    @abstractmethod
    def by_cell(self, values: Tensor) -> Tensor:
        """Values (B, ...) of the inputs -> their sums (B, N) for each cell."""

    @abstractmethod
    def arranged(self, values: np.ndarray, row: int) -> np.ndarray:
        """Values of the axes of `shape`, padded, in the shape of sample `row`."""

    @abstractmethod
    def samples(self) -> Any:
        """What pictures show of the samples; None where they show none."""

    @abstractmethod
    def n_steps(self, batch: Batch) -> int:
        """Steps or pixels that the network computes for each sample."""

    def lengths(self, batch: Batch) -> Tensor | None:
        """(B,) how far along the first axis of `shape` cells are real; None if all are."""
        return batch.lengths

    def is_real(self, batch: Batch) -> Tensor:
        """(B, N), False at the cells of padding."""
        shape, lengths = self.shape(batch), self.lengths(batch)
        if lengths is None:
            return batch.x.new_ones(len(batch), prod(shape), dtype=torch.bool)
        return step_mask(lengths, shape[0]).repeat_interleave(prod(shape[1:]), 1)

    def parts(self, batch: Batch) -> Iterator[tuple[Tensor, Batch]]:
        """Rows of a batch, whose targets are row numbers of X, as batches that fit in memory.

        Without the rows at its end that repeat the last sample.
        """
        rows = torch.arange(len(batch.target.unique()))
        for part in rows.split(max(1, CELLS_AT_ONCE // self.n_steps(batch))):
            yield part, batch.part(0, part)


@dataclass
class Explained:
    """An output of a network as a function F of the points of lines."""

    model: Model
    task: Any
    target: Target
    lines: Lines

    def outputs(self, h: Tensor, batch: Batch) -> Tensor:
        """Outputs (S, B, K) at points h (S, B, ...)."""
        features = self.lines.features(self.model.body, h, batch)
        return self.of_features(features).view(*h.shape[:2], -1)

    def of_features(self, features: Features) -> Tensor:
        """Outputs (B, K) for features."""
        output = self.task.predicted(self.model.head(features))
        return output.reshape(len(features.h), -1)

    def at_samples(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Outputs (B, K) at the samples, and their weights (B, K) in F."""
        t = torch.ones(1, len(batch), 1, device=batch.x.device)
        (outputs,) = self.outputs(self.lines.points(batch, 0, t), batch)
        return outputs, self.target(outputs)

    def n_points(self, batch: Batch) -> int:
        """Points of each line that are computed together, at least one."""
        return max(1, CELLS_AT_ONCE // self.lines.n_steps(batch) // len(batch))


@dataclass
class Contributions:
    """What the cells of the samples of a batch contributed, means over the baselines."""

    values: Tensor
    """(B, N)."""
    base_value: Tensor
    """(B,) F at the baseline."""
    output: Tensor
    """(B,) F at the sample."""
    gap: Tensor
    """(B,) by how much the sum of the values is wrong beyond what is allowed; 0 or less
    where it is not, and of a method whose values need not sum up."""
