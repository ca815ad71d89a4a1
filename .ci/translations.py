"""Count what is not translated: `translations.py FOLDER`, of the templates of sphinx.

`--update` brings the catalogues in docs/locale up to date with the templates. A string whose
English text has changed is marked "fuzzy" there, and counts until somebody removes the mark.
"""

import sys
from argparse import ArgumentParser
from pathlib import Path

from babel.messages import Catalog
from sphinx_intl.catalog import dump_po, load_po, update_with_fuzzy

LANGUAGE = "zh_CN"
TRANSLATED = ("index", "start", "guide", "auto_course")
"""The parts of the site that are translated: pages, and folders of pages."""
CATALOGUES = Path(__file__).parents[1] / "docs" / "locale" / LANGUAGE / "LC_MESSAGES"


def pairs(templates: Path, catalogues: Path) -> list[tuple[Path, Path]]:
    """Each template of the translated parts, with the file of its catalogue."""
    files = sorted(
        path
        for part in TRANSLATED
        for path in [
            *templates.glob(f"{part}.pot"),
            *templates.glob(f"{part}/**/*.pot"),
        ]
    )
    if not files:
        raise SystemExit(f"There are no templates of {TRANSLATED} in {templates}.")
    return [
        (path, (catalogues / path.relative_to(templates)).with_suffix(".po"))
        for path in files
    ]


def updated(template: Path, catalogue: Path) -> Catalog:
    """The catalogue with the strings of the template."""
    new = load_po(str(template))
    if not catalogue.exists():
        return new
    old = load_po(str(catalogue))
    update_with_fuzzy(old, new)
    return old


def untranslated(catalogue: Catalog) -> list[str]:
    """The strings without a translation, or with one of another text."""
    return [m.id for m in catalogue if m.id and (m.fuzzy or not m.string)]


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("templates", type=Path)
    parser.add_argument("--update", action="store_true")
    arguments = parser.parse_args()
    n_untranslated = 0
    for template, catalogue in pairs(arguments.templates, CATALOGUES):
        strings = updated(template, catalogue)
        if arguments.update:
            catalogue.parent.mkdir(parents=True, exist_ok=True)
            dump_po(str(catalogue), strings, line_width=100)
        for text in untranslated(strings):
            print(f"{template.stem}: {text}")
            n_untranslated += 1
    print(
        f"{n_untranslated} untranslated strings ({LANGUAGE}: {', '.join(TRANSLATED)})"
    )
    return bool(n_untranslated)


if __name__ == "__main__":
    sys.exit(main())
