"""Classes that encoders, bodies and tasks exchange, and the shapes used in all docstrings.

B samples of a batch, T steps, C channels of the input, H x W pixels, D features, K outputs.

==========  =======================  =======================================
data        ``Batch.x``              ``Features.h``
==========  =======================  =======================================
table       (B, C)                   (B, 1, D)
series      (B, T, C)                (B, T', D), one step per (strided) step
text        (B, T) token ids         (B, T', D)
image       (B, C, H, W)             (B, cells, D)
==========  =======================  =======================================
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from typing import Any, Self, TypeVar

import torch
from torch import Tensor

from lamina.ragged import Bags, Sequences, step_mask
from lamina.state import Stored

Ids = TypeVar("Ids", int, Tensor)
PAD, UNKNOWN, BEGIN, END = range(4)
"""The token ids of padding, of a token that was not seen in `fit`, and of the two ends of a
text. A head that predicts the next token has an output for each id from END on: output 0 is
the end of a text."""


def to_outputs(token_ids: Ids) -> Ids:
    """The output of a head for each token id; below 0 for padding."""
    return token_ids - END


def to_token_ids(outputs: Ids) -> Ids:
    """The token id of each output of a head."""
    return outputs + END


State = list[tuple[Tensor, ...]]
"""Of each recurrent layer what the next step starts from, (1, B, D) each: its hidden state,
and for an LSTM its cell state."""


class HistoryChannel(IntEnum):
    """The channels of `Batch.x` for forecasting."""

    VALUE = 0
    """The series, in the scale of its window; 0 in the future."""
    OBSERVED = 1
    """Whether a step was observed; a missing one has the value of its season."""
    LEAD = 2
    """Steps into the future, as a fraction of the horizon; 0 in the history."""
    SEASON_BEFORE = 3
    """The series one season earlier."""
    SEASONAL_BASELINE = 4
    """The median, over the seasons of the history, of a step minus the mean of its season."""


def changed(state: State | None, function: Callable[[Tensor], Tensor]) -> State | None:
    """The state with `function` of each of its tensors."""
    if state is None:
        return None
    return [tuple(map(function, layer)) for layer in state]


@dataclass(frozen=True)
class Spec(Stored):
    """What a body is built from: properties of the data, from the encoder, and of the task."""

    n_channels: int = 0
    """Real-valued channels: columns of a table, colours of an image."""
    edges: tuple[tuple[float, ...], ...] = ()
    """Of each of the first channels that is embedded, the edges of its bins, ascending; of
    others nothing (tables only)."""
    n_categories: tuple[int, ...] = ()
    """Number of codes of each column of `Batch.codes` (tables only); code 0 is unknown."""
    n_tokens: int = 0
    """Size of the vocabulary where x holds tokens, else 0."""
    vector_size: int = 0
    """Values of the vectors that the embedding of tokens starts from; 0 where there are
    none, and its width is that of the layer after it."""
    n_characters: int = 0
    """Size of the alphabet where `Batch.codes` spells the tokens, else 0."""
    n_ngrams: tuple[int, ...] = ()
    """Number of ids in each of `Batch.bags`; id 0 is of no n-gram."""
    ngram_width: int = 16
    """Values of the embedding of an n-gram."""
    ngram_dropout: float = 0.0
    """Fraction of n-grams that a body leaves out in training."""
    token_dropout: float | None = None
    """Fraction of tokens that a body replaces by unknown ones in training; None where a token
    stands for itself, as in a text that is written."""
    n_space: int = 0
    """Axes along which order matters: 0 for tables, 1 for sequences, 2 for images."""
    max_length: int = 1
    """Steps of the longest training sample."""
    causal: bool = False
    """Whether no step may see a later one. Set for the task, as `horizon` is."""
    horizon: int = 1
    """Steps over which an output depends on its input."""


PER_ROW = (
    "codes",
    "lengths",
    "target",
    "weight",
    "resets_state",
    "level_and_scale",
)
"""The fields of a batch, besides x, that have a row for each sample."""


@dataclass
class CarriedState(Stored):
    """What one batch of a pass over the samples leaves for the next one."""

    state: State | None = None
    """The state of each row after its last step; None before the first batch."""
    parts: dict[int, "CarriedState"] = field(default_factory=dict)
    """Where the rows of a batch are computed in parts, what each of them leaves."""

    def part(self, index: int, rows: slice | Tensor) -> "CarriedState":
        """What the `index`-th part, of these rows, leaves."""
        if index not in self.parts:
            state = changed(self.state, lambda values: values[:, rows])
            self.parts[index] = CarriedState(state)
        return self.parts[index]

    def copy(self) -> "CarriedState":
        """The same, which later batches do not change."""
        return CarriedState(self.state, {i: p.copy() for i, p in self.parts.items()})

    def joined(self) -> State | None:
        """The state of all rows, also where they were computed in parts."""
        if not self.parts:
            return self.state
        states = [self.parts[i].joined() for i in sorted(self.parts)]
        present = [state for state in states if state is not None]
        if len(present) < len(states):
            return None
        layers = zip(*present, strict=True)
        return [
            tuple(torch.cat(values, 1) for values in zip(*layer, strict=True))
            for layer in layers
        ]

    def to(self, device: torch.device) -> "CarriedState":
        """The same on a device."""
        state = changed(self.state, lambda values: values.to(device))
        return CarriedState(state, {i: p.to(device) for i, p in self.parts.items()})


@dataclass  # not frozen, because a frozen one takes four times as long to create
class Batch:
    """Samples as tensors, padded at the end where `lengths` says so."""

    x: Tensor
    codes: Tensor | None = None
    """Integers that are embedded: (B, columns) categories of a table, or (B, T) the row of
    `spellings` for each token."""
    lengths: Tensor | None = None
    """(B,) the real steps of each sample; None where no sample is padded."""
    target: Any = None
    """The rows of the task's `encode` for these samples: a tensor, `Sequences`, or None."""
    weight: Tensor | None = None
    """(B,) sample weights with mean 1 over the training set; None where all are 1."""
    resets_state: Tensor | None = None
    """(B,) False where a sample continues the same row of the batch before; None where no
    sample does."""
    carried: CarriedState | None = None
    """Shared by all batches of a pass where samples continue one another; else None."""
    state: State | None = None
    """What a `RecurrentBody` starts from: its `start`, or an earlier `Features.state`."""
    level_and_scale: Tensor | None = None
    """(B, 2) the level and the scale that were removed from each window of a series."""
    spellings: Tensor | None = None
    """(N, W) character ids of the N distinct tokens of the batch, padded to the longest."""
    bags: tuple[Bags, ...] = ()
    """The n-grams of each text, with their weights: of X, or of each column of texts."""

    def __len__(self) -> int:
        return self.x.shape[0]

    def inputs(self) -> tuple[Tensor, ...]:
        """x, and the codes and spellings if there are any."""
        if self.codes is None:
            return (self.x,)
        if self.spellings is None:
            return self.x, self.codes
        return self.x, self.codes, self.spellings

    def labelled(self, target: Any, weight: Tensor | None) -> Self:
        """The batch with targets and weights; without targets it keeps its own."""
        # `replace` is measurably slower here.
        batch = type(self)(
            self.x, self.codes, self.lengths, target, weight, self.resets_state
        )
        batch.level_and_scale, batch.spellings = self.level_and_scale, self.spellings
        batch.bags = self.bags
        if target is None:
            batch.target = self.target
        return batch

    def part(self, index: int, rows: slice | Tensor) -> Self:
        """Some rows of a batch, the `index`-th of its parts."""
        batch = type(self)(self.x[rows])
        for name in PER_ROW:
            value = getattr(self, name)
            if value is not None:
                setattr(batch, name, value[rows])
        batch.bags = tuple(bags[rows] for bags in self.bags)
        if self.carried is not None:
            batch.carried = self.carried.part(index, rows)
        if self.spellings is not None and batch.codes is not None:
            seen, batch.codes = batch.codes.unique(return_inverse=True)
            batch.spellings = self.spellings[seen]
        return batch

    def to(self, device: torch.device) -> Self:
        """The batch on a device, copied without waiting for it."""
        if device.type == "cpu" and self.x.device == device:
            return self
        moved = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Tensor):
                moved[f.name] = value.to(device, non_blocking=True)
            elif isinstance(value, Sequences):
                moved[f.name] = value.to(device)
        moved["bags"] = tuple(bags.to(device) for bags in self.bags)
        return replace(self, **moved)


@dataclass(frozen=True)
class Features:
    """What every body returns: h (B, T, D)."""

    h: Tensor
    lengths: Tensor | None = None
    state: State | None = None
    """The state after the last step; None unless `Batch.state` was given."""
    grid: tuple[int, int] | None = None
    """Rows and columns of the T cells of an image; None for other data."""
    x: Tensor | None = None
    """(B, C) the numbers of tables, of which a head may have a linear model."""

    def mask(self) -> Tensor | None:
        """(B, T), True at real steps and False at padding; None where all are real."""
        return (
            None if self.lengths is None else step_mask(self.lengths, self.h.shape[1])
        )
