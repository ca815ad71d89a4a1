"""Scores of predictions, and their means over groups of rows, from which noise is known.

The score is the accuracy or R^2, the loss the log loss or the root mean squared error. Row i
of a test part is in group i modulo 20, for all contenders alike, so that the difference of
two contenders has a standard error without their predictions being stored.
"""

import numpy as np

N_GROUPS = 20
N_BINS = 15
Figures = dict[str, float | list[float]]


def of_classes(y: np.ndarray, probabilities: np.ndarray) -> Figures:
    """y (n,) integers from 0, probabilities (n, n_classes)."""
    p = np.asarray(probabilities, dtype=np.float64)
    hits = (p.argmax(1) == y).astype(float)
    tiny = np.finfo(float).eps
    losses = -np.log(np.clip(p[np.arange(len(y)), y], tiny, 1.0))
    return {
        "score": float(hits.mean()),
        "loss": float(losses.mean()),
        "ece": calibration_error(hits, p.max(1)),
        "score_groups": group_means(hits),
        "loss_groups": group_means(losses),
    }


def of_numbers(y: np.ndarray, predicted: np.ndarray) -> Figures:
    """y and predictions (n,); the group means of the score are of 1 - error^2 / variance."""
    squares = (np.asarray(predicted, dtype=np.float64).reshape(len(y)) - y) ** 2
    explained = 1.0 - squares / y.var()
    return {
        "score": float(explained.mean()),
        "loss": float(np.sqrt(squares.mean())),
        "score_groups": group_means(explained),
    }


def calibration_error(hits: np.ndarray, confidences: np.ndarray) -> float:
    """Expected calibration error of the most probable class, in 15 bins of equal width."""
    bins = np.minimum((confidences * N_BINS).astype(int), N_BINS - 1)
    gaps = np.bincount(bins, hits - confidences, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(hits))


def group_means(values: np.ndarray) -> list[float]:
    """The mean of each group, to six digits."""
    groups = np.arange(len(values)) % N_GROUPS
    means = np.bincount(groups, values) / np.bincount(groups)
    return [float(f"{mean:.6g}") for mean in means]


def difference(a: list[list[float]], b: list[list[float]]) -> tuple[float, float]:
    """The mean difference of group means (seeds, groups), and its standard error.

    A group is averaged over the seeds first, since seeds may share their test rows.
    """
    by_group = np.mean(np.asarray(a) - np.asarray(b), axis=0)
    error = by_group.std(ddof=1) / np.sqrt(len(by_group))
    return float(by_group.mean()), float(error)
