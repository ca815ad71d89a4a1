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

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lamina.nn.recurrent import reverse


class Chain(nn.Module):
    """What is likely to follow what, for K labels."""

    def __init__(self, n_labels: int):
        super().__init__()
        self.transitions = nn.Parameter(torch.zeros(n_labels, n_labels))
        self.start = nn.Parameter(torch.zeros(n_labels))
        self.end = nn.Parameter(torch.zeros(n_labels))

    def log_likelihood(
        self, logits: Tensor, labels: Tensor, lengths: Tensor
    ) -> Tensor:
        """(B,), of labels (B, T) of which lengths (B,) are real."""
        logits = logits.double()
        log_z = LogPartition.apply(logits, *self._weights(), lengths)
        return path_scores(logits, self, labels, lengths) - log_z

    def marginals(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, K), the probability of each label at each step; 0 at padding."""
        return messages(logits.double(), *self._weights(), lengths).marginals

    def decode(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T), the labelling of the highest score (Viterbi 1967)."""
        scores, back = logits[:, 0] + self.start, []
        finals = [scores]
        for step in logits.unbind(1)[1:]:
            best, origin = (scores.unsqueeze(2) + self.transitions).max(1)
            scores = best + step
            finals.append(scores)
            back.append(origin)
        last = at_last_step(torch.stack(finals, 1), lengths) + self.end
        path = [last.argmax(1)]
        for t in range(len(back), 0, -1):
            origin = back[t - 1].gather(1, path[-1].unsqueeze(1)).squeeze(1)
            path.append(torch.where(t < lengths, origin, path[-1]))
        return torch.stack(path[::-1], 1)

    def _weights(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.transitions.double(), self.start.double(), self.end.double()


@dataclass(frozen=True)
class Messages:
    """What a pass in both directions knows, in logarithms but for the marginals."""

    forward: Tensor
    """(B, T, K), of all labellings up to a step that end in a label, with its logit."""
    backward: Tensor
    """(B, T, K), of all labellings from a step on that begin with it, with its logit."""
    log_z: Tensor
    """(B,), of all labellings."""
    marginals: Tensor
    """(B, T, K), 0 at padding."""


def messages(
    logits: Tensor, transitions: Tensor, start: Tensor, end: Tensor, lengths: Tensor
) -> Messages:
    """Forward and backward recursions, stacked: the latter reads each sample reversed."""
    both = torch.stack([logits, reverse(logits, lengths)])
    shift = transitions.amax()
    step = (transitions - shift).exp()
    steps = torch.stack([step, step.t()])
    now = both[:, :, 0] + torch.stack([start, end])[:, None]
    seen = [now]
    for following in (both + shift).unbind(2)[1:]:
        top = now.amax(2, keepdim=True)
        now = torch.bmm((now - top).exp_(), steps).log_().add_(top).add_(following)
        seen.append(now)
    ahead, behind = torch.stack(seen, 2)
    log_z = (at_last_step(ahead, lengths) + end).logsumexp(1)
    behind = reverse(behind, lengths)
    marginals = (ahead + behind - logits - log_z[:, None, None]).exp()
    marginals = marginals.masked_fill(~real_steps(logits, lengths), 0.0)
    return Messages(ahead, behind, log_z, marginals)


class LogPartition(torch.autograd.Function):
    """log Z (B,) of logits (B, T, K), transitions (K, K), start, end and lengths (B,)."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        transitions: Tensor,
        start: Tensor,
        end: Tensor,
        lengths: Tensor,
    ) -> Tensor:
        found = messages(logits, transitions, start, end, lengths)
        ctx.found = found
        ctx.save_for_backward(transitions, lengths)
        return found.log_z

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, slope: Tensor
    ) -> tuple[Tensor | None, ...]:
        found: Messages = ctx.found
        transitions, lengths = ctx.saved_tensors
        to_logits = found.marginals * slope[:, None, None]
        top = found.forward.amax(2, keepdim=True)
        before = (found.forward - top).exp_() * slope[:, None, None]
        after = (found.backward[:, 1:] + (top[:, :-1] - found.log_z[:, None, None])).exp_()
        after.masked_fill_(~real_steps(after, lengths - 1), 0.0)
        pairs = before[:, :-1].flatten(0, 1).t() @ after.flatten(0, 1)
        to_end = at_last_step(to_logits, lengths).sum(0)
        return (
            to_logits,
            transitions.exp() * pairs,
            to_logits[:, 0].sum(0),
            to_end,
            None,
        )


def path_scores(
    logits: Tensor, chain: "Chain", labels: Tensor, lengths: Tensor
) -> Tensor:
    """(B,), the score of labels (B, T), of which lengths (B,) are real."""
    real = real_steps(logits, lengths).squeeze(2)
    said = logits.gather(2, labels.unsqueeze(2)).squeeze(2).masked_fill(~real, 0.0)
    moves = labels[:, :-1] * logits.shape[2] + labels[:, 1:]
    moved = chain.transitions.double().flatten()[moves].masked_fill(~real[:, 1:], 0.0)
    last = at_last_step(labels.unsqueeze(2), lengths).squeeze(1)
    ends = chain.start[labels[:, 0]] + chain.end[last]
    return said.sum(1) + moved.sum(1) + ends


def at_last_step(values: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, K) -> (B, K), each sample's last real step."""
    return values[torch.arange(len(values), device=values.device), lengths - 1]


def real_steps(values: Tensor, lengths: Tensor) -> Tensor:
    """(B, T, 1), True where a step of values (B, T, K) is real."""
    steps = torch.arange(values.shape[1], device=values.device)
    return (steps < lengths[:, None]).unsqueeze(2)
