"""Plots of matplotlib as SVG whose colours follow those of the page.

A plot is drawn in a few colours that occur nowhere else. In the SVG they are replaced by the
custom properties of the page, so that one plot is readable in light and in dark.
"""

import importlib
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

from lamina.exceptions import MissingExtraError
from lamina.reporting.blocks import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Plot

ACCENT, CONTRAST = "#0a0b01", "#0a0b02"
INK, QUIET, LINE, PAPER = "#0a0b03", "#0a0b04", "#0a0b05", "#0a0b06"
COLOURS = {
    ACCENT: "accent",
    CONTRAST: "contrast",
    INK: "ink",
    QUIET: "quiet",
    LINE: "line",
    PAPER: "paper",
}
"""The property of the page for each colour."""
GREYS = {"ink": (0x30, 0x40), "quiet": (0x40, 0x90), "line": (0x90, 0xC0)}
"""The property for greys of displays in these limits; words and lines over light maps are
darker, and stay so."""
WIDTH = 4.0
"""Inches. The text of a wider plot would be too small on a telephone."""
SMALL_WIDTH = 3.3
"""Inches, of plots that stand beside one another."""
REM_PER_INCH = 6.7
"""The size of a plot where there is space for it."""
STYLE = {
    "axes.edgecolor": QUIET,
    "axes.facecolor": "none",
    "axes.labelcolor": QUIET,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": QUIET,
    "axes.titlesize": "medium",
    "figure.facecolor": "none",
    "font.size": 8.5,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
}


def figure_of(
    draw: "Callable[[Axes], object]",
    caption: str,
    *,
    width: float = WIDTH,
    height: float = 2.6,
    is_captioned: bool = True,
) -> Figure:
    """What a function draws on axes, with a caption that says what it shows.

    It is also the alternative text, and only that unless `is_captioned`.
    """
    require_matplotlib()
    from matplotlib.figure import Figure as Plot

    with _style():
        plot = Plot(figsize=(width, height), layout="constrained")
        draw(plot.subplots())
        return Figure(_svg(plot, caption), caption if is_captioned else "")


def figure_of_display(
    make: Callable[[], Any], caption: str, *, is_flexible: bool = True
) -> Figure:
    """The figure of a display that a function makes.

    It is made narrower if it `is_flexible`: drawn words have their places.
    """
    require_matplotlib()
    from matplotlib import pyplot

    with _style():
        plot = make().figure_
        try:
            width, height = plot.get_size_inches()
            if is_flexible and width > WIDTH:
                is_map = plot.axes[0].get_aspect() != "auto"
                plot.set_size_inches(
                    WIDTH, height * WIDTH / width if is_map else height
                )
            return Figure(_svg(plot, caption), caption)
        finally:
            pyplot.close(plot)


def require_matplotlib() -> None:
    """Raise `MissingExtraError` if matplotlib is not installed."""
    try:
        importlib.import_module("matplotlib")
    except ImportError:
        raise MissingExtraError("A report", "matplotlib", "plot") from None


@contextmanager
def _style() -> Iterator[None]:
    from cycler import cycler
    from matplotlib import rc_context, rcdefaults

    cycle = cycler(color=[ACCENT, CONTRAST, QUIET, CONTRAST, INK])
    with rc_context(), warnings.catch_warnings():
        rcdefaults()
        # The browser has the letters that matplotlib's font lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        style: Any = {**STYLE, "axes.prop_cycle": cycle}
        with rc_context(style):
            yield


def _of_page(colour: re.Match) -> str:
    """A colour of a style as a property of the page; others stay as they are."""
    name, pairs = COLOURS.get(colour[0]), {colour[0][i : i + 2] for i in (1, 3, 5)}
    if name is None and len(pairs) == 1:
        level = int(pairs.pop(), 16)
        name = next((k for k, (a, b) in GREYS.items() if a <= level < b), None)
    return colour[0] if name is None else f"var(--{name})"


def _svg(plot: "Plot", caption: str) -> str:
    """The plot as an element of a page, with the caption as its alternative text."""
    from matplotlib import rc_context

    file = io.StringIO()
    with rc_context({"svg.hashsalt": caption}):  # without it ids are random
        plot.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"(?<=: )#[0-9a-f]{6}\b", _of_page, svg)
    # Several plots are on a page: ids that nothing refers to would occur in all of them.
    used = set(re.findall(r"(?:url\(|href=\")#([\w-]+)", svg))
    svg = re.sub(
        r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg
    )
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None
    start = (
        f'<svg {view[0]} xmlns="http://www.w3.org/2000/svg" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
        f'style="max-width: {plot.get_figwidth() * REM_PER_INCH:.1f}rem" '
        f'aria-label="{escape(caption)}">'
    )
    return re.sub(r"<svg[^>]*>", lambda _: start, svg, count=1)
