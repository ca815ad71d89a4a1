"""The API reference: a page for each name in the `__all__` of the public modules.

`api/index.rst` is written from `__all__` before sphinx looks for pages, and autosummary
then makes the page of each name.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from inspect import isroutine
from pathlib import Path
from typing import Any

from numpydoc.docscrape import NumpyDocString
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer

MODULES = {
    "lamina": "Estimators, and their files",
    "lamina.inspection": "Looking into networks",
    "lamina.datasets": "Data sets",
    "lamina.callbacks": "Callbacks",
    "lamina.reporting": "Reports",
    "lamina.serving": "Serving",
    "lamina.onnx": "Predictions without torch",
    "lamina.testing": "Checks of estimators",
    "lamina.exceptions": "Errors and warnings",
}
SECTIONS = {"Parameters", "Returns", "Yields", "Raises"}


def public_names() -> dict[str, list[str]]:
    """The names of each public module, in the order of the site."""
    modules = [name for name in MODULES if find_spec(name)]
    return {name: list(import_module(name).__all__) for name in modules}


def index() -> str:
    """The page that lists all public names."""
    parts = ["API reference\n=============\n"]
    for module, names in public_names().items():
        title = f"{MODULES[module]}: ``{module}``"
        parts.append(f"{title}\n{'-' * len(title)}\n\n.. automodule:: {module}\n")
        parts.append(f".. currentmodule:: {module}\n")
        entries = "\n".join(f"   {name}" for name in names)
        parts.append(
            f".. autosummary::\n   :toctree: .\n   :nosignatures:\n\n{entries}\n"
        )
    return "\n".join(parts)


def write_index(app: Sphinx, _config: object) -> None:
    """Write the index where it differs, so that an unchanged one is not read again."""
    page = Path(app.srcdir) / "api" / "index.rst"
    page.parent.mkdir(exist_ok=True)
    if not page.exists() or page.read_text(encoding="utf8") != index():
        page.write_text(index(), encoding="utf8")


def is_skipped(
    _app: Sphinx, what: str, _name: str, member: Any, skip: bool, _options: object
) -> bool:
    """Whether a member of a class is left out.

    Shown are the methods of lamina with a section of numpydoc; those of scikit-learn are
    documented there, and others are for the parts of lamina itself.
    """
    if what != "class" or skip:
        return skip
    of_lamina = (getattr(member, "__module__", None) or "").startswith("lamina")
    return not (of_lamina and isroutine(member) and has_section(member.__doc__ or ""))


def has_section(doc: str) -> bool:
    """Whether a docstring has one of the sections that say how to call it."""
    parsed = NumpyDocString(doc)
    return any(parsed[section] for section in SECTIONS)


def document_value(
    _app: Sphinx, what: str, name: str, value: Any, _options: object, lines: list[str]
) -> None:
    """Describe a value by the text below its assignment, not by the docstring of its type."""
    if what != "data":
        return
    key = ("", name.rpartition(".")[2])
    for module in [n for n in sys.modules if n.startswith("lamina.")]:
        if vars(sys.modules[module]).get(key[1]) is value:
            documented = ModuleAnalyzer.for_module(module).find_attr_docs()
            if key in documented:
                lines[:] = documented[key]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the reference to a build."""
    app.connect("config-inited", write_index)
    app.connect("autodoc-skip-member", is_skipped)
    app.connect("autodoc-process-docstring", document_value)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
