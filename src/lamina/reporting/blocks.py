"""What a report consists of: sections of blocks, each drawn by the template of its name."""

from dataclasses import dataclass, field
from typing import ClassVar

Cell = str | int | float | None
"""A value of a table: numbers are formatted and aligned; None is shown as a dash."""


class Block:
    """Abstract: a part of a section."""

    template: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.template = f"{cls.__name__.lower()}.html"


@dataclass(frozen=True)
class Paragraph(Block):
    """A few sentences."""

    text: str


@dataclass(frozen=True)
class Facts(Block):
    """Terms, each with its value."""

    pairs: list[tuple[str, Cell]]


@dataclass(frozen=True)
class Table(Block):
    """Rows of values below a header."""

    caption: str
    header: list[str]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Matrix(Block):
    """Counts (K, K) of true labels, in rows, and predicted ones, in columns."""

    caption: str
    labels: list[str]
    counts: list[list[int]]


@dataclass(frozen=True)
class Figure(Block):
    """A plot as SVG, whose colours follow those of the page."""

    svg: str
    caption: str = ""


@dataclass(frozen=True)
class Picture(Block):
    """An image as a data URI."""

    uri: str
    alt: str
    is_small: bool = False
    """Whether its pixels are enlarged without smoothing."""


@dataclass(frozen=True)
class Sound(Block):
    """A recording as a data URI, with a player."""

    uri: str
    label: str


@dataclass(frozen=True)
class Passage(Block):
    """A text of the data, with its line ends."""

    text: str


@dataclass(frozen=True)
class Span:
    """A part of a text."""

    text: str
    differs: bool = False
    above: str = ""
    """The token whose tag the text is; "" if it is no tag."""


@dataclass(frozen=True)
class Comparison(Block):
    """A reference and an output, side by side."""

    reference: list[Span]
    output: list[Span]


@dataclass(frozen=True)
class Item:
    """A sample of a gallery: what it is, and what is known about it."""

    title: str
    blocks: list[Block]
    pairs: list[tuple[str, Cell]] = field(default_factory=list)


@dataclass(frozen=True)
class Gallery(Block):
    """Samples, one beside the other where there is space."""

    items: list[Item]
    is_wide: bool = False
    """Whether each sample has a line for itself."""


@dataclass(frozen=True)
class Section:
    """A heading with blocks."""

    title: str
    blocks: list[Block]

    @property
    def anchor(self) -> str:
        """The fragment of links to the section."""
        return self.title.lower().replace(" ", "-")
