"""Sections -> one HTML page, by the templates of this package."""

from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING

from lamina.reporting.blocks import Facts, Section

if TYPE_CHECKING:
    from jinja2 import Environment

DASH, MINUS, NARROW_SPACE = "\u2013", "\u2212", "\u202f"


@dataclass(frozen=True)
class Page:
    """What the page begins with, and its sections."""

    title: str
    lead: str
    headline: Facts
    sections: list[Section]

    def html(self) -> str:
        """The whole document."""
        template = _environment().get_template("page.html")
        return template.render(page=self)


def shown(value: object) -> str:
    """A value as tables show it: numbers with three or four digits, None as a dash."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{value:,}".replace(",", NARROW_SPACE)
    if isinstance(value, Real):
        if not isfinite(value):
            return DASH
        return _digits(float(value)).replace("-", MINUS).replace(",", NARROW_SPACE)
    return str(value)


def _digits(value: float) -> str:
    size = abs(value)
    if value == 0 or 0.01 <= size < 10:
        return f"{value:.3f}"
    if 10 <= size < 1_000:
        return f"{value:.1f}"
    return f"{value:,.0f}" if 1_000 <= size < 1e7 else f"{value:.3g}"


def _environment() -> "Environment":
    # Imported here: it takes longer than the rest of this package.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("lamina.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shown"] = shown
    return environment
