"""What flows between the parts, and the legend of shapes used in every docstring.

B samples of a batch, T steps, C channels of the input, H x W pixels, D features, K outputs.

==========  =======================  =======================================
data        ``Batch.x``              ``Features.h``
==========  =======================  =======================================
table       (B, C)                   (B, 1, D)
series      (B, T, C)                (B, T', D), one step per (strided) step
text        (B, T) of integers       (B, T', D)
image       (B, C, H, W)             (B, cells, D)
==========  =======================  =======================================
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any, Self, TypeVar

import torch
from torch import Tensor

from lamina.ragged import Sequences, step_mask

Numbers = TypeVar("Numbers", int, Tensor)
PAD, UNKNOWN, BEGIN, END = range(4)
"""Token numbers that stand for padding, for a token that was not seen in `fit`, and for
the two ends of a text. A head that says what follows has an output for each number from
END on: output 0 is the end of a text."""


def to_outputs(numbers: Numbers) -> Numbers:
    """Which output of a head each token number is; what stands for padding is below 0."""
    return numbers - END


def to_numbers(outputs: Numbers) -> Numbers:
    """The token number of each output of a head."""
    return outputs + END


State = list[tuple[Tensor, ...]]
"""Of each recurrent layer what the next step starts from, (1, B, D) each: its hidden state,
and for an LSTM its cell state."""


class HistoryChannel(IntEnum):
    """The channels of `Batch.x` where steps of a series are to be forecast."""

    VALUE = 0
    """The series, in the units of its window; 0 in the future."""
    OBSERVED = 1
    """Whether a step of the history was observed; a missing one holds its season's value."""
    LEAD = 2
    """Steps into the future, as a fraction of the horizon; 0 in the history."""
    SEASON_BEFORE = 3
    """The series a season before."""
    SEASONAL_BASELINE = 4
    """How a step of the season differs from the others: the median of the history."""


@dataclass(frozen=True)
class Spec:
    """What an encoder promises about `Batch.x`, and what the task wants to know of it.

    That is all that a body may ask.
    """

    n_channels: int = 0
    """Real-valued channels (columns of a table, colours of an image)."""
    n_categories: tuple[int, ...] = ()
    """Values of each coded column, `Batch.codes` (tables only); code 0 is unknown."""
    n_tokens: int = 0
    """Size of the vocabulary where x holds tokens, else 0."""
    n_characters: int = 0
    """Size of the alphabet where `Batch.codes` spells the tokens, else 0."""
    n_space: int = 0
    """Axes along which neighbours are related: 0 table, 1 sequence, 2 image."""
    max_length: int = 1
    """Steps of the longest training sample."""
    causal: bool = False
    """Whether no step may see a later one; for the task to say, as what follows."""
    horizon: int = 1
    """Steps over which what was seen counts as much as what is near."""


@dataclass
class CarriedState:
    """What one batch of a pass over the samples leaves for the next one."""

    state: State | None = None
    """The state of each row after its last step; None before the first batch."""


@dataclass  # not frozen, which takes four times as long to make
class Batch:
    """Samples as tensors, padded at the end where `lengths` says so."""

    x: Tensor
    codes: Tensor | None = None
    """Integers that are embedded: (B, columns), the categories of a table; (B, T), which
    row of `spellings` spells each token."""
    lengths: Tensor | None = None
    """(B,) real steps of each sample; None where no sample is padded."""
    target: Any = None
    """What the task's `encode` gave for these samples: a tensor, `Sequences`, or None."""
    weight: Tensor | None = None
    """(B,) sample weights with mean 1 over the training set; None where all are 1."""
    resets_state: Tensor | None = None
    """(B,) False where a sample continues the same row of the batch before; None where no
    sample does."""
    carried: CarriedState | None = None
    """Shared by all batches of a pass where samples continue one another; else None."""
    state: State | None = None
    """What a `RecurrentBody` starts from: its `start`, or an earlier `Features.state`."""
    units: Tensor | None = None
    """(B, ...) The units of each sample, where it is seen in units of its own."""
    spellings: Tensor | None = None
    """(N, W) Characters of the distinct tokens of the batch; the longest has W."""

    def __len__(self) -> int:
        return self.x.shape[0]

    def inputs(self) -> tuple[Tensor, ...]:
        """What is embedded: x, and the codes and spellings if there are some."""
        if self.codes is None:
            return (self.x,)
        if self.spellings is None:
            return self.x, self.codes
        return self.x, self.codes, self.spellings

    def labelled(self, target: Any, weight: Tensor | None) -> Self:
        """The batch with the targets and the weights of its samples.

        Without targets those stay that the samples brought with them.
        """
        # Quicker than `replace`, in a loop where that is felt.
        batch = type(self)(
            self.x, self.codes, self.lengths, target, weight, self.resets_state
        )
        if self.spellings is not None:
            batch = replace(batch, spellings=self.spellings)
        if target is None and (self.target is not None or self.units is not None):
            return replace(batch, target=self.target, units=self.units)
        return batch

    def to(self, device: torch.device) -> Self:
        """The batch on another device, which nothing waits for."""
        if device.type == "cpu" and self.x.device == device:
            return self
        moved = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Tensor):
                moved[f.name] = value.to(device, non_blocking=True)
            elif isinstance(value, Sequences):
                moved[f.name] = value.to(device)
        return replace(self, **moved)


@dataclass(frozen=True)
class Features:
    """What every body returns: h (B, T, D)."""

    h: Tensor
    lengths: Tensor | None = None
    state: State | None = None
    """The state after the last step; None unless `Batch.state` was given."""
    grid: tuple[int, int] | None = None
    """Rows and columns of a picture's cells, T in all."""

    def mask(self) -> Tensor | None:
        """(B, T), True at real steps and False at padding; None where all are real."""
        return (
            None if self.lengths is None else step_mask(self.lengths, self.h.shape[1])
        )
