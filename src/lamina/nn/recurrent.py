"""Recurrent layers over padded batches: x (B, T, C) -> h (B, T, D).

A PackedSequence is never built: PyTorch's fused CPU kernel takes padded input only. A
layer that reads backwards gets each sample reversed within its own length, so that the
padding stays at the end and does not affect real steps. On a CPU a GRU and a plain RNN are
computed by `kernels/recurrence.py`, for which PyTorch has no fused kernel there.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from lamina.kernels.cells import GRU, RNN
from lamina.kernels.masks import keep_mask
from lamina.kernels.order import from_the_end
from lamina.kernels.recurrence import Recurrence, scan

LayerState = tuple[Tensor, ...]
"""(1, B, D) each: the hidden state, and for an LSTM the cell state."""
TorchLayer = nn.LSTM | nn.GRU | nn.RNN

CELLS: dict[str, type[TorchLayer]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
STEPS: dict[type, Callable[..., Any]] = {
    nn.LSTM: torch.lstm_cell,
    nn.GRU: torch.gru_cell,
    nn.RNN: torch.rnn_tanh_cell,
}
"""A single step of each, with less overhead than a sequence of one step."""
SCANS: dict[type, type[Recurrence]] = {nn.GRU: GRU, nn.RNN: RNN}
"""The kernels that on a CPU are faster than torch's layer."""


class RecurrentLayer(nn.Module):
    """One layer of an LSTM, a GRU or a plain (tanh) RNN, in one or both directions.

    Recurrent weights start orthogonal (Saxe et al. 2014), input weights by Glorot. Forget
    gates start with a bias of 1 (Jozefowicz et al. 2015), except that half of an LSTM's
    hidden units get time scales from 1 to `time_scale` steps (Tallec & Ollivier 2018), for
    dependencies of that range. With a time scale of 1 no unit does.
    """

    def __init__(
        self, cell: str, n_inputs: int, width: int, bidirectional: bool, time_scale: int
    ):
        super().__init__()
        n_directions = 2 if bidirectional else 1
        layers = [
            CELLS[cell](n_inputs, width, batch_first=True) for _ in range(n_directions)
        ]
        # A ModuleList does not declare the type of its items.
        self.directions = cast("Sequence[TorchLayer]", nn.ModuleList(layers))
        self.width = width * n_directions
        for direction in self.directions:
            initialize(direction, cell, width, time_scale)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if self._scans(x):
            return self._scan(x, lengths, None)
        states = [rnn(x)[0] for rnn in self.directions[:1]]
        for rnn in self.directions[1:]:
            states.append(reverse(rnn(reverse(x, lengths))[0], lengths))
        return torch.cat(states, -1) if len(states) > 1 else states[0]

    def carry(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """The hidden states at the steps of x, starting from `state`, and the last state.

        Only for a layer that reads forward. Gradients do not reach `state`.
        """
        (rnn,) = self.directions
        before = tuple(s.detach().contiguous() for s in state)
        if self._scans(x):
            h = self._scan(x, None, before[0])
            return h, (h[None, :, -1],)
        if isinstance(rnn, nn.LSTM):
            return rnn(x, before)
        h, last = rnn(x, before[0])
        return h, (last,)

    def step(self, x: Tensor, state: LayerState) -> tuple[Tensor, LayerState]:
        """X (B, C) of one step -> h (B, D) there, and the state after it."""
        (rnn,) = self.directions
        cell, weights = STEPS[type(rnn)], rnn.all_weights[0]
        if isinstance(rnn, nn.LSTM):
            after = cell(x, [s[0] for s in state], *weights)
        else:
            after = (cell(x, state[0][0], *weights),)
        return after[0], tuple(s[None] for s in after)

    def start(self, n_samples: int) -> LayerState:
        """The state before the first step."""
        (rnn,) = self.directions
        weight = next(rnn.parameters())
        zeros = weight.new_zeros(1, n_samples, self.width)
        return (zeros, zeros) if isinstance(rnn, nn.LSTM) else (zeros,)

    def _scans(self, x: Tensor) -> bool:
        return type(self.directions[0]) in SCANS and x.device.type == "cpu"

    def _scan(self, x: Tensor, lengths: Tensor | None, start: Tensor | None) -> Tensor:
        weights = [w for rnn in self.directions for w in rnn.all_weights[0]]
        if start is None:
            recurrent = weights[1]
            start = recurrent.new_zeros(
                len(self.directions), len(x), recurrent.shape[1]
            )
        return scan(SCANS[type(self.directions[0])], x, lengths, start, weights)


class StepDropout(nn.Module):
    """Dropout of h (B, T, D), with the same mask at all steps of a sample."""

    def __init__(self, rate: float):
        super().__init__()
        self.rate = rate

    def forward(self, h: Tensor) -> Tensor:
        if not self.training or not self.rate:
            return h
        return h * keep_mask(h[:, :1], self.rate)


def reverse(x: Tensor, lengths: Tensor | None) -> Tensor:
    """(B, T, C) with the real steps of each sample in reverse order."""
    if lengths is None:
        return x.flip(1)
    source = from_the_end(lengths, *x.shape[:2])
    return x.gather(1, source[:, :, None].expand_as(x))


@torch.no_grad()
def initialize(rnn: nn.Module, cell: str, width: int, time_scale: int) -> None:
    """Fill the weights of a one-layer nn.LSTM, nn.GRU or nn.RNN in place."""
    for name, parameter in rnn.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(parameter)
            continue
        if parameter.is_meta:  # no values; torch 2.10 would import its compiler
            continue
        fill = nn.init.orthogonal_ if "hh" in name else nn.init.xavier_uniform_
        for gate in parameter.split(width):
            fill(gate)
    if cell == "rnn":
        return
    bias = rnn.get_parameter("bias_ih_l0")
    forget = bias[width : 2 * width]
    forget.fill_(1.0)
    if cell == "lstm" and time_scale > 1:
        n_long = width // 2
        scales = torch.empty(n_long).uniform_(1, max(time_scale - 1, 2)).log_()
        forget[:n_long] = scales
        bias[:n_long] = scales.neg_()
