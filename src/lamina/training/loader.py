"""Samples, targets and weights -> batches.

Data in memory is sliced, never collated sample by sample. `Samples.batches` decides which
samples make a batch, and the order of the batches.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from lamina.batch import Batch, CarriedState
from lamina.encoders.base import Samples
from lamina.kernels.parallel import workers
from lamina.ragged import Ragged
from lamina.state import Stored
from lamina.training.precision import data_budget

N_DECODERS, N_PREFETCHED = 2, 4
"""Threads that decode files, and batches that they decode in advance."""
ROWS_AT_ONCE, CELLS_AT_ONCE = 1024, {"cpu": 1 << 16, "cuda": 1 << 18, "mps": 1 << 18}
"""Samples, and steps or pixels, of a batch that is predicted. On a CPU features then
stay in the cache, where convolutions are 1.5 to 3 times as fast."""
LARGEST_MULTIPLE = 32
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
    """(row indices, batch) over all samples, the large ones first.

    A sample has the cells (steps or pixels) of its input or of its target, whichever are
    more, and takes `n_weights` multiply-accumulates for each. The last row of a batch is
    repeated up to a multiple of 32 rows, which members divide among them, or of fewer where
    32 would take too much memory; repeated rows have no index. All rows of a batch have the
    same multiple. So the kernels that compute a sample depend on its own size, and not on the
    samples beside it.
    """

    samples: Samples
    n_weights: float = 0.0
    target: RowIndexed | None = None
    device: str = "cpu"
    n_members: int = 1

    def __post_init__(self) -> None:
        self.n_cells = self.samples.n_cells()
        """(n,) or, where all are equal, one number."""
        if isinstance(self.target, Ragged):
            n_cells = torch.as_tensor(self.n_cells)
            self.n_cells = torch.maximum(n_cells, self.target.lengths)

    @property
    def n_macs(self) -> float:
        """Multiply-accumulates for all samples."""
        cells, n = self.n_cells, len(self.samples)
        total = n * cells if isinstance(cells, int) else int(cells.sum())
        return self.n_weights * total

    def __iter__(self) -> Iterator[tuple[Tensor, Batch]]:
        order = list(self._batches())
        prepared = prefetched(self.samples, [self._padded(rows) for rows in order])
        for rows, (padded, batch) in zip(order, prepared, strict=True):
            target = selected(self.target, padded)
            yield rows, batch if target is None else batch.labelled(target, None)

    def _batches(self) -> Iterator[Tensor]:
        """The row indices of each batch."""
        cells = self.n_cells
        if isinstance(cells, int):
            rows, size = torch.arange(len(self.samples)), self._size(cells)
            # A split of a single batch would take as long as a small layer.
            yield from [rows] if rows.shape[0] <= size else rows.split(size)
            return
        rows = cells.argsort(stable=True, descending=True)
        while len(rows):
            n_most = int(cells[rows[0]])
            part = rows[: self._size(n_most)]
            part = part[cells[part] > self._n_cells_below(n_most)]
            yield part
            rows = rows[len(part) :]

    def _padded(self, rows: Tensor) -> Tensor:
        """The row indices of a batch, the last one repeated."""
        cells = self.n_cells
        n_most = cells if isinstance(cells, int) else int(cells[rows[0]])
        n_repeated = -rows.shape[0] % self._multiple(n_most)
        if not n_repeated:
            return rows
        return torch.cat([rows, rows[-1:].expand(n_repeated)])

    def _size(self, n_cells: int) -> int:
        """Rows of a full batch, of which the largest has `n_cells`."""
        n_rows = CELLS_AT_ONCE[self.device] // max(n_cells, 1)
        if self.device == "cpu":
            n_macs = max(n_cells * self.n_weights, 1.0)
            n_rows = min(n_rows, int(MACS_AT_ONCE / n_macs))
        multiple = self._multiple(n_cells)
        return max(multiple, min(ROWS_AT_ONCE, n_rows // multiple * multiple))

    def _multiple(self, n_cells: int) -> int:
        """Rows to whose multiple a batch is padded: a power of 2, at most 32."""
        n_rows = CELLS_AT_ONCE[self.device] // max(n_cells, 1)
        return min(self._largest_multiple, 1 << max(n_rows.bit_length() - 1, 0))

    @property
    def _largest_multiple(self) -> int:
        return max(1, LARGEST_MULTIPLE // self.n_members)

    def _n_cells_below(self, n_cells: int) -> int:
        """The most cells of a sample whose multiple is greater than that of `n_cells`."""
        multiple = self._multiple(n_cells)
        is_largest = multiple == self._largest_multiple
        return -1 if is_largest else CELLS_AT_ONCE[self.device] // (2 * multiple)


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
