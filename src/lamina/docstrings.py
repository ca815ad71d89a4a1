"""Docstrings of estimators: the sections that follow from declarations, and the site.

`{parameters}` and `{attributes}` in the docstring of a class stand for its numpydoc sections.
"""

from collections.abc import Iterable
from inspect import cleandoc
from textwrap import indent
from typing import get_type_hints

SITE = "https://lamina.example"
"""Address of the documentation, to which the HTML repr of an estimator links. A name that
ends in ".example" belongs to nobody (RFC 2606): the address of the first release replaces it
here and in `pyproject.toml`, and `.ci/release.py` refuses a release with it."""
REPOSITORY = f"{SITE}/repository"
"""Address of the source."""


class Fitted:
    """Base of groups of fitted attributes, each declared once.

    `name_: Annotated[type, "its type in words", "what it holds"]`. A group holds
    declarations and no values; the docstring of an estimator lists them.
    """


def fill_sections(cls: type, parameters: Iterable[str]) -> None:
    """Insert the sections into the docstring of a class that has the placeholders."""
    doc = cls.__doc__ or ""
    if "{parameters}" not in doc:
        return
    doc = cleandoc(doc).replace("{parameters}", _section("Parameters", parameters))
    cls.__doc__ = doc.replace("{attributes}", _section("Attributes", _attributes(cls)))


def entry(name: str, words: str, text: str) -> str:
    """One entry of a section."""
    return f"{name} : {words}\n{indent(cleandoc(text), '    ')}"


def _section(title: str, entries: Iterable[str]) -> str:
    return "\n".join([title, "-" * len(title), *entries]).rstrip()


def _attributes(cls: type) -> list[str]:
    """The entries of the fitted attributes, those of the nearest class first."""
    entries: dict[str, str] = {}
    for group in cls.__mro__:
        if Fitted not in group.__bases__:
            continue
        for name, hint in get_type_hints(group, include_extras=True).items():
            if name in vars(group).get("__annotations__", {}):
                entries.setdefault(name, entry(name, *hint.__metadata__))
    return list(entries.values())
