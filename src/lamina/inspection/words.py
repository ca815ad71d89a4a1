"""The words of a text, coloured by their contributions."""

from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.inspection.attribution import Attribution, Words
from lamina.inspection.canvas import DIVERGING, diverging_norm, installed_families

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

WIDTH, SIZE, LINE = 7.5, 12.0, 2.0
"""Inches of a new figure, points of a letter, and letters in the height of a line."""
MARGIN, FOOTER, HEADER = 0.25, 0.6, 0.45
"""Inches beside, below and above the words of a new figure."""
STRONG = 0.6
"""The part of the greatest contribution from which on words are white."""


def draw_words(
    attribution: Attribution, row: int, n_most: int, ax: "Axes | None"
) -> "Axes":
    """The text, on red where a word lowers the output and on blue where it raises it."""
    del n_most
    assert attribution.samples is not None
    sample: Words = attribution.samples[row]
    values = attribution.values[row]
    norm, figure = diverging_norm(values), None
    if ax is None:
        figure, axes = _new_figure()
    else:
        axes = ax
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    words = [
        _word(axes, sample.text[start:stop], value / norm.vmax)
        for (start, stop), value in zip(sample.offsets.tolist(), values, strict=True)
    ]
    n_lines = _arrange(axes, words, _gaps(sample))
    if figure is not None:
        _fit_height(figure, axes, n_lines)
    axes.set_xlabel(
        f"contribution to the {attribution.output_name}\n"
        f"red below 0, blue above; the strongest is {norm.vmax:.3g}",
        fontsize="small",
    )
    return axes


def _new_figure() -> tuple["Figure", "Axes"]:
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(WIDTH, 2.0))
    margin = MARGIN / WIDTH
    return figure, figure.add_axes((margin, 0.2, 1 - 2 * margin, 0.6))


def _fit_height(figure: "Figure", ax: "Axes", n_lines: int) -> None:
    """Give a new figure the height of its lines."""
    lines = n_lines * LINE * SIZE / 72
    height = FOOTER + lines + HEADER
    figure.set_size_inches(WIDTH, height)
    margin = MARGIN / WIDTH
    ax.set_position((margin, FOOTER / height, 1 - 2 * margin, lines / height))


def _word(ax: "Axes", word: str, strength: float) -> "Annotation":
    """A word in the corner of the axes, of strength -1 to 1."""
    from matplotlib import colormaps

    colour: Any = colormaps[DIVERGING](0.5 + strength / 2)
    return ax.annotate(
        # A dollar sign begins a formula for matplotlib.
        word.replace("$", r"\$"),
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 0),
        textcoords="offset points",
        va="baseline",
        fontsize=SIZE,
        family=installed_families(),
        color="white" if abs(strength) > STRONG else "black",
        bbox={"facecolor": colour, "edgecolor": "none", "boxstyle": "square,pad=0.15"},
        annotation_clip=False,
    )


def _gaps(sample: Words) -> np.ndarray:
    """(n_words,), letters between the word before and this one; NaN begins a line."""
    stops = [0, *sample.offsets[:-1, 1]]
    between = [
        sample.text[stop:start]
        for stop, start in zip(stops, sample.offsets[:, 0], strict=True)
    ]
    widths = [np.nan if "\n" in gap else 0.6 if gap else 0.3 for gap in between]
    return np.array(widths)


def _arrange(ax: "Axes", words: list["Annotation"], gaps: np.ndarray) -> int:
    """Place the words in lines; returns how many there are."""
    scale = 72 / ax.figure.dpi
    width = ax.get_window_extent().width * scale
    x, line = 0.0, 0
    for i, (word, gap) in enumerate(zip(words, gaps, strict=True)):
        # The box of a word is wider than its letters.
        length = _length(word, scale)
        x += 0.0 if i == 0 or np.isnan(gap) else gap * SIZE
        if i and (np.isnan(gap) or x + length > width):
            x, line = 0.0, line + 1
        word.set_position((x, -(line + 0.7) * LINE * SIZE))
        x += length
    return line + 1


def _length(word: "Annotation", scale: float) -> float:
    """Points of the letters of a word."""
    return word.get_window_extent().width * scale
