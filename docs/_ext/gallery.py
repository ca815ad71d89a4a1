"""Thumbnails of a gallery in the language of the site.

sphinx-gallery writes the title and the introduction of each page there as HTML, which the
catalogues do not reach. Here they are taken from the page, which is translated.
"""

import re
from html import escape

from docutils import nodes
from sphinx.application import Sphinx

TOOLTIP = re.compile(r'(?<=tooltip=")[^"]*(?=")')
TITLE = re.compile(r'(?<=<div class="sphx-glr-thumbnail-title">).*(?=</div>)')


def introduction(page: nodes.document) -> str:
    """The first paragraph below the title of a page, on one line."""
    paragraphs = page.findall(nodes.paragraph)
    first = next(p for p in paragraphs if isinstance(p.parent, nodes.section))
    return " ".join(first.astext().split())


def fill(gallery: nodes.document, pattern: re.Pattern[str], texts: list[str]) -> None:
    """Put the texts where the pattern matches, one for each match."""
    raws = [raw for raw in gallery.findall(nodes.raw) if pattern.search(raw.astext())]
    for raw, text in zip(raws, texts, strict=True):
        html = pattern.sub(lambda _, text=text: escape(text), raw.astext())
        raw[:] = [nodes.Text(html)]


def fill_thumbnails(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the texts of the pages of a gallery into their thumbnails."""
    if any(TITLE.search(raw.astext()) for raw in doctree.findall(nodes.raw)):
        pages = app.env.toctree_includes[docname]
        fill(doctree, TITLE, [app.env.titles[page].astext() for page in pages])
        texts = [introduction(app.env.get_doctree(page)) for page in pages]
        fill(doctree, TOOLTIP, texts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Fill the thumbnails when the titles of all pages are known."""
    app.connect("doctree-resolved", fill_thumbnails)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
