"""Axes for plots: those of the caller, or those of a new figure."""

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


def pyplot() -> ModuleType:
    """The module `matplotlib.pyplot`; `MissingExtraError` without matplotlib."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtraError("Plotting", "matplotlib", "plot") from None
    return pyplot


def new_axes(ax: "Axes | None", size: tuple[float, float]) -> "Axes":
    """`ax`, or the axes of a new figure of this width and height in inches."""
    if ax is None:
        _, ax = pyplot().subplots(figsize=size, layout="constrained")
    return ax


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
    n_columns = min(n, n_columns)
    n_rows = -(-n // n_columns)
    if ax is None:
        ax = new_axes(ax, (n_columns * size[0], n_rows * size[1]))
        # The layout keeps no space for a title of axes around a grid.
        ax.figure.suptitle(title, fontsize="medium")
    else:
        ax.set_title(title, fontsize="medium", pad=18)
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
    return ax, axes[:n]


@cache
def fonts_of_texts() -> list[str]:
    """The default font, and one that has the characters of Chinese and Japanese."""
    pyplot()
    from matplotlib.font_manager import get_font_names

    installed = sorted(get_font_names())
    others = [name for name in installed if name.startswith(FONTS)]
    return ["sans-serif", *others[:1]]
