"""Linear-chain conditional random field (Lafferty et al. 2001) over logits (B, T, K).

A labelling y of a sample of n steps has the score

    start[y_1] + sum_t logits[t, y_t] + sum_t transitions[y_t, y_t+1] + end[y_n]

and the probability exp(score) / Z. Messages run through the steps in the logarithmic
domain, both ways at once, each as one product with exp(transitions) around a running
maximum. They are in double precision, whose range no trained transition leaves. The slope
of log Z is the marginals, so that autograd sees one node for all steps. Padding stands
behind the real steps, where no message comes from, and has no share in any sum.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lamina.nn.recurrent import reverse

CELLS_AT_ONCE = 1 << 17
"""Pairs of labels whose scores are compared together, few enough to stay in the cache."""


class Chain(nn.Module):
    """What is likely to follow what, for K labels."""

    def __init__(self, n_labels: int):
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(n_labels, n_labels))
        self.start = nn.Parameter(torch.zeros(n_labels))
        self.end = nn.Parameter(torch.zeros(n_labels))

    def log_likelihood(self, logits: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """(B,), of labels (B, T), of which lengths (B,) are real."""
        logits, transitions = self._scores(logits, lengths)
        scores = path_scores(logits, transitions, labels, lengths)
        return scores - LogPartition.apply(logits, transitions, lengths)

    def marginals(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, K), the probability of each label at each step; 0 at padding."""
        return messages(*self._scores(logits, lengths), lengths).marginals

    def decode(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T), the labelling of the highest score."""
        scores = self._scores(logits, lengths)
        emitted, moved = (s.detach().cpu().numpy() for s in scores)
        n, counts = max(1, CELLS_AT_ONCE // moved.size), lengths.cpu().numpy()
        paths = np.zeros(emitted.shape[:2], dtype=np.int64)
        for i in range(0, len(paths), n):
            rows, n_steps = slice(i, i + n), counts[i : i + n].max()
            found = best_paths(emitted[rows, :n_steps], moved, counts[rows])
            paths[rows, :n_steps] = found
        return torch.from_numpy(paths)

    def _scores(self, logits: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, T, K) that know of both ends, and transitions (K, K)."""
        steps = torch.arange(logits.shape[1], device=logits.device)[:, None]
        first, last = steps == 0, steps == lengths[:, None, None] - 1
        logits = logits.double() + first * self.start + last * self.end
        return logits, self.transitions.double()


@dataclass(frozen=True)
class Messages:
    """What a pass in both directions knows; logarithms, but for the marginals."""

    ahead: Tensor
    """(B, T, K), of all labellings of the steps up to here that end in a label."""
    behind: Tensor
    """(B, T, K), of all labellings of the steps from here on that begin with it."""
    log_z: Tensor
    """(B,), of all labellings."""
    marginals: Tensor
    """(B, T, K), 0 at padding."""


def messages(logits: Tensor, transitions: Tensor, lengths: Tensor) -> Messages:
    """Both recursions, one beside the other: the second reads each sample reversed."""
    both = torch.stack([logits, reverse(logits, lengths)])
    shift = transitions.amax()
    moves = (transitions - shift).exp()
    moves = torch.stack([moves, moves.t()])
    now = both[:, :, 0]
    seen = [now]
    for step in (both + shift).unbind(2)[1:]:
        top = now.amax(2, keepdim=True)
        now = torch.bmm((now - top).exp_(), moves).log_().add_(top).add_(step)
        seen.append(now)
    ahead, behind = torch.stack(seen, 2)
    behind = reverse(behind, lengths)
    log_z = at_last_step(ahead, lengths).logsumexp(1)
    marginals = (ahead + behind - logits - log_z[:, None, None]).exp_()
    marginals.masked_fill_(~real_steps(logits, lengths), 0.0)
    return Messages(ahead, behind, log_z, marginals)


class LogPartition(torch.autograd.Function):
    """Logits (B, T, K), transitions (K, K), lengths (B,) -> log Z (B,)."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, transitions: Tensor, lengths: Tensor
    ) -> Tensor:
        ctx.found = messages(logits, transitions, lengths)
        ctx.save_for_backward(transitions, lengths)
        return ctx.found.log_z

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, slope: Tensor
    ) -> tuple[Tensor, Tensor, None]:
        found: Messages = ctx.found
        transitions, lengths = ctx.saved_tensors
        slope = slope[:, None, None]
        top = found.ahead.amax(2, keepdim=True)
        before = (found.ahead - top).exp_().mul_(slope)[:, :-1]
        rest = top[:, :-1] - found.log_z[:, None, None]
        after = (found.behind[:, 1:] + rest).exp_()
        after.masked_fill_(~real_steps(after, lengths - 1), 0.0)
        pairs = before.flatten(0, 1).t() @ after.flatten(0, 1)
        return found.marginals * slope, transitions.exp() * pairs, None


def best_paths(
    logits: np.ndarray, transitions: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """(B, T), the labellings of the highest scores (Viterbi 1967), for logits (B, T, K).

    In numpy, which finds the places of maxima twice as fast as torch.
    """
    into = np.ascontiguousarray(transitions.T)
    best, origins = [logits[:, 0]], []
    for step in logits.transpose(1, 0, 2)[1:]:
        ways = best[-1][:, None] + into
        origins.append(ways.argmax(2))
        best.append(np.take_along_axis(ways, origins[-1][..., None], 2)[..., 0] + step)
    rows = np.arange(len(logits))
    path = [np.stack(best)[lengths - 1, rows].argmax(1)]
    for t in range(len(origins), 0, -1):
        origin = origins[t - 1][rows, path[-1]]
        path.append(np.where(t < lengths, origin, path[-1]))
    return np.stack(path[::-1], 1)


def path_scores(
    logits: Tensor, transitions: Tensor, labels: Tensor, lengths: Tensor
) -> Tensor:
    """(B,), the score of labels (B, T), of which lengths (B,) are real."""
    real = real_steps(logits, lengths).squeeze(2)
    said = logits.gather(2, labels.unsqueeze(2)).squeeze(2)
    moved = transitions[labels[:, :-1], labels[:, 1:]]
    said, moved = said.masked_fill(~real, 0.0), moved.masked_fill(~real[:, 1:], 0.0)
    return said.sum(1) + moved.sum(1)


def at_last_step(values: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, K) -> (B, K), each sample's last real step."""
    return values[torch.arange(len(values), device=values.device), lengths - 1]


def real_steps(values: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, 1), True where a step of values (B, T, K) is real."""
    steps = torch.arange(values.shape[1], device=values.device)
    return (steps < lengths[:, None]).unsqueeze(2)
