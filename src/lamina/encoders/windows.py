"""Windows of documents, in an order in which the state can be carried on."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lamina.batch import Batch
from lamina.encoders.base import InAnyOrder
from lamina.ragged import padded_steps


class Windows:
    """The windows of all documents, numbered in order.

    A batch is x (B, T + 1) of the T steps of its windows and the token that follows. Row
    number i < n goes on from the same row of the batch before; n + i is window i once
    more, read afresh. Documents that fill more than one window lie end to end in as many
    lanes as a batch has rows, and a batch is the next window of each lane; where a lane
    ends, a document is cut, so that one long text fills a batch as well. Documents of one
    window are batched with those of like length.
    """

    decodes = False

    def __init__(self, flat: Tensor, starts: Tensor, steps: Tensor, window: int):
        self.flat, self.counts = flat, -(-steps // window)
        self.first = self.counts.cumsum(0) - self.counts
        documents = torch.arange(len(steps)).repeat_interleave(self.counts)
        before = (torch.arange(len(documents)) - self.first[documents]) * window
        self.starts = starts[documents] + before
        self.lengths = (steps[documents] - before).clamp(max=window)
        self.sample_index = documents.repeat(2)

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: Tensor) -> Batch:
        numbers = rows % len(self)
        lengths = self.lengths[numbers]
        x = stretches(self.flat, self.starts[numbers], lengths)
        return Batch(x, lengths=lengths, resets_state=rows >= len(self))

    def batches(self, size: int, generator: torch.Generator | None) -> list[Tensor]:
        numbers = torch.arange(len(self.counts))
        if generator is not None:
            numbers = torch.randperm(len(self.counts), generator=generator)
        is_long = self.counts[numbers] > 1
        parts = [
            self._side_by_side(numbers[~is_long], size, generator),
            self._in_lanes(numbers[is_long], size),
        ]
        if generator is not None and torch.randint(2, (), generator=generator):
            parts.reverse()
        return parts[0] + parts[1]

    def _side_by_side(
        self, documents: Tensor, size: int, generator: torch.Generator | None
    ) -> list[Tensor]:
        if not len(documents):
            return []
        rows = self.first[documents]
        alone = ByLength(self.lengths[rows]).batches(size, generator)
        return [rows[batch] + len(self) for batch in alone]

    def _in_lanes(self, documents: Tensor, size: int) -> list[Tensor]:
        counts, first = self.counts[documents], self.first[documents]
        shift = first - (counts.cumsum(0) - counts)
        rows = torch.arange(int(counts.sum())) + shift.repeat_interleave(counts)
        if not len(rows):
            return []
        begins = torch.isin(rows, first)
        rows = torch.where(begins, rows + len(self), rows)
        lanes = rows.tensor_split(min(size, len(rows)))
        for lane in lanes:
            lane[0] = lane[0] % len(self) + len(self)
        table = pad_sequence(list(lanes), padding_value=-1)
        return [column[column >= 0] for column in table]


class ByLength(InAnyOrder):
    """Nothing but the lengths of some samples."""

    def __init__(self, lengths: Tensor):
        self.lengths = lengths

    def __len__(self) -> int:
        return len(self.lengths)


def stretches(flat: Tensor, starts: Tensor, lengths: Tensor) -> Tensor:
    """Flat (total,) -> (B, T + 1): length + 1 tokens from each start on, then padding."""
    columns = torch.arange(padded_steps(int(lengths.max())) + 1)
    places = (starts[:, None] + columns).clamp_(max=len(flat) - 1)
    return flat[places].masked_fill_(columns > lengths[:, None], 0)
