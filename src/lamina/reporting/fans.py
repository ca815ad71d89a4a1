"""Plots of forecasts."""

from typing import Any

import numpy as np

from lamina.reporting.blocks import Figure
from lamina.reporting.figures import (
    ACCENT,
    CONTRAST,
    INK,
    QUIET,
    SMALL_WIDTH,
    figure_of,
)

MIN_HISTORY, HISTORIES = 24, 3
"""Steps of a history that are drawn: at least these, or so many horizons."""


def fan(  # noqa: PLR0913, PLR0917
    name: str,
    history: np.ndarray,
    truth: np.ndarray,
    median: np.ndarray,
    quantiles: np.ndarray,
    levels: tuple[float, ...],
) -> Figure:
    """The end of a history (T,), and the truth, median (H,) and quantiles (H, Q) after it."""
    n = len(median)
    history = history[-max(MIN_HISTORY, HISTORIES * n) :]
    steps = np.arange(1, n + 1)
    pairs = range(len(levels) // 2)

    def draw(ax: Any) -> None:
        ax.plot(np.arange(1 - len(history), 1), history, color=QUIET, linewidth=1)
        for k in pairs:
            low, high = quantiles[:, k], quantiles[:, -1 - k]
            ax.fill_between(steps, low, high, color=ACCENT, alpha=0.18, linewidth=0)
        marker = "o" if n == 1 else None
        joined = np.append(history[-1:], truth)
        ax.plot(
            [0, *steps], joined, color=INK, linewidth=1, marker=marker, markersize=3
        )
        ax.plot(steps, median, color=ACCENT, marker=marker, markersize=3)
        ax.set_xlabel("step after the history")

    caption = f"{name}: the history, the values that followed, and the forecast"
    return figure_of(draw, caption, width=SMALL_WIDTH, height=2, is_captioned=False)


def lines_by_step(curves: dict[str, list[float]]) -> Figure:
    """Mean errors by the step of the forecast."""

    def draw(ax: Any) -> None:
        for colour, (name, values) in zip(
            (ACCENT, CONTRAST), curves.items(), strict=True
        ):
            steps = range(1, len(values) + 1)
            ax.plot(steps, values, "o-", markersize=3, color=colour, label=name)
        ax.set(xlabel="step of the forecast", ylabel="mean absolute error")
        ax.set_ylim(bottom=0)
        ax.legend()

    return figure_of(draw, "Mean absolute error of each step of the forecast.")
