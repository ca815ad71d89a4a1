"""Batches that do not fit into the memory of a device, computed in several passes."""

import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.exceptions import PerformanceWarning
from lamina.kernels import private
from lamina.kernels.parallel import PART, Part
from lamina.training.gradients import Gradients


@dataclass
class InPasses:
    """Gradients of a batch, as the sum of those of as many rows as fit into memory.

    The loss of a batch is a mean over its rows, so the gradients of a pass count by its
    fraction of the rows. Each pass is normalised by its own statistics.
    """

    gradients: Gradients
    n_rows: int | None = None
    """Rows of a pass; None for all."""

    def __post_init__(self) -> None:
        self.weights = self.gradients.weights

    def __call__(self, batch: Batch) -> Tensor:
        """The loss of the batch; halves the rows of a pass until it fits."""
        while True:
            before = batch.carried and batch.carried.copy()
            try:
                return self._in_passes(batch)
            except torch.OutOfMemoryError:
                n_rows = min(self.n_rows or len(batch), len(batch))
                if n_rows == 1:
                    raise
            self._halve(n_rows, len(batch))
            if batch.carried is not None and before is not None:
                batch.carried.state, batch.carried.parts = before.joined(), {}

    def _in_passes(self, batch: Batch) -> Tensor:
        size = len(batch)
        n_rows = self.n_rows or size
        if size <= n_rows:
            return self.gradients(batch)
        starts = range(0, size, n_rows)
        losses, total = [], list[Tensor]()
        for i, start in enumerate(starts):
            rows = slice(start, min(start + n_rows, size))
            fraction = (rows.stop - start) / size
            token = PART.set(Part(i, len(starts)))
            try:
                losses.append(self.gradients(batch.part(i, rows)) * fraction)
            finally:
                PART.reset(token)
            total = total or [torch.zeros_like(g) for g in self.weights.gradients]
            private.add_all(total, self.weights.gradients, fraction)
        private.copy_all(self.weights.gradients, total)
        return torch.stack(losses).sum()

    def _halve(self, n_rows: int, size: int) -> None:
        if self.n_rows is None:
            warnings.warn(
                f"A batch of {size} samples does not fit into the memory of the device. "
                f"It is computed in parts, whose gradients are added; a smaller batch_size "
                f"is faster.",
                PerformanceWarning,
                stacklevel=2,
            )
        self.n_rows = -(-n_rows // 2)
        if self.weights.values[0].device.type == "cuda":
            torch.cuda.empty_cache()

    def state(self) -> dict[str, Any]:
        """The rows of a pass, and the state of the gradients."""
        return {"n_rows": self.n_rows, "gradients": self.gradients.state()}

    def restore(self, state: dict[str, Any]) -> None:
        self.n_rows = state["n_rows"]
        self.gradients.restore(state["gradients"])

    def end(self) -> None:
        self.gradients.end()
