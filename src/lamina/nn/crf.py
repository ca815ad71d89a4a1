"""Linear-chain conditional random field (Lafferty et al. 2001) over logits (B, T, K).

A labelling y of a sample of n steps has the score

    s(y) = start[y_1] + sum_t logits[t, y_t] + sum_t transitions[y_t, y_t+1] + end[y_n]

and the probability exp(s(y)) / Z, where Z is the sum of exp(s) over all labellings. `start`
and `end` are added to the first and to the last logits of each sample. With these logits l
and transitions A, the forward recursion (alpha) and the backward recursion (beta) are

    alpha_1(k) = l[1, k]      alpha_t+1(k) = l[t+1, k] + log sum_j exp(alpha_t(j) + A[j, k])
    beta_n(k)  = l[n, k]      beta_t-1(k)  = l[t-1, k] + log sum_j exp(A[k, j] + beta_t(j))

and give everything else:

    log Z                    = log sum_k exp(alpha_n(k))
    p(y_t = k)               = exp(alpha_t(k) + beta_t(k) - l[t, k] - log Z)
    p(y_t = j, y_t+1 = k)    = exp(alpha_t(j) + A[j, k] + beta_t+1(k) - log Z)
    p(y_t = k | y_t-1 = j)   = exp(A[j, k] + beta_t(k)) / sum_i exp(A[j, i] + beta_t(i))

The gradient of log Z is p(y_t = k) for logits, and the sum over t of p(y_t = j, y_t+1 = k)
for transitions, so that autograd sees one node for all steps. Both recursions run together,
each step as a product with exp(A) of numbers divided by their maximum, in double precision,
in which the exponentials of trained transitions do not overflow. Padding comes after the
last step; neither recursion reads it, and it is left out of all sums.

`FORBIDDEN` is added to the score of labellings that are not allowed, so that they are never
decoded and have marginal probability 0; the likelihood that is maximised is that of all
labellings. A label whose only allowed predecessor is unlikely would underflow in the product
with exp(A); so beta is then computed by logsumexp, and the marginals from
p(y_t = k | y_t-1 = j).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lamina.nn.recurrent import reverse
from lamina.nn.viterbi import viterbi
from lamina.ragged import step_mask
from lamina.state import Stored

FORBIDDEN = -1e9
"""Added to a score. Finite, because the difference of two infinities is NaN."""


@dataclass(frozen=True)
class Allowed(Stored):
    """Which labels may begin a sample (K,), follow each label (K, K), and end it (K,)."""

    start: np.ndarray
    transitions: np.ndarray
    end: np.ndarray


class Penalties(nn.Module):
    """Scores of `Allowed` labels: 0, or `FORBIDDEN` where a label is not allowed."""

    def __init__(self, allowed: Allowed):
        super().__init__()
        for name, mask in vars(allowed).items():
            self.register_buffer(name, torch.from_numpy(~mask) * FORBIDDEN)

    start: Tensor
    transitions: Tensor
    end: Tensor

    def forward(
        self, logits: Tensor, transitions: Tensor, lengths: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Logits (B, T, K) and transitions (K, K) with the penalties added."""
        logits = with_ends(logits, lengths, self.start, self.end)
        return logits, transitions + self.transitions


class LinearChainCRF(nn.Module):
    """Trainable `start` (K,), `transitions` (K, K) and `end` (K,); see the file."""

    def __init__(self, n_labels: int, allowed: Allowed | None = None):
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(n_labels, n_labels))
        self.start = nn.Parameter(torch.zeros(n_labels))
        self.end = nn.Parameter(torch.zeros(n_labels))
        self.penalties = None if allowed is None else Penalties(allowed)

    def log_likelihood(self, logits: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """(B,), of labels (B, T) of these lengths (B,)."""
        logits, transitions = self._scores(logits, lengths)
        scores = path_scores(logits, transitions, labels, lengths)
        return scores - LogPartition.apply(logits, transitions, lengths)

    def step_log_likelihoods(
        self, logits: Tensor, labels: Tensor, lengths: Tensor
    ) -> Tensor:
        """(B, T), log p(y_t | y_1 .. y_t-1); they sum to `log_likelihood`."""
        logits, transitions = self._scores(logits, lengths)
        beta = backward_messages(logits, transitions, lengths)
        later = transitions[labels[:, :-1]] + beta[:, 1:]
        scores = torch.cat([beta[:, :1], later], 1)
        log_p = scores.gather(2, labels.unsqueeze(2)).squeeze(2) - scores.logsumexp(2)
        return log_p.masked_fill(~step_mask(lengths, logits.shape[1]), 0.0)

    def marginals(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, K), the probability of each label at each step; 0 at padding."""
        scores = self._scores(logits, lengths)
        if self.penalties is None:
            return messages(*scores, lengths).marginals
        logits, transitions = self.penalties(*scores, lengths)
        return forward_marginals(logits, transitions, lengths)

    def decode(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T), the labelling with the highest score."""
        logits, transitions = self._scores(logits, lengths)
        if self.penalties is not None:
            logits, transitions = self.penalties(logits, transitions, lengths)
        return viterbi(logits, transitions, lengths)

    def _scores(self, logits: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, T, K) with start and end added, and transitions (K, K)."""
        logits = with_ends(logits.double(), lengths, self.start, self.end)
        return logits, self.transitions.double()


def with_ends(logits: Tensor, lengths: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """Logits (B, T, K), start (K,) added at the first step and end (K,) at the last."""
    steps = torch.arange(logits.shape[1], device=logits.device)[:, None]
    first, last = steps == 0, steps == lengths[:, None, None] - 1
    return logits + first * start + last * end


@dataclass(frozen=True)
class Messages:
    """Results of both recursions, named as at the top of this file."""

    alpha: Tensor
    """(B, T, K)."""
    beta: Tensor
    """(B, T, K)."""
    log_z: Tensor
    """(B,)."""
    marginals: Tensor
    """(B, T, K), 0 at padding."""


def messages(logits: Tensor, transitions: Tensor, lengths: Tensor) -> Messages:
    """Both recursions together: beta is the alpha of the reversed samples."""
    both = torch.stack([logits, reverse(logits, lengths)])
    shift = transitions.amax()
    moves = (transitions - shift).exp()
    moves = torch.stack([moves, moves.t()])
    now = both[:, :, 0]
    steps = [now]
    for step in (both + shift).unbind(2)[1:]:
        top = now.amax(2, keepdim=True)
        now = torch.bmm((now - top).exp_(), moves).log_().add_(top).add_(step)
        steps.append(now)
    alpha, beta = torch.stack(steps, 2)
    beta = reverse(beta, lengths)
    log_z = at_last_step(alpha, lengths).logsumexp(1)
    marginals = (alpha + beta - logits - log_z[:, None, None]).exp_()
    marginals.masked_fill_(~step_mask(lengths, logits.shape[1])[:, :, None], 0.0)
    return Messages(alpha, beta, log_z, marginals)


def backward_messages(logits: Tensor, transitions: Tensor, lengths: Tensor) -> Tensor:
    """Beta (B, T, K) as operations of autograd; slower than `messages`."""
    continues = step_mask(lengths - 1, logits.shape[1])[:, :, None]
    beta = logits[:, -1]
    steps = [beta]
    for t in range(logits.shape[1] - 2, -1, -1):
        after = (transitions + beta[:, None]).logsumexp(2)
        beta = logits[:, t] + after.masked_fill(~continues[:, t], 0.0)
        steps.append(beta)
    return torch.stack(steps[::-1], 1)


def forward_marginals(logits: Tensor, transitions: Tensor, lengths: Tensor) -> Tensor:
    """The marginals (B, T, K) of `messages`, from p(y_t | y_t-1); slower."""
    beta = backward_messages(logits, transitions, lengths)
    p = beta[:, 0].softmax(1)
    marginals = [p]
    for after in beta.unbind(1)[1:]:
        conditional = (transitions + after[:, None]).softmax(2)
        p = torch.bmm(p[:, None], conditional)[:, 0]
        marginals.append(p)
    p = torch.stack(marginals, 1)
    return p.masked_fill_(~step_mask(lengths, logits.shape[1])[:, :, None], 0.0)


class LogPartition(torch.autograd.Function):
    """Logits (B, T, K), transitions (K, K), lengths (B,) -> log Z (B,)."""

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, transitions: Tensor, lengths: Tensor
    ) -> Tensor:
        ctx.messages = messages(logits, transitions, lengths)
        ctx.save_for_backward(transitions, lengths)
        return ctx.messages.log_z

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, gradient: Tensor
    ) -> tuple[Tensor, Tensor, None]:
        result: Messages = ctx.messages
        transitions, lengths = ctx.saved_tensors
        gradient = gradient[:, None, None]
        top = result.alpha.amax(2, keepdim=True)
        # exp(alpha_t(j) - top_t) and exp(beta_t+1(k) + top_t - log Z): neither overflows.
        before = (result.alpha - top).exp_().mul_(gradient)[:, :-1]
        rest = top[:, :-1] - result.log_z[:, None, None]
        after = (result.beta[:, 1:] + rest).exp_()
        after.masked_fill_(~step_mask(lengths - 1, after.shape[1])[:, :, None], 0.0)
        pairs = before.flatten(0, 1).t() @ after.flatten(0, 1)
        return result.marginals * gradient, transitions.exp() * pairs, None


def path_scores(
    logits: Tensor, transitions: Tensor, labels: Tensor, lengths: Tensor
) -> Tensor:
    """(B,), the score of labels (B, T), of which lengths (B,) are real."""
    real = step_mask(lengths, logits.shape[1])
    emitted = logits.gather(2, labels.unsqueeze(2)).squeeze(2).masked_fill(~real, 0.0)
    moved = transitions[labels[:, :-1], labels[:, 1:]].masked_fill(~real[:, 1:], 0.0)
    return emitted.sum(1) + moved.sum(1)


def at_last_step(values: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, K) -> (B, K), each sample's last real step."""
    return values[torch.arange(len(values), device=values.device), lengths - 1]
