"""Texts from a network that says what may follow: the most likely ones, or drawn ones.

Tokens are counted so that number 0 ends a text. All texts of all samples are written
together: row `i * m + j` is text j of sample i.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from lamina.nn.sampling import draw


class Decoder(Protocol):
    """A network that is asked step by step about n samples."""

    def start(self, n_each: int) -> tuple[Tensor, Any]:
        """Log-probabilities (n * n_each, K) of the first token, and the state."""
        ...

    def step(self, tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Log-probabilities (n * n_each, K) after one more token of each text."""
        ...

    def select(self, state: Any, rows: Tensor) -> Any:
        """The state of these texts; each stays among those of its sample."""
        ...


class _Written(NamedTuple):
    """Where constrained texts are."""

    inner: Any
    """The state of the decoder."""
    place: Tensor
    """(n * m,) the state of each text among those of `states_after`."""
    n_written: int


class Constrained:
    """A decoder whose texts stay valid and, with prefixes, begin as they have to.

    The log-probability of a token that may not follow is -inf; those of the others are as
    they were, so that the sums are the likelihoods of the decoder.

    Parameters
    ----------
    decoder : Decoder
        What is asked.
    may_follow : ndarray of bool of shape (n_states, K)
        Whether a token may follow, by the state that a text is in; it begins in state 0.
    states_after : ndarray of int of shape (n_states, K)
        The state after each token.
    prefixes : list of lists of int or None, default=None
        For each sample the tokens that its texts begin with.
    """

    def __init__(
        self,
        decoder: Decoder,
        may_follow: np.ndarray,
        states_after: np.ndarray,
        prefixes: list[list[int]] | None = None,
    ):
        self.decoder, self.prefixes = decoder, prefixes or []
        self.forbidden = torch.from_numpy(~may_follow)
        self.after = torch.from_numpy(states_after)

    def start(self, n_each: int) -> tuple[Tensor, _Written]:
        log_p, inner = self.decoder.start(n_each)
        self.n_each = n_each
        self.forbidden = self.forbidden.to(log_p.device)
        self.after = self.after.to(log_p.device)
        place = torch.zeros(len(log_p), dtype=torch.int64, device=log_p.device)
        return self._answer(log_p, _Written(inner, place, 0))

    def step(self, tokens: Tensor, state: _Written) -> tuple[Tensor, _Written]:
        log_p, inner = self.decoder.step(tokens, state.inner)
        place = self.after[state.place, tokens]
        return self._answer(log_p, _Written(inner, place, state.n_written + 1))

    def select(self, state: _Written, rows: Tensor) -> _Written:
        inner = self.decoder.select(state.inner, rows)
        return _Written(inner, state.place[rows], state.n_written)

    def _answer(self, log_p: Tensor, state: _Written) -> tuple[Tensor, _Written]:
        free = log_p.masked_fill(self.forbidden[state.place], -torch.inf)
        for i, prefix in enumerate(self.prefixes):
            if state.n_written < len(prefix):
                texts = slice(i * self.n_each, (i + 1) * self.n_each)
                token = prefix[state.n_written]
                free[texts] = -torch.inf
                free[texts, token] = log_p[texts, token]
        return free, state


@dataclass(frozen=True)
class Hypothesis:
    """A text that may be meant."""

    tokens: list[int]
    """Without the end."""
    log_p: float
    """Natural logarithm of its probability, the end included."""
    ended: bool
    """False where the limit came before the end."""

    def score(self, length_penalty: float) -> float:
        """The log-probability over a power of the length, ends included."""
        return self.log_p / (len(self.tokens) + 1) ** length_penalty


def beam_search(
    decoder: Decoder,
    width: int,
    limit: int,
    length_penalty: float = 1.0,
) -> list[list[Hypothesis]]:
    """The hypotheses of each sample, the best first; `width` 1 is greedy.

    At each step the `width` most likely texts go on; one that ends leaves the beam, which
    then is narrower (Sutskever et al. 2014).
    """
    log_p, state = decoder.start(width)
    n, n_tokens = len(log_p) // width, log_p.shape[1]
    search = _Beam(n, width, log_p.device)
    first_rows = torch.arange(n, device=log_p.device)[:, None] * width
    for i in range(limit):
        total = search.alive[..., None] + log_p.view(n, width, n_tokens)
        best, at = total.flatten(1).topk(width)
        parents, tokens = at // n_tokens, at % n_tokens
        if not search.advance(best, parents, tokens):
            break
        if i < limit - 1:
            state = decoder.select(state, (first_rows + parents).flatten())
            log_p, state = decoder.step(tokens.flatten(), state)
    return search.ranked(length_penalty)


class _Beam:
    """The texts that are being written, `width` a sample, and those that ended."""

    def __init__(self, n: int, width: int, device: torch.device):
        self.alive = torch.full((n, width), -torch.inf, device=device)
        self.alive[:, 0] = 0.0
        self.left = torch.full((n, 1), width, device=device)
        self.written = torch.zeros(n, width, 0, dtype=torch.int64, device=device)
        self.ranks = torch.arange(width, device=device)
        self.ended: list[list[Hypothesis]] = [[] for _ in range(n)]

    def advance(self, best: Tensor, parents: Tensor, tokens: Tensor) -> bool:
        """Go on with these texts; whether any of them did not end."""
        best = best.masked_fill(self.ranks >= self.left, -torch.inf)
        before = self.written.gather(1, parents[..., None].expand_as(self.written))
        ends = (tokens == 0) & (best > -torch.inf)
        for i, j in ends.nonzero().tolist():
            written = before[i, j].tolist()
            self.ended[i].append(Hypothesis(written, best[i, j].item(), True))
        self.written = torch.cat([before, tokens[..., None]], -1)
        self.left = self.left - ends.sum(1, keepdim=True)
        self.alive = best.masked_fill(ends, -torch.inf)
        return bool((self.alive > -torch.inf).any())

    def ranked(self, length_penalty: float) -> list[list[Hypothesis]]:
        """All texts of each sample; those that never ended come last."""
        for i, j in (self.alive > -torch.inf).nonzero().tolist():
            written = self.written[i, j].tolist()
            self.ended[i].append(Hypothesis(written, self.alive[i, j].item(), False))
        return [
            sorted(
                found, key=lambda h: (h.ended, h.score(length_penalty)), reverse=True
            )
            for found in self.ended
        ]


def sample(
    decoder: Decoder,
    n_each: int,
    limit: int,
    chances: Callable[[Tensor], Tensor],
    generator: torch.Generator | None = None,
) -> list[Hypothesis]:
    """Draw `n_each` texts of each sample; `chances` turns log-probabilities into shares."""
    log_p, state = decoder.start(n_each)
    rows = torch.arange(len(log_p), device=log_p.device)
    total, ended = log_p.new_zeros(len(rows)), torch.zeros_like(rows, dtype=torch.bool)
    columns = []
    for i in range(limit):
        tokens = draw(chances(log_p).cpu(), generator).to(log_p.device)
        tokens = tokens.masked_fill(ended, 0)
        total += log_p[rows, tokens].masked_fill(ended, 0.0)
        columns.append(tokens)
        ended = ended | (tokens == 0)
        if bool(ended.all()) or i == limit - 1:
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
