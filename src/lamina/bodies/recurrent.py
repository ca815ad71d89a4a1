"""Recurrent network: the state after each step is an input of the next step.

Chosen here: LSTM by default (Hochreiter & Schmidhuber 1997; forget gate Gers et al. 2000),
GRU (Cho et al. 2014) or a plain tanh RNN (Elman 1990); biases with which gates keep their
state from the start (see `nn/recurrent.py`); after each layer dropout that sets a feature to
0 at all steps of a sample (Gal & Ghahramani 2016), because neighbouring steps have the same
information, and dropout drawn for each step would remove little of it.

    series (B, T, C) or tokens (B, T) -> h (B, T, D)

Beside the layers there is a path for the bag of n-grams of a text (`nn/bags.py`).
"""

from typing import Annotated, Any, ClassVar, Literal

from torch import Tensor, nn

from lamina.batch import Batch, Features, Spec, State
from lamina.nn.bags import BagPath
from lamina.nn.body import OF_TEXTS, RecurrentBody, TextBody
from lamina.nn.embedding import token_embedding
from lamina.nn.recurrent import RecurrentLayer, StepDropout
from lamina.params import Params, Use, at_least, fraction, layers


class CausalRecurrentParams(Params, use=Use.FROZEN):
    """The architecture of a recurrent network that reads forward."""

    cell: Annotated[
        Literal["lstm", "gru", "rnn"],
        """"lstm" keeps information over more steps than a plain "rnn"; "gru" has fewer
        weights than an LSTM.""",
    ] = "lstm"
    hidden_size: Annotated[
        int, at_least(1), "Hidden units of each layer, in each direction."
    ] = 128
    n_layers: Annotated[int, layers(), "Number of recurrent layers."] = 2
    dropout: Annotated[
        float,
        fraction(),
        "Fraction of features dropped after each layer in training.",
    ] = 0.4


class RecurrentParams(CausalRecurrentParams, use=Use.FROZEN):
    """The architecture of a recurrent network."""

    bidirectional: Annotated[
        bool,
        "Read each sequence in both directions; False reads it forward only.",
    ] = True


class RNNBody(RecurrentBody, TextBody):
    """x (B, T, C) or tokens (B, T) -> h (B, T, D); forward only where `spec.causal`."""

    forms: ClassVar = ("series", "text", "audio")
    default_steps: ClassVar = 2_500
    defaults_of_form: ClassVar = {"text": OF_TEXTS}
    is_reentrant: ClassVar = True
    has_static_steps: ClassVar = True

    def __init__(self, spec: Spec, params: CausalRecurrentParams):
        super().__init__(spec, params)
        n_inputs = spec.n_channels
        self.embed: nn.Module = nn.Identity()
        if spec.n_tokens:
            self.embed = token_embedding(spec, params.hidden_size)
            n_inputs = self.embed.embedding_dim
        is_bidirectional = (
            not spec.causal
            and isinstance(params, RecurrentParams)
            and params.bidirectional
        )
        # Typed as Any because a ModuleList has modules of any class.
        self.layers: Any = nn.ModuleList()
        for _ in range(params.n_layers):
            layer = RecurrentLayer(
                params.cell,
                n_inputs,
                params.hidden_size,
                is_bidirectional,
                spec.horizon,
            )
            self.layers.append(layer)
            n_inputs = layer.width
        self.drop = StepDropout(params.dropout)
        self.width = n_inputs
        if spec.n_ngrams:
            self.bag = BagPath(spec, params.dropout)
            self.width += self.bag.width
        # The many small operations of the other cells would wait for Python's lock.
        self.min_rows_part = 32 if params.cell == "lstm" else None

    def embedded(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """X (B, T, C), or embeddings (B, T, D) of tokens; and those (B, E) of bags."""
        x = self.embed(*batch.inputs())
        return x, None if self.bag is None else self.bag.embed(*batch.bags)

    def features(self, x: Tensor, bag: Tensor | None, batch: Batch) -> Features:
        """The features (B, T, D) of what `embedded` gives."""
        if batch.state is not None:
            return self._from_state(x, batch.lengths, batch.state)
        for layer in self.layers:
            x = self.drop(layer(x, batch.lengths))
        features = Features(x, batch.lengths)
        return features if self.bag is None else self.bag(features, bag)

    def start(self, n_samples: int) -> State:
        """The state of each layer before the first step."""
        return [layer.start(n_samples) for layer in self.layers]

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Inputs (B, C) or tokens (B,) of one step -> h (B, D), and the state after it."""
        h, states = self.embed(x), []
        for layer, before in zip(self.layers, state, strict=True):
            h, after = layer.step(h, before)
            h = self.drop(h)
            states.append(after)
        return h, states

    def _from_state(self, h: Tensor, lengths: Tensor | None, state: State) -> Features:
        states = []
        for layer, before in zip(self.layers, state, strict=True):
            h, after = layer.carry(h, before)
            h = self.drop(h)
            states.append(after)
        return Features(h, lengths, states)
