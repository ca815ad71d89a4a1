"""The steps of a recurrent layer, with its gates, written out.

    LSTM  i = s(..), f = s(..), g = tanh(..), o = s(..),  c' = f c + i g,  h' = o tanh(c')
    GRU   r = s(..), z = s(..), n = tanh(W_n x + b_n + r (V_n h + c_n)),  h' = z h + (1 - z) n
    RNN   h' = tanh(W x + b + V h + c)

The layers themselves return h alone: their kernels do not keep the gates.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from lamina.nn.recurrent import TorchLayer

Weights = tuple[Tensor, Tensor, Tensor, Tensor]
"""W (G H, C), V (G H, H), b (G H,) and c (G H,) of G gates."""

GATES = ("input gate", "forget gate", "output gate", "reset gate", "update gate")
"""Values from 0 to 1; all others are from -1 to 1, but cell states of any size."""


def recurrence(rnn: TorchLayer, x: Tensor) -> dict[str, Tensor]:
    """The values (T, H) of each gate and state, from inputs x (T, C)."""
    weights = tuple(w.detach().cpu().double() for w in rnn.all_weights[0])
    assert len(weights) == 4
    steps = KINDS[type(rnn)](x.double(), weights)
    return {
        name: torch.stack([step[name] for step in steps]).float() for name in steps[0]
    }


def _lstm(x: Tensor, weights: Weights) -> list[dict[str, Tensor]]:
    W, V, b, c = weights
    h = cell = x.new_zeros(V.shape[1])
    steps = []
    for x_t in x:
        i, f, g, o = (W @ x_t + b + V @ h + c).chunk(4)
        i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
        cell = f * cell + i * g
        h = o * cell.tanh()
        gates = {"input gate": i, "forget gate": f, "output gate": o}
        steps.append(gates | {"cell state": cell, "hidden state": h})
    return steps


def _gru(x: Tensor, weights: Weights) -> list[dict[str, Tensor]]:
    W, V, b, c = weights
    h = x.new_zeros(V.shape[1])
    steps = []
    for x_t in x:
        (r, z, n), (v_r, v_z, v_n) = (W @ x_t + b).chunk(3), (V @ h + c).chunk(3)
        r, z = (r + v_r).sigmoid(), (z + v_z).sigmoid()
        h = z * h + (1 - z) * (n + r * v_n).tanh()
        steps.append({"reset gate": r, "update gate": z, "hidden state": h})
    return steps


def _rnn(x: Tensor, weights: Weights) -> list[dict[str, Tensor]]:
    W, V, b, c = weights
    h, steps = x.new_zeros(V.shape[1]), []
    for x_t in x:
        h = (W @ x_t + b + V @ h + c).tanh()
        steps.append({"hidden state": h})
    return steps


KINDS: dict[type, Callable[[Tensor, Weights], list[dict[str, Tensor]]]] = {
    nn.LSTM: _lstm,
    nn.GRU: _gru,
    nn.RNN: _rnn,
}
