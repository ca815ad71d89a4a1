"""Recurrent network: what a unit gave at one step is its input at the next.

Chosen here: LSTM by default (Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000),
GRU (Cho et al. 2014) or a plain tanh RNN (Elman 1990); gates that remember from the start
(see `nn/recurrent.py`); after each layer dropout that takes a feature from all steps of a
sample (Gal & Ghahramani 2016), for what one step loses and the next one has would not be
missed.

    series (B, T, C) or tokens (B, T) -> h (B, T, D)
"""

from typing import Annotated, Any, ClassVar

from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec, State
from lamina.bodies.base import RecurrentBody
from lamina.nn.embedding import embedding
from lamina.nn.recurrent import CELLS, RecurrentLayer, StepDropout
from lamina.params import Params, Use, at_least, boolean, fraction, one_of


class CausalRecurrentParams(Params, use=Use.FROZEN):
    """What a recurrent network is made of that reads forward."""

    cell: Annotated[
        str,
        one_of(*CELLS),
        """"lstm" keeps what a plain "rnn" forgets; "gru" is a lighter LSTM.""",
    ] = "lstm"
    hidden_size: Annotated[
        int, at_least(1), "Units of each layer, in each direction."
    ] = 128
    n_layers: Annotated[int, at_least(1), "Recurrent layers on top of each other."] = 2
    dropout: Annotated[
        float, fraction(), "Share of features dropped after each layer in training."
    ] = 0.4


class RecurrentParams(CausalRecurrentParams, use=Use.FROZEN):
    """What a recurrent network is made of."""

    bidirectional: Annotated[
        bool,
        boolean(),
        "Read each sequence from both ends; False reads from the first step only.",
    ] = True


class RNNBody(RecurrentBody):
    """x (B, T, C) or tokens (B, T) -> h (B, T, D); forward only where causal."""

    forms: ClassVar = ("series", "text", "audio")
    default_steps: ClassVar = 2_500
    has_static_steps: ClassVar = True

    def __init__(self, spec: Spec, params: Any):
        super().__init__(spec, params)
        n_inputs = spec.n_channels
        self.embed: Any = nn.Identity()
        if spec.n_tokens:
            self.embed = embedding(spec, params.hidden_size)
            n_inputs = self.embed.embedding_dim
        self.layers: Any = nn.ModuleList()
        for _ in range(params.n_layers):
            layer = RecurrentLayer(
                params.cell,
                n_inputs,
                params.hidden_size,
                not spec.causal and params.bidirectional,
                spec.horizon,
            )
            self.layers.append(layer)
            n_inputs = layer.width
        self.drop = StepDropout(params.dropout)
        self.width = n_inputs

    def forward(self, batch: Batch) -> Features:
        h = self.embed(*batch.inputs())
        if batch.state is not None:
            return self._carry(h, batch.lengths, batch.state)
        for layer in self.layers:
            h = self.drop(layer(h, batch.lengths))
        return Features(h, batch.lengths)

    def start(self, n_samples: int) -> State:
        """The state of each layer before the first step."""
        return [layer.start(n_samples) for layer in self.layers]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """X (B, C) or tokens (B,) of one step -> h (B, D) there, and the state after."""
        h, states = self.embed(x), []
        for layer, before in zip(self.layers, state, strict=True):
            h, after = layer.step(h, before)
            h = self.drop(h)
            states.append(after)
        return h, states

    def _carry(self, h: Tensor, lengths: Tensor | None, state: State) -> Features:
        states = []
        for layer, before in zip(self.layers, state, strict=True):
            h, after = layer.carry(h, before)
            h = self.drop(h)
            states.append(after)
        return Features(h, lengths, states)
