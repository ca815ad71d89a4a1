"""Pages of the repository in the site: the text of some, and links to the others.

The pages are written to be read in the repository too, with links relative to each file.
In the site a link to another page leads to its place there, and one to any other file to
the repository.
"""

import re
from pathlib import Path
from posixpath import normpath, relpath

from sphinx.application import Sphinx

from lamina.docstrings import REPOSITORY

ROOT = Path(__file__).parents[2]
ROOT_PAGES = {
    "changelog": "CHANGELOG.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
}
"""Pages of the site whose text is a file at the root of the repository."""
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def with_links_of_site(text: str, folder: str, page: str) -> str:
    """A text of `folder` of the repository, with links for the page `page` of the site."""
    pages = {file: f"docs/{name}.md" for name, file in ROOT_PAGES.items()}

    def replaced(link: re.Match[str]) -> str:
        path, anchor = normpath(f"{folder}/{link[1]}"), link[2] or ""
        path = pages.get(path, path)
        if not path.startswith("docs/"):
            return f"]({REPOSITORY}/blob/main/{path}{anchor})"
        return f"]({relpath(path, f'docs/{page}/..')}{anchor})"

    return LINK.sub(replaced, text)


def read_source(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace the text of a page as it is read."""
    if app.env.doc2path(page).suffix != ".md":
        return
    folder = normpath(f"docs/{page}/..")
    if page in ROOT_PAGES:
        file = ROOT / ROOT_PAGES[page]
        app.env.note_dependency(str(file))
        source[0], folder = file.read_text(encoding="utf8"), "."
    source[0] = with_links_of_site(source[0], folder, page)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the pages to a build."""
    app.connect("source-read", read_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
