"""Windows of documents, in batches that carry the state from one window to the next."""

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from lamina.batch import Batch
from lamina.encoders.base import Samples, batches_of
from lamina.ragged import padded_steps


class Windows(Samples):
    """The n windows of all documents, numbered in order.

    A batch is x (B, T + 1): the T tokens of its windows and the token after them. Row
    number i < n continues the state of the same row of the batch before; row number n + i
    is window i with the state reset. Documents of more than one window are concatenated
    and split into as many lanes as a batch has rows, and a batch is the next window of
    each lane. A lane may end inside a document, so that one long text also fills a batch.
    Documents of one window are batched by similar length.
    """

    def __init__(self, flat: Tensor, starts: Tensor, steps: Tensor, window: int):
        self.flat, self.counts = flat, -(-steps // window)
        self.first = self.counts.cumsum(0) - self.counts
        document = torch.arange(len(steps)).repeat_interleave(self.counts)
        offset = (torch.arange(len(document)) - self.first[document]) * window
        self.starts = starts[document] + offset
        self.lengths = (steps[document] - offset).clamp(max=window)
        self.sample_index = document.repeat(2)

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: Tensor) -> Batch:
        windows = rows % len(self)
        lengths = self.lengths[windows]
        x = token_rows(self.flat, self.starts[windows], lengths)
        return Batch(x, lengths=lengths, resets_state=rows >= len(self))

    def batches(self, size: int, generator: torch.Generator | None) -> list[Tensor]:
        documents = torch.arange(len(self.counts))
        if generator is not None:
            documents = torch.randperm(len(self.counts), generator=generator)
        is_long = self.counts[documents] > 1
        parts = [
            self._short_batches(documents[~is_long], size, generator),
            self._lane_batches(documents[is_long], size),
        ]
        if generator is not None and torch.randint(2, (), generator=generator):
            parts.reverse()
        return parts[0] + parts[1]

    def _short_batches(
        self, documents: Tensor, size: int, generator: torch.Generator | None
    ) -> list[Tensor]:
        """Batches of documents of one window each."""
        if not len(documents):
            return []
        rows = self.first[documents]
        batches = batches_of(len(rows), self.lengths[rows], size, generator)
        return [rows[batch] + len(self) for batch in batches]

    def _lane_batches(self, documents: Tensor, size: int) -> list[Tensor]:
        """Batches of the windows of longer documents, a lane in each row."""
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


def token_rows(flat: Tensor, starts: Tensor, lengths: Tensor) -> Tensor:
    """Flat (total,) -> (B, T + 1): length + 1 tokens from each start, then padding."""
    columns = torch.arange(padded_steps(int(lengths.max())) + 1)
    places = (starts[:, None] + columns).clamp_(max=len(flat) - 1)
    return flat[places].masked_fill_(columns > lengths[:, None], 0)
