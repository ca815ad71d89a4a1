"""Samples, targets and weights -> batches.

Data in memory is sliced, never collated sample by sample. Which samples make a batch, and
in what order batches come, is for the samples to say.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, CarriedState
from lamina.encoders.base import Samples
from lamina.kernels.parallel import workers
from lamina.training.precision import room_on

N_DECODERS, N_AHEAD = 2, 4
"""Threads that decode files, and batches that they may be ahead."""
ROWS_AT_ONCE, CELLS_AT_ONCE = 1024, {"cpu": 1 << 16, "cuda": 1 << 18, "mps": 1 << 18}
"""Samples, and steps or pixels, of a batch that is predicted: on a CPU few enough that
features stay in its cache, where convolutions are 1.5 to 3 times as fast."""


@dataclass
class Loader:
    """Batches of an epoch, in a new order each time that it is iterated over."""

    samples: Samples
    target: Any
    """What `target[rows]` takes the targets of a batch from; None if there are none."""
    weight: Tensor | None
    batch_size: int
    shuffle: bool = True
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        self.n_batches = len(self.samples.batches(self.batch_size, None))

    def on(self, device: torch.device) -> "Loader":
        """The same, its samples on the device where they fit, to be batched there."""
        room = room_on(device)
        if not room:
            return self
        return replace(self, samples=self.samples.resident(device, room))

    def __iter__(self) -> Iterator[Batch]:
        generator = self.generator if self.shuffle else None
        order = self.samples.batches(self.batch_size, generator)
        carried = CarriedState()
        for rows, unlabelled in taken(self.samples, order):
            target, weight = picked(self.target, rows), picked(self.weight, rows)
            batch = unlabelled.labelled(target, weight)
            if batch.resets_state is not None:
                batch.carried = carried
            yield batch


@dataclass
class InOrder:
    """(row numbers, batch) over all samples, the short ones first; for prediction.

    A sample has `n_cells` steps or pixels; batches are as large as the device likes.
    Their sizes are rounded up by repeating the last row, so that few shapes occur; the
    repeated rows have no number.
    """

    samples: Samples
    n_cells: int
    target: Any = None
    device: str = "cpu"

    @property
    def n_at_once(self) -> int:
        """Samples of the largest batch, about."""
        return min(len(self.samples), self._size)

    @property
    def _size(self) -> int:
        """Samples that are computed at a time; a multiple of 32."""
        n_samples = CELLS_AT_ONCE[self.device] // self.n_cells
        return max(32, min(ROWS_AT_ONCE, n_samples // 32 * 32))

    def __iter__(self) -> Iterator[tuple[Tensor, Batch]]:
        n, size = len(self.samples), self._size
        rows = torch.from_numpy(np.minimum(np.arange(n + -n % 32), n - 1))
        if self.samples.lengths is not None:
            rows = self.samples.lengths.argsort(stable=True)[rows]
        parts = [rows[i : i + size] for i in range(0, n, size)]
        for i, (part, batch) in enumerate(taken(self.samples, parts)):
            known = picked(self.target, part)
            yield part[: n - i * size], batch.labelled(known, None)


def taken(samples: Samples, order: list[Tensor]) -> Iterator[tuple[Tensor, Batch]]:
    """(row numbers, batch) in this order; what must be decoded is decoded ahead."""
    if not samples.decodes:
        for rows in order:
            yield rows, samples.take(rows)
        return
    pool, ahead = workers(N_DECODERS, "decoders"), deque()
    try:
        for rows in order:
            ahead.append((rows, pool.submit(samples.take, rows)))
            if len(ahead) > N_AHEAD:
                first, batch = ahead.popleft()
                yield first, batch.result()
        for last, batch in ahead:
            yield last, batch.result()
    finally:
        for _, batch in ahead:
            batch.cancel()


def picked(values: Any, rows: Tensor) -> Any:
    """The values of these rows; None of None."""
    if isinstance(values, Tensor):  # in half of the time of `values[rows]`
        return values.index_select(0, rows)
    return None if values is None else values[rows]
