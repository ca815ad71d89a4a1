"""Sections -> one HTML page, by the templates of this package."""

from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from lamina.reporting.blocks import Facts, Section

if TYPE_CHECKING:
    from jinja2 import Environment


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


def shown(value: Any) -> str:
    """A value as tables show it: numbers with four digits, None as a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{value:,}".replace(",", "\u202f")
    if isinstance(value, Real):
        return f"{value:.4g}".replace("-", "−") if isfinite(value) else "–"
    return str(value)


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
