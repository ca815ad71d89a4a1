"""The head of taggers: logits of each step, and the distribution over labellings."""

from torch import Tensor, nn

from lamina.batch import Features
from lamina.nn.crf import (
    Allowed,
    LinearChainCRF,
    Penalties,
    forward_marginals,
)
from lamina.nn.heads import output_layer
from lamina.nn.viterbi import viterbi
from lamina.ragged import step_mask


class SoftmaxLabels(nn.Module):
    """A softmax for each step: labels are independent given the features.

    With `allowed`, `marginals` and `decode` are those of this distribution conditioned on
    the labelling being allowed; the likelihood is that of all labellings.
    """

    def __init__(self, n_labels: int, allowed: Allowed | None = None):
        super().__init__()
        self.n_labels = n_labels
        self.penalties = None if allowed is None else Penalties(allowed)

    def log_likelihood(self, logits: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """(B,), of labels (B, T) of these lengths (B,)."""
        return self.step_log_likelihoods(logits, labels, lengths).sum(1)

    def step_log_likelihoods(
        self, logits: Tensor, labels: Tensor, lengths: Tensor
    ) -> Tensor:
        """(B, T), log p(y_t) of each label; 0 at padding."""
        log_p = logits.float().log_softmax(2).gather(2, labels.unsqueeze(2)).squeeze(2)
        return log_p.masked_fill(~step_mask(lengths, logits.shape[1]), 0.0)

    def marginals(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, K), the probability of each label at each step; 0 at padding."""
        if self.penalties is not None:
            return forward_marginals(*self._allowed(logits, lengths), lengths)
        p = logits.double().softmax(2)
        return p.masked_fill(~step_mask(lengths, logits.shape[1])[:, :, None], 0.0)

    def decode(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T), the most likely labelling."""
        if self.penalties is not None:
            return viterbi(*self._allowed(logits, lengths), lengths)
        return logits.argmax(2)

    def _allowed(self, logits: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, T, K) and transitions (K, K) of a CRF, with penalties."""
        assert self.penalties is not None
        logits = logits.double()
        transitions = logits.new_zeros(self.n_labels, self.n_labels)
        return self.penalties(logits, transitions, lengths)


Labelling = LinearChainCRF | SoftmaxLabels
"""A distribution over labellings."""


class LabellingHead(nn.Module):
    """h (B, T, D) -> logits (B, T, K); `labels` is the distribution over labellings."""

    def __init__(
        self, width: int, n_labels: int, crf: bool, allowed: Allowed | None = None
    ):
        super().__init__()
        self.out = output_layer(width, n_labels)
        distribution = LinearChainCRF if crf else SoftmaxLabels
        self.labels: Labelling = distribution(n_labels, allowed)

    def forward(self, features: Features) -> Tensor:
        return self.out(features.h)
