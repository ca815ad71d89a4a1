"""Rows of unequal length: concatenated in memory, padded at the end in a batch, or bags."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lamina.seeding import current_generator


def step_mask(lengths: Tensor, n_steps: int) -> Tensor:
    """(B, n_steps), True at the real steps of samples of these lengths (B,)."""
    return torch.arange(n_steps, device=lengths.device) < lengths[:, None]


@dataclass(frozen=True)
class Sequences:
    """Rows of a batch: values (B, S, ...), of which lengths (B,) are real."""

    values: Tensor
    lengths: Tensor
    n_real: int
    """The sum of the lengths, on the host."""

    def __getitem__(self, rows: slice) -> "Sequences":
        """Some of the rows, which lie on the host."""
        lengths = self.lengths[rows]
        return Sequences(self.values[rows], lengths, int(lengths.sum()))

    def to(self, device: torch.device) -> "Sequences":
        """The rows on a device, copied without waiting for it."""
        return Sequences(
            self.values.to(device, non_blocking=True),
            self.lengths.to(device, non_blocking=True),
            self.n_real,
        )

    def mask(self) -> Tensor:
        """(B, S), True where a value is real."""
        return step_mask(self.lengths, self.values.shape[1])

    def real_index(self) -> Tensor:
        """(n_real,) indices of the real values among all B * S, row by row."""
        return self.mask().flatten().nonzero_static(size=self.n_real)[:, 0]


class Ragged:
    """Rows concatenated in `flat` (total, ...), with their lengths (n,).

    `flat` may be on another device; `lengths` is on the CPU.
    """

    def __init__(self, flat: Tensor, lengths: Tensor):
        self.flat, self.lengths = flat, lengths
        self.starts = lengths.cumsum(0) - lengths

    @classmethod
    def of(cls, rows: Iterable[Tensor]) -> "Ragged":
        """The rows (S_i, ...), concatenated."""
        rows = list(rows)
        return cls(torch.cat(rows), torch.tensor([len(row) for row in rows]))

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: Tensor) -> Sequences:
        """The rows of these indices, padded with zeros."""
        lengths = self.lengths[rows]
        ends = zip(self.starts[rows].tolist(), lengths.tolist(), strict=True)
        parts = [self.flat[start : start + n] for start, n in ends]
        return padded(parts, lengths.to(self.flat.device, non_blocking=True))


def padded(rows: list[Tensor], lengths: Tensor) -> Sequences:
    """Rows (S_i, ...) as one tensor (B, S, ...), padded with zeros at the end.

    S is rounded up, so that few shapes occur: kernels are prepared once for each shape.
    """
    values = pad_sequence(rows, batch_first=True)
    missing = padded_steps(values.shape[1]) - values.shape[1]
    if missing:
        more = values.new_zeros(len(values), missing, *values.shape[2:])
        values = torch.cat([values, more], 1)
    return Sequences(values, lengths, sum(len(row) for row in rows))


def padded_steps(n_steps: int) -> int:
    """`n_steps`, rounded up to the number of steps to which rows are padded."""
    multiple = 4 if n_steps <= 32 else 16
    return -(-n_steps // multiple) * multiple


@dataclass(frozen=True)
class Bags:
    """Rows of numbered items without an order, concatenated, in memory and in a batch.

    ids (total,) and weights (total,) of the items, which may be on another device; lengths
    (n,), the number of items of each row, on the CPU.
    """

    ids: Tensor
    weights: Tensor
    lengths: Tensor

    @property
    def starts(self) -> Tensor:
        """(n,) the index of the first item of each row, on the CPU."""
        return self.lengths.cumsum(0) - self.lengths

    @property
    def nbytes(self) -> int:
        """The memory of the items."""
        return self.ids.nbytes + self.weights.nbytes

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: Tensor | slice) -> "Bags":
        """The rows of these indices."""
        lengths = self.lengths[rows]
        first = self.starts[rows] - (lengths.cumsum(0) - lengths)
        items = first.repeat_interleave(lengths)
        items += torch.arange(len(items))
        items = items.to(self.ids.device, non_blocking=True)
        return Bags(self.ids[items], self.weights[items], lengths)

    def to(self, device: torch.device) -> "Bags":
        """The rows on a device, copied without waiting for it."""
        ids, weights = (
            values.to(device, non_blocking=True) for values in (self.ids, self.weights)
        )
        return Bags(ids, weights, self.lengths)


class AlternativeTargets:
    """Several rows for each sample, one of which is drawn whenever the sample is indexed.

    The draws use the generator of the fit.
    """

    def __init__(self, rows: Ragged, counts: Tensor):
        self.rows, self.counts = rows, counts
        self.first = counts.cumsum(0) - counts

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, samples: Tensor) -> Sequences:
        """A row of each of these samples, drawn by the generator of the fit."""
        generator = current_generator(samples.device)
        uniform = torch.rand(len(samples), device=samples.device, generator=generator)
        drawn = uniform * self.counts[samples]
        return self.rows[self.first[samples] + drawn.long()]
