"""Texts from a network that predicts the next token: by beam search, or drawn at random.

Tokens are outputs of a head: 0 is the end of a text. The m texts of each of n samples are
generated together: row `i * m + j` is text j of sample i.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from lamina.nn.sampling import draw

MAX_BEAM = 1_000
"""The most texts of a sample that a search keeps; each takes a copy of the states."""
S = TypeVar("S")
"""The state of a decoder."""


class Decoder(Protocol[S]):
    """A network that predicts the tokens of the texts of n samples, step by step."""

    def start(self, n_each: int) -> tuple[Tensor, S]:
        """Log-probabilities (n * n_each, K) of the first token, and the state."""
        ...

    def step(self, tokens: Tensor, state: S) -> tuple[Tensor, S]:
        """Log-probabilities (n * n_each, K) after one more token of each text."""
        ...

    def select(self, state: S, rows: Tensor) -> S:
        """The states of these texts, each among the texts of its own sample."""
        ...


class _Constraint(NamedTuple, Generic[S]):
    """The state of texts that are constrained."""

    inner: S
    """The state of the decoder."""
    row: Tensor
    """(n * m,) the row of `may_follow` and `states_after` for each text."""
    n_tokens: int


class Constrained(Generic[S]):
    """A decoder whose texts are valid and begin with given prefixes.

    The log-probability of a token that may not follow is -inf. Those of the others are not
    renormalised, so that their sums are log-likelihoods by the decoder.

    Parameters
    ----------
    decoder : Decoder
        The decoder that predicts the tokens.
    may_follow : ndarray of bool of shape (n_states, K)
        Whether each token may follow, by the state of a text, which is 0 at its start.
    states_after : ndarray of int of shape (n_states, K)
        The state after each token.
    prefixes : list of lists of int or None, default=None
        For each sample the tokens that its texts begin with.
    """

    def __init__(
        self,
        decoder: Decoder[S],
        may_follow: np.ndarray,
        states_after: np.ndarray,
        prefixes: list[list[int]] | None = None,
    ):
        self.decoder, self.prefixes = decoder, prefixes or []
        self.forbidden = torch.from_numpy(~may_follow)
        self.after = torch.from_numpy(states_after).long()

    def start(self, n_each: int) -> tuple[Tensor, _Constraint[S]]:
        log_p, inner = self.decoder.start(n_each)
        self.n_each = n_each
        self.forbidden = self.forbidden.to(log_p.device)
        self.after = self.after.to(log_p.device)
        row = torch.zeros(len(log_p), dtype=torch.int64, device=log_p.device)
        return self._constrain(log_p, _Constraint(inner, row, 0))

    def step(
        self, tokens: Tensor, state: _Constraint[S]
    ) -> tuple[Tensor, _Constraint[S]]:
        log_p, inner = self.decoder.step(tokens, state.inner)
        row = self.after[state.row, tokens]
        return self._constrain(log_p, _Constraint(inner, row, state.n_tokens + 1))

    def select(self, state: _Constraint[S], rows: Tensor) -> _Constraint[S]:
        inner = self.decoder.select(state.inner, rows)
        return _Constraint(inner, state.row[rows], state.n_tokens)

    def _constrain(
        self, log_p: Tensor, state: _Constraint[S]
    ) -> tuple[Tensor, _Constraint[S]]:
        free = log_p.masked_fill(self.forbidden[state.row], -torch.inf)
        for i, prefix in enumerate(self.prefixes):
            if state.n_tokens < len(prefix):
                texts = slice(i * self.n_each, (i + 1) * self.n_each)
                token = prefix[state.n_tokens]
                free[texts] = -torch.inf
                free[texts, token] = log_p[texts, token]
        return free, state


@dataclass(frozen=True)
class Hypothesis:
    """A text that was generated."""

    tokens: list[int]
    """Without the end."""
    log_p: float
    """Natural logarithm of its probability, the end included."""
    finished: bool
    """False if the limit was reached before the end."""

    def score(self, length_penalty: float) -> float:
        """The log-probability over a power of the length, ends included."""
        return self.log_p / (len(self.tokens) + 1) ** length_penalty


def beam_search(
    decoder: Decoder[S],
    width: int,
    limit: int,
    length_penalty: float = 1.0,
) -> list[list[Hypothesis]]:
    """The hypotheses of each sample, the best first; a `width` of 1 is greedy search.

    At each step the `width` most likely texts are kept. One that ends leaves the beam, which
    is narrower from then on (Sutskever et al. 2014). Texts have at most `limit` tokens.
    """
    log_p, state = decoder.start(width)
    n, n_tokens = len(log_p) // width, log_p.shape[1]
    search = _Beam(n, width, log_p.device)
    first_rows = torch.arange(n, device=log_p.device)[:, None] * width
    for i in range(limit):
        total = search.alive[..., None] + log_p.view(n, width, n_tokens)
        best, index = total.flatten(1).topk(width)
        parents, tokens = index // n_tokens, index % n_tokens
        if not search.advance(best, parents, tokens):
            break
        if i < limit - 1:
            state = decoder.select(state, (first_rows + parents).flatten())
            log_p, state = decoder.step(tokens.flatten(), state)
    return search.ranked(length_penalty)


class _Beam:
    """The unfinished texts, at most `width` of each sample, and those that finished."""

    def __init__(self, n: int, width: int, device: torch.device):
        self.alive = torch.full((n, width), -torch.inf, device=device)
        self.alive[:, 0] = 0.0
        self.left = torch.full((n, 1), width, device=device)
        self.written = torch.zeros(n, width, 0, dtype=torch.int64, device=device)
        self.ranks = torch.arange(width, device=device)
        self.finished: list[list[Hypothesis]] = [[] for _ in range(n)]

    def advance(self, best: Tensor, parents: Tensor, tokens: Tensor) -> bool:
        """Keep these texts; returns whether any of them has not finished."""
        best = best.masked_fill(self.ranks >= self.left, -torch.inf)
        before = self.written.gather(1, parents[..., None].expand_as(self.written))
        ends = (tokens == 0) & (best > -torch.inf)
        for i, j in ends.nonzero().tolist():
            written = before[i, j].tolist()
            self.finished[i].append(Hypothesis(written, best[i, j].item(), True))
        self.written = torch.cat([before, tokens[..., None]], -1)
        self.left = self.left - ends.sum(1, keepdim=True)
        self.alive = best.masked_fill(ends, -torch.inf)
        return bool((self.alive > -torch.inf).any())

    def ranked(self, length_penalty: float) -> list[list[Hypothesis]]:
        """All texts of each sample; those that never finished come last."""
        for i, j in (self.alive > -torch.inf).nonzero().tolist():
            written = self.written[i, j].tolist()
            self.finished[i].append(Hypothesis(written, self.alive[i, j].item(), False))
        return [
            sorted(
                texts, key=lambda h: (h.finished, h.score(length_penalty)), reverse=True
            )
            for texts in self.finished
        ]


def sample(
    decoder: Decoder[S],
    n_each: int,
    limit: int,
    probabilities: Callable[[Tensor], Tensor],
    generator: torch.Generator | None = None,
) -> list[Hypothesis]:
    """Draw `n_each` texts of each sample, of at most `limit` tokens.

    `probabilities` makes the probabilities to draw from of log-probabilities (N, K).
    """
    log_p, state = decoder.start(n_each)
    rows = torch.arange(len(log_p), device=log_p.device)
    total, finished = (
        log_p.new_zeros(len(rows)),
        torch.zeros_like(rows, dtype=torch.bool),
    )
    columns = []
    for i in range(limit):
        tokens = draw(probabilities(log_p).cpu(), generator).to(log_p.device)
        tokens = tokens.masked_fill(finished, 0)
        total += log_p[rows, tokens].masked_fill(finished, 0.0)
        columns.append(tokens)
        finished = finished | (tokens == 0)
        if bool(finished.all()) or i == limit - 1:
            break
        log_p, state = decoder.step(tokens, state)
    return [
        Hypothesis(
            written[: written.index(0)] if 0 in written else written, p, 0 in written
        )
        for written, p in zip(
            torch.stack(columns, 1).tolist(), total.tolist(), strict=True
        )
    ]
