"""Heads for one label a step: h (B, T, D) -> logits (B, T, K), and their distribution."""

import torch
from torch import Tensor, nn

from lamina.batch import Features
from lamina.nn.crf import (
    Allowed,
    LinearChainCRF,
    Penalties,
    forward_marginals,
    real_steps,
    restricted,
)
from lamina.nn.viterbi import viterbi


class SoftmaxLabels(nn.Module):
    """The labels of a sample are independent given the features: a softmax a step.

    With `allowed`, `marginals` and `decode` are those of this distribution given that the
    labelling is allowed. The likelihood is that of the softmax alone.
    """

    def __init__(self, n_labels: int, allowed: Allowed | None = None):
        super().__init__()
        self.n_labels = n_labels
        self.penalties = None if allowed is None else Penalties(allowed)

    def log_likelihood(self, logits: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """(B,), of labels (B, T), of which lengths (B,) are real."""
        return self.step_log_likelihoods(logits, labels, lengths).sum(1)

    def step_log_likelihoods(
        self, logits: Tensor, labels: Tensor, lengths: Tensor
    ) -> Tensor:
        """(B, T), of each label; 0 at padding."""
        log_p = logits.float().log_softmax(2).gather(2, labels.unsqueeze(2))
        return log_p.masked_fill(~real_steps(logits, lengths), 0.0).squeeze(2)

    def marginals(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, K), the probability of each label at each step; 0 at padding."""
        if self.penalties is not None:
            return forward_marginals(*self._scores(logits, lengths), lengths)
        p = logits.double().softmax(2)
        return p.masked_fill(~real_steps(logits, lengths), 0.0)

    def decode(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T), the most likely labelling."""
        if self.penalties is not None:
            return viterbi(*self._scores(logits, lengths), lengths)
        return logits.argmax(2)

    def _scores(self, logits: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        logits = logits.double()
        transitions = torch.zeros_like(logits[0, :1]).expand(self.n_labels, -1)
        return restricted(logits, transitions, lengths, self.penalties)


class LabellingHead(nn.Module):
    """Logits of each step, and `labels`, the distribution over labellings."""

    def __init__(
        self, width: int, n_labels: int, crf: bool, allowed: Allowed | None = None
    ):
        super().__init__()
        self.out = nn.Linear(width, n_labels)
        distribution = LinearChainCRF if crf else SoftmaxLabels
        self.labels: LinearChainCRF | SoftmaxLabels = distribution(n_labels, allowed)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Features) -> Tensor:
        return self.out(features.h)
