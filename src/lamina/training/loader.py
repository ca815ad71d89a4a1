"""Samples, targets and weights -> batches.

Data in memory is sliced, never collated sample by sample. `Samples.batches` decides which
samples make a batch, and the order of the batches.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, CarriedState
from lamina.encoders.base import Samples
from lamina.kernels.parallel import workers
from lamina.state import Stored
from lamina.training.precision import data_budget

N_DECODERS, N_PREFETCHED = 2, 4
"""Threads that decode files, and batches that they decode in advance."""
ROWS_AT_ONCE, CELLS_AT_ONCE = 1024, {"cpu": 1 << 16, "cuda": 1 << 18, "mps": 1 << 18}
"""Samples, and steps or pixels, of a batch that is predicted. On a CPU features then
stay in the cache, where convolutions are 1.5 to 3 times as fast."""
MACS_AT_ONCE = 4e9
"""Multiply-accumulates of a batch that is predicted on a CPU: batches share its cores."""


class RowIndexed(Protocol):
    """Values of samples, such as targets, that row indices select from."""

    def __getitem__(self, rows: Tensor, /) -> Any: ...


@dataclass
class Place(Stored):
    """How far an epoch has come."""

    before: Tensor | None = None
    """The state of the generator before it drew the order of the epoch."""
    n_batches: int = 0
    """Batches that were used; those decoded in advance do not count."""
    carried: CarriedState = field(default_factory=CarriedState)


@dataclass
class Loader:
    """Batches of an epoch, in a new order at each iteration."""

    samples: Samples
    target: RowIndexed | None
    """`target[rows]` are the targets of a batch; None if there are none."""
    weight: Tensor | None
    batch_size: int
    shuffle: bool = True
    generator: torch.Generator | None = None

    def __post_init__(self) -> None:
        self.n_batches = len(self.samples.batches(self.batch_size, None))
        self.place: Place | None = None

    def state(self) -> Place:
        """The place in an epoch, or the one before the next epoch."""
        if self.place is not None or self.generator is None:
            return self.place or Place()
        return Place(self.generator.get_state())

    def restore(self, place: Place, device: torch.device) -> None:
        """Continue with the batches that followed a `state`."""
        self.place = Place(place.before, place.n_batches, place.carried.to(device))

    def on(self, device: torch.device) -> "Loader":
        """A loader whose samples are on the device, if they fit there."""
        budget = data_budget(device)
        if not budget:
            return self
        return replace(self, samples=self.samples.resident(device, budget))

    def __iter__(self) -> Iterator[Batch]:
        place = self.place = self.state()
        generator = self.generator if self.shuffle else None
        if generator is not None and place.before is not None:
            generator.set_state(place.before)
        order = self.samples.batches(self.batch_size, generator)
        try:
            for rows, unlabelled in prefetched(self.samples, order[place.n_batches :]):
                target = selected(self.target, rows)
                batch = unlabelled.labelled(target, selected(self.weight, rows))
                if batch.resets_state is not None:
                    batch.carried = place.carried
                place.n_batches += 1
                yield batch
        finally:
            self.place = None


@dataclass
class PredictionBatches:
    """(row indices, batch) over all samples, the short ones first.

    A sample has `n_cells` steps or pixels and takes `n_macs` multiply-accumulates. Sizes
    are rounded up by repeating the last row, so that few shapes occur; the repeated rows
    have no index.
    """

    samples: Samples
    n_cells: int
    n_macs: float = 0.0
    target: RowIndexed | None = None
    device: str = "cpu"

    @property
    def _size(self) -> int:
        """Rows of a full batch; a multiple of 32."""
        n_samples = CELLS_AT_ONCE[self.device] // self.n_cells
        if self.device == "cpu":
            n_samples = min(n_samples, int(MACS_AT_ONCE / max(self.n_macs, 1.0)))
        return max(32, min(ROWS_AT_ONCE, n_samples // 32 * 32))

    def __iter__(self) -> Iterator[tuple[Tensor, Batch]]:
        n, size = len(self.samples), self._size
        rows = torch.from_numpy(np.minimum(np.arange(n + -n % 32), n - 1))
        if self.samples.lengths is not None:
            rows = self.samples.lengths.argsort(stable=True)[rows]
        parts = [rows[i : i + size] for i in range(0, n, size)]
        for i, (part, batch) in enumerate(prefetched(self.samples, parts)):
            target = selected(self.target, part)
            yield part[: n - i * size], batch.labelled(target, None)


def prefetched(samples: Samples, order: list[Tensor]) -> Iterator[tuple[Tensor, Batch]]:
    """(row indices, batch) in this order; files are decoded in advance."""
    if not samples.decodes:
        for rows in order:
            yield rows, samples.take(rows)
        return
    pool = workers(N_DECODERS, "decoders")
    pending: deque[tuple[Tensor, Future[Batch]]] = deque()
    try:
        for rows in order:
            pending.append((rows, pool.submit(samples.take, rows)))
            if len(pending) > N_PREFETCHED:
                first, batch = pending.popleft()
                yield first, batch.result()
        for last, batch in pending:
            yield last, batch.result()
    finally:
        for _, batch in pending:
            batch.cancel()


def selected(values: RowIndexed | None, rows: Tensor) -> Any:
    """The values of these rows; None if there are none."""
    if isinstance(values, Tensor):  # takes half of the time of `values[rows]`
        return values.index_select(0, rows)
    return None if values is None else values[rows]
