"""A decoder that attends: features of any body -> the tokens of a text, one by one.

Two recurrent layers with attention between them (as in Wu et al. 2016): the first reads
what is written so far, and asks the features; the second reads both, so that it knows what
was attended to before. Neither feeds back into the other, so in training all steps of a
layer are computed by one fused kernel. The query of each step is compared with the features
by a scaled product (Luong et al. 2015; Vaswani et al. 2017).
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from lamina.batch import BEGIN, PAD, Features, to_numbers
from lamina.nn.dropout import Dropout
from lamina.nn.heads import mean_over_steps
from lamina.nn.recurrent import RecurrentLayer, State
from lamina.nn.tied import TiedOutput


@dataclass(frozen=True)
class Memory:
    """What can be attended to: keys and values (n, T, D), and a summary (n, D)."""

    keys: Tensor
    values: Tensor
    padding: Tensor | None
    """(n, 1, T), True where there is nothing; None where all steps are real."""
    summary: Tensor


class Attention(nn.Module):
    """Queries h (n, S, D) -> what they find in the memory, and where they looked."""

    def __init__(self, n_features: int, width: int):
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(n_features, width, bias=False)
        self.value = nn.Linear(n_features, width)
        self.summary = nn.Linear(n_features, width)
        self.scale = width**-0.5

    def memory(self, features: Features) -> Memory:
        """What can be found in these features."""
        h, mask = features.h, features.mask()
        padding = None if mask is None else ~mask[:, None]
        if padding is not None:
            h = h.masked_fill(padding.mT, 0.0)
        summary = self.summary(mean_over_steps(features))
        return Memory(self.key(h), self.value(h), padding, summary)

    def forward(self, h: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """(n, S, D) found, and (n, S, T) shares that sum to 1 over the real steps."""
        match = (self.query(h) * self.scale) @ memory.keys.mT
        if memory.padding is not None:
            match = match.masked_fill(memory.padding, -torch.inf)
        shares = match.softmax(-1)
        return shares @ memory.values, shares


class Decoded(NamedTuple):
    """What the decoder says after each token: h (n, S, D), shares (n, S, T)."""

    h: Tensor
    shares: Tensor


class AttentionDecoder(nn.Module):
    """Features and the tokens so far -> logits of the next token."""

    def __init__(self, n_features: int, n_tokens: int, width: int, dropout: float):
        super().__init__()
        self.embed = nn.Embedding(n_tokens, width, padding_idx=PAD)
        self.attention = Attention(n_features, width)
        # No time scales are spread: what lies far back is attended to.
        self.attention_rnn = RecurrentLayer("lstm", width, width, False, 1)
        self.output_rnn = RecurrentLayer("lstm", 2 * width, width, False, 1)
        self.join = nn.Linear(2 * width, width)
        self.drop = Dropout(dropout)
        self.logits = TiedOutput(self.embed)

    def forward(self, features: Features, tokens: Tensor) -> Decoded:
        """After each of tokens (n, S), the first of which is BEGIN, all at once."""
        memory = self.attention.memory(features)
        x = self.inputs(tokens, memory.summary)
        h = self.drop(self.attention_rnn(x, None))
        found, shares = self.attention(h, memory)
        h = self.drop(self.output_rnn(torch.cat([h, found], -1), None))
        return Decoded(self._joined(h, found), shares)

    def step(
        self, x: Tensor, state: tuple[State, State], memory: Memory
    ) -> tuple[Tensor, tuple[State, State]]:
        """H (n * m, D) after one more token, m texts being written for each memory."""
        n, width = memory.summary.shape
        h, read = self.attention_rnn.step(x, state[0])
        found, _ = self.attention(h.view(n, -1, width), memory)
        found = found.reshape(len(x), width)
        h, written = self.output_rnn.step(torch.cat([h, found], -1), state[1])
        return self._joined(h, found), (read, written)

    def inputs(self, tokens: Tensor, summary: Tensor) -> Tensor:
        """What is read at tokens (n, S), the first of which is BEGIN."""
        x = self.embed(tokens)
        # The summary of the features is where the recurrence starts from.
        first = (x[:, :1] + summary[:, None]).tanh()
        return self.drop(torch.cat([first, x[:, 1:]], 1))

    def _joined(self, h: Tensor, found: Tensor) -> Tensor:
        return self.drop(self.join(torch.cat([h, found], -1)).tanh())


class AttentionStepper:
    """A decoder and the features of n samples, one token at a time; see `Decoder`.

    Tokens are outputs of the decoder: 0 ends a text.
    """

    def __init__(self, decoder: AttentionDecoder, features: Features):
        self.decoder = decoder
        self.memory = decoder.attention.memory(features)

    def start(self, n_each: int) -> tuple[Tensor, Any]:
        """Log-probabilities (n * n_each, K) of how `n_each` texts of each sample begin."""
        decoder, memory = self.decoder, self.memory
        n = len(memory.summary)
        begin = torch.full((n, 1), BEGIN, device=memory.summary.device)
        x = decoder.inputs(begin, memory.summary)[:, 0].repeat_interleave(n_each, 0)
        state = decoder.attention_rnn.start(len(x)), decoder.output_rnn.start(len(x))
        return self._answer(*decoder.step(x, state, memory))

    def step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Log-probabilities after one more token (n * n_each,) of each text."""
        x = self.decoder.embed(to_numbers(tokens))
        return self._answer(*self.decoder.step(x, state, self.memory))

    @staticmethod
    def select(state: Any, rows: Tensor) -> Any:
        """The states of these texts; each must stay among those of its sample."""
        return tuple(tuple(s.index_select(1, rows) for s in layer) for layer in state)

    def _answer(self, h: Tensor, state: Any) -> tuple[Tensor, Any]:
        return self.decoder.logits(h).float().log_softmax(-1), state
