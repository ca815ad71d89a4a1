"""Axes for plots: those of the caller, or those of a new figure."""

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from lamina.exceptions import MissingExtraError, ParameterError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONTS = ("Noto Sans CJK", "Source Han Sans", "PingFang", "Microsoft YaHei", "WenQuanYi")
"""Beginnings of the names of fonts with Chinese and Japanese characters, which the default
font of matplotlib lacks."""

TITLE_PAD = 18
"""Points between the axes of a grid and its title."""


def pyplot() -> ModuleType:
    """The module `matplotlib.pyplot`; `MissingExtraError` without matplotlib."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtraError("Plotting", "matplotlib", "plot") from None
    return pyplot


def new_axes(ax: "Axes | None", size: tuple[float, float]) -> "Axes":
    """`ax`, or the axes of a new figure of this width and height in inches."""
    if ax is not None:
        return ax
    return pyplot().subplots(figsize=size, layout="constrained")[1]


def grid(
    ax: "Axes | None",
    n: int,
    n_columns: int,
    size: tuple[float, float],
    title: str = "",
) -> "tuple[Axes, np.ndarray]":
    """The axes around a grid, and the n axes (n,) in it, row by row.

    A new figure has this width and height in inches for each of the n.
    """
    n_columns, is_new = min(n, n_columns), ax is None
    n_rows = -(-n // n_columns)
    if ax is None:
        ax = new_axes(ax, (n_columns * size[0], n_rows * size[1]))
        ax.figure.suptitle(title, fontsize="medium")
    spec = ax.get_subplotspec()
    if spec is None:
        raise ParameterError(
            "The argument 'ax' is not in a grid of matplotlib and cannot be divided; pass "
            "axes that `subplots` or `add_subplot` made, or None."
        )
    ax.set_axis_off()
    cells = spec.subgridspec(n_rows, n_columns)
    axes = cells.subplots(squeeze=False).ravel()
    for unused in axes[n:]:
        unused.remove()
    if title and not is_new:
        # The layout keeps no space for a title of `ax`. A space above the first axes takes
        # the height of the title, but not its width, for which these would be moved.
        above = {"xycoords": "axes fraction", "textcoords": "offset points"}
        for text, takes_space in ((title, False), (" ", True)):
            note = axes[0].annotate(text, (0, 1), (0, TITLE_PAD), **above)
            note.set_in_layout(takes_space)
    return ax, axes[:n]


def label_steps(ax: "Axes", names: Sequence[str]) -> None:
    """Name the steps of the horizontal axis; names of several letters are upright.

    Characters lie level, also beside the "<end>" of a text.
    """
    style = {"family": fonts_of_texts(), "parse_math": False}
    shown = list(map(visible, names))
    are_words = sum(len(name) > 1 for name in shown) > len(shown) / 3
    ax.set_xticks(range(len(shown)), shown, **style)
    for label in ax.get_xticklabels():
        label.set_rotation(90 if are_words or len(label.get_text()) > 2 else 0)


def visible(unit: str) -> str:
    """A unit of a text as a label: without spaces around it, or with a mark for them."""
    return unit.strip() or unit.replace(" ", "\N{OPEN BOX}").replace("\n", r"\n")


@cache
def fonts_of_texts() -> list[str]:
    """The default font, and one that has the characters of Chinese and Japanese."""
    pyplot()
    from matplotlib.font_manager import get_font_names

    installed = sorted(get_font_names())
    others = [name for name in installed if name.startswith(FONTS)]
    return ["sans-serif", *others[:1]]
