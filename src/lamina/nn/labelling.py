"""Heads that name every step: h (B, T, D) -> logits (B, T, K), and what they mean."""

from torch import Tensor, nn

from lamina.batch import Features
from lamina.nn.crf import Chain, real_steps


class Independent(nn.Module):
    """The labels of a sample as if they knew nothing of one another: a softmax a step."""

    def __init__(self, n_labels: int):
        super().__init__()
        del n_labels

    def log_likelihood(self, logits: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """(B,), of labels (B, T), of which lengths (B,) are real."""
        log_p = logits.float().log_softmax(2).gather(2, labels.unsqueeze(2))
        return log_p.masked_fill(~real_steps(logits, lengths), 0.0).sum((1, 2))

    def marginals(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, K), the probability of each label at each step; 0 at padding."""
        p = logits.double().softmax(2)
        return p.masked_fill(~real_steps(logits, lengths), 0.0)

    def decode(self, logits: Tensor, lengths: Tensor) -> Tensor:
        """(B, T), the most likely label of each step."""
        del lengths
        return logits.argmax(2)


class LabellingHead(nn.Module):
    """Logits of each step, and `labels`, the distribution over labellings that they make."""

    def __init__(self, width: int, n_labels: int, crf: bool):
        super().__init__()
        self.out = nn.Linear(width, n_labels)
        self.labels: Chain | Independent = (Chain if crf else Independent)(n_labels)
        nn.init.xavier_uniform_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, features: Features) -> Tensor:
        return self.out(features.h)
