"""Rows of unequal length: end to end in memory, padded at the end in a batch."""

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
    """Values that are real, known on the host."""

    def to(self, device: torch.device) -> "Sequences":
        """The rows on another device, which nothing waits for."""
        return Sequences(
            self.values.to(device, non_blocking=True),
            self.lengths.to(device, non_blocking=True),
            self.n_real,
        )

    def mask(self) -> Tensor:
        """(B, S), True where a value is real."""
        return step_mask(self.lengths, self.values.shape[1])

    def places(self) -> Tensor:
        """(n_real,) where the real values are among all B * S, row by row."""
        return self.mask().flatten().nonzero_static(size=self.n_real)[:, 0]


class Ragged:
    """Rows end to end in `flat` (total, ...), any of which can be taken at once.

    `flat` may lie on another device; where its rows begin and end is known on the host.
    """

    def __init__(self, flat: Tensor, lengths: Tensor):
        self.flat, self.lengths = flat, lengths
        self.starts = lengths.cumsum(0) - lengths

    @classmethod
    def of(cls, rows: Iterable[Tensor]) -> "Ragged":
        """The rows (S_i, ...), copied end to end."""
        rows = list(rows)
        return cls(torch.cat(rows), torch.tensor([len(row) for row in rows]))

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, rows: Tensor) -> Sequences:
        """The rows of these numbers, padded with zeros."""
        lengths = self.lengths[rows]
        ends = zip(self.starts[rows].tolist(), lengths.tolist(), strict=True)
        parts = [self.flat[start : start + n] for start, n in ends]
        return padded(parts, lengths.to(self.flat.device, non_blocking=True))


def padded(rows: list[Tensor], lengths: Tensor) -> Sequences:
    """Rows (S_i, ...) as one tensor, filled with zeros at the end.

    S is rounded up, so that few shapes occur: a kernel is prepared once for each.
    """
    values = pad_sequence(rows, batch_first=True)
    missing = padded_steps(values.shape[1]) - values.shape[1]
    if missing:
        more = values.new_zeros(len(values), missing, *values.shape[2:])
        values = torch.cat([values, more], 1)
    return Sequences(values, lengths, sum(len(row) for row in rows))


def padded_steps(n_steps: int) -> int:
    """The next number of steps that rows of unequal length are padded to."""
    unit = 4 if n_steps <= 32 else 16
    return -(-n_steps // unit) * unit


class AlternativeTargets:
    """Several rows a sample, one of which is drawn each time that the sample is taken.

    Drawn from the fit's stream.
    """

    def __init__(self, rows: Ragged, counts: Tensor):
        self.rows, self.counts = rows, counts
        self.first = counts.cumsum(0) - counts

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, samples: Tensor) -> Sequences:
        """One of the rows of each of these samples."""
        generator = current_generator(samples.device)
        chances = torch.rand(len(samples), device=samples.device, generator=generator)
        drawn = chances * self.counts[samples]
        return self.rows[self.first[samples] + drawn.long()]
