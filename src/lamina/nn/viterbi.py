"""The labelling with the highest score (Viterbi 1967), for logits (B, T, K).

    best_1(k) = l[1, k]        best_t+1(k) = l[t+1, k] + max_j (best_t(j) + A[j, k])

with logits l and transitions A (K, K). The labels are read backwards, from the best last one
along the j at which each maximum was reached.
"""

import numpy as np
import torch
from torch import Tensor

MAX_PAIRS_AT_ONCE = 1 << 17
"""Pairs of labels whose scores are compared together; few enough for the cache."""


def viterbi(logits: Tensor, transitions: Tensor, lengths: Tensor) -> Tensor:
    """(B, T), the labellings with the highest scores, for logits (B, T, K)."""
    emitted, moved = (s.detach().cpu().numpy() for s in (logits, transitions))
    n, counts = max(1, MAX_PAIRS_AT_ONCE // moved.size), lengths.cpu().numpy()
    paths = np.zeros(emitted.shape[:2], dtype=np.int64)
    for i in range(0, len(paths), n):
        rows, n_steps = slice(i, i + n), counts[i : i + n].max()
        best = best_paths(emitted[rows, :n_steps], moved, counts[rows])
        paths[rows, :n_steps] = best
    return torch.from_numpy(paths)


def best_paths(
    logits: np.ndarray, transitions: np.ndarray, lengths: np.ndarray
) -> np.ndarray:
    """`viterbi` in numpy, whose argmax is twice as fast as torch's."""
    into = np.ascontiguousarray(transitions.T)
    best, origins = [logits[:, 0]], []
    for step in logits.transpose(1, 0, 2)[1:]:
        scores = best[-1][:, None] + into
        origins.append(scores.argmax(2))
        highest = np.take_along_axis(scores, origins[-1][..., None], 2)[..., 0]
        best.append(highest + step)
    rows = np.arange(len(logits))
    path = [np.stack(best)[lengths - 1, rows].argmax(1)]
    for t in range(len(origins), 0, -1):
        origin = origins[t - 1][rows, path[-1]]
        path.append(np.where(t < lengths, origin, path[-1]))
    return np.stack(path[::-1], 1)
