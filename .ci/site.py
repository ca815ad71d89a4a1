"""Check the built site: `site.py FOLDER`.

Every link leads to a page and an anchor that exist, and every public name has its page in
each language.
"""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LANGUAGES = ("", "zh_CN")
"""The folder of each language."""


class Page(HTMLParser):
    """The anchors of a page, and what it links to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value or "")
            elif name in {"href", "src"} and tag != "form":
                self.links.append(value or "")


def pages_of(site: Path) -> list[Path]:
    """The pages of all languages, without the templates among the static files."""
    return [path for path in site.rglob("*.html") if "_static" not in path.parts]


def broken_links(site: Path) -> list[str]:
    """Links within the site to a page, a file or an anchor that is not there."""
    site = site.resolve()
    pages = {path: Page(path.read_text(encoding="utf8")) for path in pages_of(site)}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (
                (path.parent / unquote(parts.path)).resolve() if parts.path else path
            )
            anchor = unquote(parts.fragment)
            known = pages[target].anchors if target in pages else {anchor}
            if not target.is_file() or (anchor and anchor not in known):
                broken.append(f"{path.relative_to(site)}: {link}")
    return broken


def absent_pages(site: Path, names: dict[str, list[str]]) -> list[str]:
    """Public names, by their modules, without a page in one of the languages."""
    pages = [
        Path(language, "api", f"{module}.{name}.html")
        for language in LANGUAGES
        for module in names
        for name in names[module]
    ]
    return [str(page) for page in pages if not (site / page).is_file()]


def main(site: Path) -> int:
    sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "_ext"))
    from api import public_names

    n_pages = len(pages_of(site))
    broken, absent = broken_links(site), absent_pages(site, public_names())
    for fault in broken:
        print(f"broken link in {fault}")
    for fault in absent:
        print(f"there is no page {fault}")
    print(f"{n_pages} pages, {len(broken)} broken links, {len(absent)} absent pages")
    return bool(broken or absent or not n_pages)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
