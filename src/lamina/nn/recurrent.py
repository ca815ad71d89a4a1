"""Recurrent layers over padded batches: x (B, T, C) -> h (B, T, D).

A PackedSequence is never built: PyTorch's fused CPU kernel takes padded input only. A
layer that reads backwards gets each sample reversed within its own length, so that the
padding stays at the end and no real step ever sees it. On a CPU a GRU and a plain RNN are
computed by `kernels/recurrence.py`, for which PyTorch has no fused kernel there.
"""

from typing import Any

import torch
from torch import Tensor, nn

from lamina.kernels.cells import GRU, RNN
from lamina.kernels.masks import keep_mask
from lamina.kernels.order import from_the_end
from lamina.kernels.recurrence import scan

State = tuple[Tensor, ...]
"""(1, B, D) each: what a unit says, and for an LSTM the cell behind it."""

CELLS: dict[str, Any] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
STEPS: dict[type, Any] = {
    nn.LSTM: torch.lstm_cell,
    nn.GRU: torch.gru_cell,
    nn.RNN: torch.rnn_tanh_cell,
}
"""A single step of each, without what a sequence needs."""
SCANS: dict[type, Any] = {nn.GRU: GRU, nn.RNN: RNN}
"""What computes all steps on a CPU, where it is faster than torch's own layer."""


class RecurrentLayer(nn.Module):
    """One layer of an LSTM, a GRU or a plain (tanh) RNN, in one or both directions.

    Recurrent weights start orthogonal (Saxe et al. 2014), input weights by Glorot. Gates
    that remember start with a bias of 1 (Jozefowicz et al. 2015), but in half of an LSTM's
    units at time scales spread up to `horizon` steps (Tallec & Ollivier 2018): these units
    carry what lies far back, and the others learn from the first step on. With a horizon
    of 1 all are such.
    """

    def __init__(
        self, cell: str, n_inputs: int, width: int, bidirectional: bool, horizon: int
    ):
        super().__init__()
        n_directions = 2 if bidirectional else 1
        self.directions: Any = nn.ModuleList(
            CELLS[cell](n_inputs, width, batch_first=True) for _ in range(n_directions)
        )
        self.width = width * n_directions
        for direction in self.directions:
            initialize(direction, cell, width, horizon)

    def forward(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        if self._scans(x):
            first = self.directions[0].weight_hh_l0
            start = first.new_zeros(len(self.directions), len(x), first.shape[1])
            return self._scan(x, lengths, start)
        states = [rnn(x)[0] for rnn in self.directions[:1]]
        for rnn in self.directions[1:]:
            states.append(reverse(rnn(reverse(x, lengths))[0], lengths))
        return torch.cat(states, -1) if len(states) > 1 else states[0]

    def carry(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """The states at the steps of x, from this state on, and where they end.

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

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """X (B, C) of one step -> h (B, D) there, and the state after it."""
        (rnn,) = self.directions
        cell, weights = STEPS[type(rnn)], rnn.all_weights[0]
        if isinstance(rnn, nn.LSTM):
            after = cell(x, [s[0] for s in state], *weights)
        else:
            after = (cell(x, state[0][0], *weights),)
        return after[0], tuple(s[None] for s in after)

    def start(self, n_samples: int) -> State:
        """The state before the first step."""
        (rnn,) = self.directions
        weight = next(rnn.parameters())
        zeros = weight.new_zeros(1, n_samples, self.width)
        return (zeros, zeros) if isinstance(rnn, nn.LSTM) else (zeros,)

    def _scans(self, x: Tensor) -> bool:
        return type(self.directions[0]) in SCANS and x.device.type == "cpu"

    def _scan(self, x: Tensor, lengths: Tensor | None, start: Tensor) -> Tensor:
        weights = [w for rnn in self.directions for w in rnn.all_weights[0]]
        return scan(SCANS[type(self.directions[0])], x, lengths, start, weights)


class StepDropout(nn.Module):
    """Dropout of h (B, T, D) that takes a feature from all steps of a sample."""

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
def initialize(rnn: nn.Module, cell: str, width: int, horizon: int) -> None:
    """Fill the weights of a one-layer nn.LSTM, nn.GRU or nn.RNN in place."""
    for name, parameter in rnn.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(parameter)
            continue
        fill = nn.init.orthogonal_ if "hh" in name else nn.init.xavier_uniform_
        for gate in parameter.split(width):
            fill(gate)
    if cell == "rnn":
        return
    bias = rnn.get_parameter("bias_ih_l0")
    remember = bias[width : 2 * width]
    remember.fill_(1.0)
    if cell == "lstm" and horizon > 1:
        n_long = width // 2
        scales = torch.empty(n_long).uniform_(1, max(horizon - 1, 2)).log_()
        bias[:n_long], remember[:n_long] = -scales, scales
