"""Connectionist temporal classification (Graves et al. 2006): texts without an alignment.

At each step t the network gives probabilities p_t of the units and of a blank, class 0. A
path has a class for each step; its text follows by merging repeated classes and then
removing blanks. The probability of a text is the sum over its paths of prod_t p_t(path_t).
"""

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.ragged import step_mask

BLANK = 0
MAX_STATES_AT_ONCE = 1 << 24
"""States that are summed over together: T steps x (2 S + 1) of each text of S units."""
Following = Callable[[tuple[int, ...]], np.ndarray]
"""A text -> log-probabilities (K,) of the next unit, and at 0 of the end of the text."""


def text_losses(
    log_p: Tensor, lengths: Tensor, values: Tensor, counts: Tensor
) -> Tensor:
    """(B,) negative log-likelihoods of texts `values` (B, S) of `counts` (B,) units.

    log_p (B, T, K) has `lengths` (B,) real steps.
    """
    size = max(1, MAX_STATES_AT_ONCE // (log_p.shape[1] * (2 * values.shape[1] + 1)))
    batch = (log_p, values, lengths, counts)
    parts = zip(*(tensor.split(size) for tensor in batch), strict=True)
    losses = [
        F.ctc_loss(part.transpose(0, 1), *others, reduction="none")
        for part, *others in parts
    ]
    return torch.cat(losses)


def steps_needed(values: Tensor, counts: Tensor) -> Tensor:
    """(B,) the steps of the shortest path of each text: a blank separates equal units."""
    if values.shape[1] < 2:
        return counts.clone()
    real = step_mask(counts - 1, values.shape[1] - 1)
    return counts + ((values[:, 1:] == values[:, :-1]) & real).sum(1)


def best_path(log_p: np.ndarray) -> list[int]:
    """The text of the most likely path of (T, K)."""
    path = log_p.argmax(1)
    changed = np.flatnonzero(np.diff(path, prepend=-1))
    return [int(c) for c in path[changed] if c != BLANK]


def prefix_search(
    log_p: np.ndarray,
    width: int,
    follow: Following | None = None,
    weight: float = 0.0,
    negligible: float = -np.inf,
) -> list[tuple[tuple[int, ...], float]]:
    """The most likely texts of log_p (T, K), the best first (Hannun et al. 2014).

    At most `width` prefixes are kept at each step. The paths of a prefix that end in a blank
    are summed separately from those that end in its last unit, since only after a blank the
    same unit starts anew. With `follow`, the score of a text is its log-probability plus
    `weight` times that by a language model. Units with a log-probability below `negligible`
    at a step are not tried there.

    Returns
    -------
    texts : list of (units, score)
    """
    search = _Prefixes(width, follow, weight)
    for step in log_p:
        search.advance(step, np.flatnonzero(step[1:] > negligible) + 1)
    return search.ranked()


class _Prefixes:
    """Prefixes with the log-probabilities of their paths: (ending in a blank, in a unit)."""

    def __init__(self, width: int, follow: Following | None, weight: float):
        self.width, self.follow, self.weight = width, follow, weight
        self.paths: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
        self.bonus: dict[tuple[int, ...], float] = {(): 0.0}
        """The weighted log-probability of each prefix by the language model."""

    def advance(self, step: np.ndarray, units: np.ndarray) -> None:
        """Extend the prefixes by a step (K,), of which these units are tried."""
        after: dict[tuple[int, ...], tuple[float, float]] = {}

        def add(text: tuple[int, ...], blank: float, unit: float) -> None:
            old = after.get(text, (-np.inf, -np.inf))
            after[text] = (
                float(np.logaddexp(old[0], blank)),
                float(np.logaddexp(old[1], unit)),
            )

        for text, (in_blank, in_unit) in self.paths.items():
            both = float(np.logaddexp(in_blank, in_unit))
            last = text[-1] if text else BLANK
            stays = in_unit + step[last] if text else -np.inf
            add(text, both + step[BLANK], stays)
            following = None if self.follow is None else self.follow(text)
            for unit in units.tolist():
                longer = (*text, unit)
                before = in_blank if unit == last else both
                add(longer, -np.inf, before + float(step[unit]))
                if following is not None:
                    added = self.weight * float(following[unit])
                    self.bonus[longer] = self.bonus[text] + added
        scores = {text: self.score(text, paths) for text, paths in after.items()}
        possible = (text for text, score in scores.items() if score > -np.inf)
        kept = sorted(possible, key=scores.__getitem__, reverse=True)[: self.width]
        self.paths = {text: after[text] for text in kept}

    def score(self, text: tuple[int, ...], paths: tuple[float, float]) -> float:
        """The log-probability of a prefix, with that by the language model."""
        return float(np.logaddexp(*paths)) + self.bonus.get(text, 0.0)

    def ranked(self) -> list[tuple[tuple[int, ...], float]]:
        """The prefixes as whole texts, with their scores, the best first."""
        texts = []
        for text, paths in self.paths.items():
            end = 0.0 if self.follow is None else float(self.follow(text)[BLANK])
            texts.append((text, self.score(text, paths) + self.weight * end))
        return sorted(texts, key=lambda pair: pair[1], reverse=True)


def align(log_p: np.ndarray, text: list[int]) -> list[tuple[int, int]]:
    """(first step, last step + 1) of each unit on the most likely path of a text.

    Viterbi's algorithm over the states blank, unit 1, blank, unit 2, ..., blank. A path
    stays, advances by one state, or skips a blank between two different units.
    """
    states = [BLANK]
    for unit in text:
        states += [unit, BLANK]
    labels = np.array(states)
    n = len(labels)
    may_skip = np.zeros(n, dtype=bool)
    may_skip[2:] = (labels[2:] != BLANK) & (labels[2:] != labels[:-2])
    total = np.full(n, -np.inf)
    total[:2] = log_p[0, labels[:2]]
    steps_back = np.zeros((len(log_p), n), dtype=np.int8)
    for t in range(1, len(log_p)):
        before = np.full((3, n), -np.inf)
        before[0], before[1, 1:] = total, total[:-1]
        before[2, 2:] = np.where(may_skip[2:], total[:-2], -np.inf)
        steps_back[t] = before.argmax(0)
        total = before.max(0) + log_p[t, labels]
    state = n - 1 if n == 1 or total[-1] >= total[-2] else n - 2
    spans = [[len(log_p), 0] for _ in text]
    for t in range(len(log_p) - 1, -1, -1):
        if state % 2:
            span = spans[state // 2]
            span[0], span[1] = min(span[0], t), max(span[1], t + 1)
        state -= int(steps_back[t, state])
    return [(start, end) for start, end in spans]
