"""A decoder with attention: features of any body -> the tokens of a text, one by one.

Two recurrent layers with attention between them (Wu et al. 2016), after step s of a text

    a_s = attention_rnn(embedding of token s, a_s-1)
    w_s = softmax_t(q(a_s) . k(h_t) / sqrt(D)),    c_s = sum_t w_s,t v(h_t)
    b_s = output_rnn([a_s, c_s], b_s-1)
    logits of token s + 1 = embeddings . tanh(join([b_s, c_s])) / sqrt(D)

with queries q, keys k and values v linear in a_s and in the features h_t (Luong et al. 2015;
Vaswani et al. 2017). `attention_rnn` does not depend on `output_rnn`, so in training each
layer computes all steps of a text at once. `output_rnn` has seen the context of earlier
steps, and so what was attended to before.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina.batch import BEGIN, PAD, Features, State, to_token_ids
from lamina.nn.dropout import Dropout
from lamina.nn.heads import mean_over_steps
from lamina.nn.recurrent import RecurrentLayer
from lamina.nn.tied import TiedOutput


@dataclass(frozen=True)
class Memory:
    """What can be attended to: keys and values (n, T, D), and a summary (n, D)."""

    keys: Tensor
    values: Tensor
    padding: Tensor | None
    """(n, 1, T), True at padding; None where all steps are real."""
    summary: Tensor


MAX_WEIGHTS = 1 << 22
"""Attention weights, n x S x T, that are stored. Torch's attention does not store them, so
that its memory grows with S + T, but it takes up to 1.4 times as long for short texts."""


class Attention(nn.Module):
    """Queries from h (n, S, D) -> contexts (n, S, D), by attention weights (n, S, T)."""

    def __init__(self, n_features: int, width: int):
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(n_features, width, bias=False)
        self.value = nn.Linear(n_features, width)
        self.summary = nn.Linear(n_features, width)
        self.scale = width**-0.5

    def memory(self, features: Features) -> Memory:
        """Keys, values and summary of these features."""
        h, mask = features.h, features.mask()
        padding = None if mask is None else ~mask[:, None]
        if padding is not None:
            h = h.masked_fill(padding.mT, 0.0)
        summary = self.summary(mean_over_steps(features))
        return Memory(self.key(h), self.value(h), padding, summary)

    def forward(self, h: Tensor, memory: Memory) -> Tensor:
        if h.shape[0] * h.shape[1] * memory.keys.shape[1] <= MAX_WEIGHTS:
            return self.weights(h, memory) @ memory.values
        context = F.scaled_dot_product_attention(
            self.query(h)[:, None],
            memory.keys[:, None],
            memory.values[:, None],
            None if memory.padding is None else ~memory.padding[:, None],
        )
        return context[:, 0]

    def weights(self, h: Tensor, memory: Memory) -> Tensor:
        """Weights (n, S, T) that sum to 1 over the real steps of the features."""
        scores = (self.query(h) * self.scale) @ memory.keys.mT
        if memory.padding is not None:
            scores = scores.masked_fill(memory.padding, -torch.inf)
        return scores.softmax(-1)


class AttentionDecoder(nn.Module):
    """Features and the tokens so far -> logits of the next token."""

    def __init__(self, n_features: int, n_tokens: int, width: int, dropout: float):
        super().__init__()
        self.embed = nn.Embedding(n_tokens, width, padding_idx=PAD)
        self.attention = Attention(n_features, width)
        # A time scale of 1: attention makes long time scales of the gates unnecessary.
        self.attention_rnn = RecurrentLayer("lstm", width, width, False, 1)
        self.output_rnn = RecurrentLayer("lstm", 2 * width, width, False, 1)
        self.join = nn.Linear(2 * width, width)
        self.drop = Dropout(dropout)
        self.logits = TiedOutput(self.embed)

    def forward(self, features: Features, tokens: Tensor) -> Tensor:
        """H (n, S, D) after each token, for ids (n, S) of which the first is BEGIN."""
        memory = self.attention.memory(features)
        h = self._queries(tokens, memory)
        context = self.attention(h, memory)
        h = self.drop(self.output_rnn(torch.cat([h, context], -1), None))
        return self._joined(h, context)

    def weights(self, features: Features, tokens: Tensor) -> Tensor:
        """The attention weights (n, S, T) after each token."""
        memory = self.attention.memory(features)
        return self.attention.weights(self._queries(tokens, memory), memory)

    def _queries(self, tokens: Tensor, memory: Memory) -> Tensor:
        """H (n, S, D) of the layer that attends."""
        return self.drop(self.attention_rnn(self.inputs(tokens, memory.summary), None))

    def start(self, n_texts: int) -> State:
        """The states of both layers before the first step."""
        return [self.attention_rnn.start(n_texts), self.output_rnn.start(n_texts)]

    def step(self, x: Tensor, state: State, memory: Memory) -> tuple[Tensor, State]:
        """Inputs (n * m, D) of one step -> h (n * m, D), with m texts for each memory."""
        n, width = memory.summary.shape
        h, attention_state = self.attention_rnn.step(x, state[0])
        context = self.attention(h.view(n, -1, width), memory)
        context = context.reshape(len(x), width)
        h, output_state = self.output_rnn.step(torch.cat([h, context], -1), state[1])
        return self._joined(h, context), [attention_state, output_state]

    def inputs(self, tokens: Tensor, summary: Tensor) -> Tensor:
        """Inputs (n, S, D) for token ids (n, S) of which the first is BEGIN."""
        x = self.embed(tokens)
        # The first step also reads the summary of the features.
        first = (x[:, :1] + summary[:, None]).tanh()
        return self.drop(torch.cat([first, x[:, 1:]], 1))

    def _joined(self, h: Tensor, context: Tensor) -> Tensor:
        return self.drop(self.join(torch.cat([h, context], -1)).tanh())


class AttentionStepper:
    """A decoder with the features of n samples, one token at a time; a `Decoder`.

    Tokens are outputs of the decoder: 0 is the end of a text.
    """

    def __init__(self, decoder: AttentionDecoder, features: Features):
        self.decoder = decoder
        self.memory = decoder.attention.memory(features)

    def start(self, n_each: int) -> tuple[Tensor, State]:
        """Log-probabilities (n * n_each, K) of the first token, and the state."""
        decoder, memory = self.decoder, self.memory
        n = len(memory.summary)
        begin = torch.full((n, 1), BEGIN, device=memory.summary.device)
        x = decoder.inputs(begin, memory.summary)[:, 0].repeat_interleave(n_each, 0)
        return self._log_p(*decoder.step(x, decoder.start(len(x)), memory))

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Log-probabilities after one more token (n * n_each,) of each text."""
        x = self.decoder.embed(to_token_ids(tokens))
        return self._log_p(*self.decoder.step(x, state, self.memory))

    @staticmethod
    def select(state: State, rows: Tensor) -> State:
        """The states of these texts, each among the texts of its own sample."""
        return [tuple(s.index_select(1, rows) for s in layer) for layer in state]

    def _log_p(self, h: Tensor, state: State) -> tuple[Tensor, State]:
        return self.decoder.logits(h).float().log_softmax(-1), state
