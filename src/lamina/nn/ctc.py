"""Connectionist temporal classification (Graves et al. 2006): texts without an alignment.

At each step of the features the network says a unit or nothing (the blank, class 0). A
path over the steps becomes a text when repetitions are merged and blanks left out, and the
probability of a text is that of all its paths.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from lamina.ragged import step_mask

BLANK = 0
Following = Callable[[tuple[int, ...]], Any]
"""The log-probabilities (K,) of what follows a text, by a language model."""


def text_losses(
    log_p: Tensor, lengths: Tensor, values: Tensor, counts: Tensor
) -> Tensor:
    """(B,) negative log-likelihoods of texts (B, S), `counts` of which are real.

    log_p (B, T, K), of which `lengths` steps are real.
    """
    return F.ctc_loss(log_p.transpose(0, 1), values, lengths, counts, reduction="none")


def steps_needed(values: Tensor, counts: Tensor) -> Tensor:
    """(B,) the fewest steps of a path of each text (B, S): a blank parts equal units."""
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
    """The likeliest texts of (T, K) and their scores, the best first (Hannun et al. 2014).

    Of the paths of each prefix those that end in a blank are kept apart from those that
    end in its last unit. With `follow` a unit costs `weight` times its negative
    log-probability by a language model as well, whose class 0 is the end of a text. Units
    less likely than `negligible` at a step are not tried there.
    """
    search = _Prefixes(width, follow, weight)
    for step in log_p:
        search.advance(step, np.flatnonzero(step[1:] > negligible) + 1)
    return search.ranked()


class _Prefixes:
    """Prefixes with the log-probabilities of their paths: (in a blank, in the last unit)."""

    def __init__(self, width: int, follow: Following | None, weight: float):
        self.width, self.follow, self.weight = width, follow, weight
        self.paths: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
        self.costs: dict[tuple[int, ...], float] = {(): 0.0}

    def advance(self, step: np.ndarray, units: np.ndarray) -> None:
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
                grown = (*text, unit)
                before = in_blank if unit == last else both
                add(grown, -np.inf, before + float(step[unit]))
                if following is not None:
                    cost = self.costs[text] + self.weight * float(following[unit])
                    self.costs[grown] = cost
        scores = {text: self.score(text, paths) for text, paths in after.items()}
        possible = (text for text, score in scores.items() if score > -np.inf)
        kept = sorted(possible, key=scores.__getitem__, reverse=True)[: self.width]
        self.paths = {text: after[text] for text in kept}

    def score(self, text: tuple[int, ...], paths: tuple[float, float]) -> float:
        return float(np.logaddexp(*paths)) + self.costs.get(text, 0.0)

    def ranked(self) -> list[tuple[tuple[int, ...], float]]:
        found = []
        for text, paths in self.paths.items():
            end = 0.0 if self.follow is None else float(self.follow(text)[BLANK])
            found.append((text, self.score(text, paths) + self.weight * end))
        return sorted(found, key=lambda pair: pair[1], reverse=True)


def align(log_p: np.ndarray, text: list[int]) -> list[tuple[int, int]]:
    """The first step of each unit, and the one after its last, on the text's best path."""
    states = [BLANK]
    for unit in text:
        states += [unit, BLANK]
    labels = np.array(states)
    n = len(labels)
    may_skip = np.zeros(n, dtype=bool)
    may_skip[2:] = (labels[2:] != BLANK) & (labels[2:] != labels[:-2])
    total = np.full(n, -np.inf)
    total[:2] = log_p[0, labels[:2]]
    came = np.zeros((len(log_p), n), dtype=np.int64)
    for t in range(1, len(log_p)):
        before = np.full((3, n), -np.inf)
        before[0], before[1, 1:] = total, total[:-1]
        before[2, 2:] = np.where(may_skip[2:], total[:-2], -np.inf)
        came[t] = before.argmax(0)
        total = before.max(0) + log_p[t, labels]
    state = n - 1 if n == 1 or total[-1] >= total[-2] else n - 2
    spans = [[len(log_p), 0] for _ in text]
    for t in range(len(log_p) - 1, -1, -1):
        if state % 2:
            span = spans[state // 2]
            span[0], span[1] = min(span[0], t), max(span[1], t + 1)
        state -= came[t, state]
    return [(start, end) for start, end in spans]
