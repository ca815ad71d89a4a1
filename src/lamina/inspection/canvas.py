"""What the pictures of attributions have in common: colours, fonts, the key of the colours."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HIGHER, LOWER, NEUTRAL = "C0", "C3", "0.45"
"""The colours of bars of values above 0, below 0, and of absolute values."""
DIVERGING = "RdBu"
"""The colours of maps: red below 0, white at 0, blue above."""
FAMILIES = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans Thai",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Yu Gothic",
)
"""Fonts that have the letters of words, in this order, where they are installed."""


def diverging_norm(values: np.ndarray, percentile: float = 100) -> Any:
    """Colours from -m to m, for the percentile m of the absolute values."""
    from matplotlib.colors import Normalize

    largest = float(np.percentile(np.abs(values), percentile)) if values.size else 0.0
    if not largest:
        largest = float(np.abs(values).max(initial=0.0)) or 1.0
    return Normalize(-largest, largest)


def draw_pale(ax: "Axes", picture: np.ndarray, cmap: str, **arguments: Any) -> None:
    """A picture (H, W) in light greys, over which colours are seen."""
    low, high = float(picture.min()), float(picture.max())
    reach = (high - low) or 1.0
    limits = (low - reach, high) if cmap == "gray" else (low, high + reach)
    ax.imshow(picture, cmap=cmap, vmin=limits[0], vmax=limits[1], **arguments)


def overlay(ax: "Axes", values: np.ndarray, norm: Any, **place: Any) -> None:
    """A map of values over a picture, which is seen where they are small."""
    strength = np.clip(np.abs(values) / norm.vmax, 0, 1)
    ax.imshow(
        values,
        cmap=DIVERGING,
        norm=norm,
        alpha=0.9 * np.sqrt(strength),
        interpolation="nearest",
        **place,
    )


def add_key(ax: "Axes", norm: Any, label: str, cmap: str = DIVERGING) -> None:
    """A bar that says what the colours mean."""
    from matplotlib.cm import ScalarMappable

    # On two lines, because the side of a small image is shorter than the label.
    label = label.replace(" to the ", "\nto the ", 1)
    ax.figure.colorbar(ScalarMappable(norm, cmap), ax=ax, label=label)


def mark_whole_numbers(*axes: Any) -> None:
    """Ticks of steps or pixels, of which there are no fractions."""
    from matplotlib.ticker import MaxNLocator

    for axis in axes:
        axis.set_major_locator(MaxNLocator(integer=True))


def installed_families() -> list[str]:
    """Those of `FAMILIES` that matplotlib knows, the user's own first."""
    from matplotlib import font_manager, rcParams

    names = {font.name for font in font_manager.fontManager.ttflist}
    return [*rcParams["font.family"], *(name for name in FAMILIES if name in names)]
