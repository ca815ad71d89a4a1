"""Samples, targets and weights -> batches.

Data in memory is sliced, never collated sample by sample. Samples of unequal length are
batched with their like: each epoch shuffles them, sorts within pools of many batches, and
shuffles the batches, so that little padding occurs and the order stays random. Batches of
an epoch differ in size by one at most; no sample is left over.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.encoders.base import Samples
from lamina.nn.parallel import workers

POOL = 32
N_DECODERS, N_AHEAD = 2, 4
"""Threads that decode files, and batches that they may be ahead."""
ROWS_AT_ONCE, CELLS_AT_ONCE = 1024, 1 << 18


@dataclass
class Loader:
    """Batches of an epoch, in a new order each time that it is iterated over."""

    samples: Samples
    target: Tensor
    weight: Tensor | None
    batch_size: int
    shuffle: bool = True
    generator: torch.Generator | None = None

    @property
    def n_batches(self) -> int:
        return -(-len(self.samples) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for rows, batch in taken(self.samples, self._order()):
            weight = None if self.weight is None else self.weight[rows]
            yield batch.labelled(self.target.index_select(0, rows), weight)

    def _order(self) -> list[Tensor]:
        n = len(self.samples)
        if not self.shuffle:
            return list(torch.arange(n).tensor_split(self.n_batches))
        rows = torch.randperm(n, generator=self.generator)
        lengths = self.samples.lengths
        if lengths is None:
            return list(rows.tensor_split(self.n_batches))
        pools = rows.split(POOL * self.batch_size)
        rows = torch.cat([p[lengths[p].argsort(stable=True)] for p in pools])
        batches = rows.tensor_split(self.n_batches)
        order = torch.randperm(len(batches), generator=self.generator)
        return [batches[i] for i in order.tolist()]


def in_order(samples: Samples, n_cells: int) -> Iterator[tuple[Tensor, Batch]]:
    """(row numbers, batch) over all samples, the short ones first; for prediction.

    A sample has `n_cells` numbers in its widest layer; batches are as large as memory
    allows. Their sizes are rounded up by repeating the last row, so that few shapes
    occur; the repeated rows have no number.
    """
    n, size, lengths = len(samples), rows_at_once(n_cells), samples.lengths
    rows = torch.from_numpy(np.minimum(np.arange(n + -n % 32), n - 1))
    if lengths is not None:
        rows = lengths.argsort(stable=True)[rows]
    parts = [rows[i : i + size] for i in range(0, n, size)]
    for i, (part, batch) in enumerate(taken(samples, parts)):
        yield part[: n - i * size], batch


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


def rows_at_once(n_cells: int) -> int:
    """Samples of so many numbers each that are computed at a time; a multiple of 32."""
    return max(32, min(ROWS_AT_ONCE, CELLS_AT_ONCE // n_cells // 32 * 32))
