"""Whether probabilities are right: how often labels of a probability are correct."""

from typing import TYPE_CHECKING

import numpy as np

from lamina.reporting.blocks import Block, Paragraph, Section, Table
from lamina.reporting.figures import INK, LINE, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

N_BINS = 10


def calibration(confidence: np.ndarray, is_right: np.ndarray, what: str) -> Section:
    """The section on probabilities (n,) of the predicted labels, and which are right."""
    numbers, means, accuracies = reliability(confidence, is_right)
    error = calibration_error(confidence, is_right)
    rows = [
        [f"{b / N_BINS:.1f} to {(b + 1) / N_BINS:.1f}", int(n), float(p), float(a)]
        for b, (n, p, a) in enumerate(zip(numbers, means, accuracies, strict=True))
        if n
    ]

    def draw(ax: "Axes") -> None:
        ax.plot([0, 1], [0, 1], color=LINE, linewidth=1)
        present = numbers > 0
        ax.plot(means[present], accuracies[present], "o-", markersize=4)
        ax.set_xlabel("mean probability of the predicted label")
        ax.set_ylabel("fraction correct", color=INK)
        ax.set(xlim=(0, 1.02), ylim=(0, 1.02), aspect="equal")

    blocks: list[Block] = [
        Paragraph(
            f"Expected calibration error {error:.3f}: the mean distance between the "
            f"probability of the predicted label and how often it is right, over {N_BINS} "
            f"bins of equal width and {what}."
        ),
        figure_of(
            draw,
            "Reliability: points on the diagonal are calibrated; below it the network is "
            "too sure.",
            width=3.4,
            height=3.4,
        ),
        Table(
            "Bins of the reliability curve",
            ["Probability", "Predictions", "Mean probability", "Fraction correct"],
            rows,
        ),
    ]
    return Section("Calibration", blocks)


def reliability(
    confidence: np.ndarray, is_right: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each bin the number, the mean probability and the fraction that is right."""
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    numbers = np.bincount(bins, minlength=N_BINS)
    with np.errstate(invalid="ignore"):
        means = np.bincount(bins, confidence, N_BINS) / numbers
        accuracies = np.bincount(bins, is_right, N_BINS) / numbers
    return numbers, means, accuracies


def calibration_error(confidence: np.ndarray, is_right: np.ndarray) -> float:
    """Expected calibration error (Naeini et al. 2015)."""
    numbers, means, accuracies = reliability(confidence, is_right)
    present = numbers > 0
    gaps = np.abs(means[present] - accuracies[present])
    return float(np.average(gaps, weights=numbers[present]))
