"""Bars of contributions: of columns, channels, mel bands or words."""

from typing import TYPE_CHECKING

import numpy as np

from lamina.inspection.attribution import Attribution
from lamina.inspection.axes import new_axes
from lamina.inspection.canvas import HIGHER, LOWER, NEUTRAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PARTS = {
    "table": "columns",
    "series": "channels",
    "audio": "mel bands",
    "text": "words",
}
"""What a bar stands for."""


def draw_row(
    attribution: Attribution, row: int, n_most: int, ax: "Axes | None"
) -> "Axes":
    """What each column added to the output of a row, the last bar for all others."""
    names, values = _greatest(attribution, attribution.values[row], n_most)
    colours = np.where(values > 0, HIGHER, LOWER)
    ax = _bars(names, values, colours, "%+.3g", ax)
    ax.set_xlabel(f"contribution to the {attribution.output_name}", wrap=True)
    return ax


def draw_importances(
    attribution: Attribution, n_most: int, ax: "Axes | None"
) -> "Axes":
    """The importances of the columns, channels, mel bands or words with the greatest."""
    importances = attribution.importances
    order = np.argsort(-importances, kind="stable")[:n_most]
    assert attribution.feature_names is not None
    names = [str(name) for name in attribution.feature_names[order]]
    ax = _bars(names, importances[order], NEUTRAL, "%.3g", ax)
    label = f"mean absolute contribution to the {attribution.output_name}"
    ax.set_xlabel(label, wrap=True)
    return ax


def _bars(
    names: list[str],
    values: np.ndarray,
    colours: str | np.ndarray,
    format_: str,
    ax: "Axes | None",
) -> "Axes":
    ax = new_axes(ax, (6.4, 1.4 + 0.3 * len(names)))
    bars = ax.barh(range(len(names)), values, color=colours)
    ax.bar_label(bars, fmt=format_, padding=3)
    ax.margins(x=0.22)
    ax.axvline(0, color="0.2", linewidth=0.8)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    return ax


def _greatest(
    attribution: Attribution, values: np.ndarray, n_most: int
) -> tuple[list[str], np.ndarray]:
    """At most n columns in descending order; the last may be the sum of the others."""
    assert attribution.feature_names is not None
    names, order = attribution.feature_names, np.argsort(-np.abs(values), kind="stable")
    if len(order) <= n_most:
        return names[order].tolist(), values[order]
    kept, others = order[: n_most - 1], order[n_most - 1 :]
    rest = f"{len(others)} other {PARTS[attribution.form]}"
    return [*names[kept], rest], np.append(values[kept], values[others].sum())
