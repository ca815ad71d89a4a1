"""The gallery of the course: its thumbnails are in the language of the site."""

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

EXTENSIONS = Path(__file__).parents[1] / "docs" / "_ext"
CONFIGURATION = f"""
import sys
sys.path.insert(0, {str(EXTENSIONS)!r})
extensions = ["gallery"]
html_theme, language, locale_dirs = "basic", "zh_CN", ["."]
"""
PAGE = """
.. note:: A box.

Title
=====

First
lines.

See `Title`_
"""
CATALOGUE = r"""
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\n"

msgid "Title"
msgstr "题 & 目"

msgid "First lines."
msgstr "\"第一\"段"

msgid "See `Title`_"
msgstr "见 `题 & 目`_ #noqa"
"""


def test_thumbnails_are_in_the_language_of_the_site(tmp_path):
    template = pytest.importorskip("sphinx_gallery.backreferences").THUMBNAIL_TEMPLATE
    texts = {"intro": "First lines.", "title": "Title"}
    thumbnail = template.format_map(defaultdict(lambda: "page", texts))
    files = {
        "conf.py": CONFIGURATION,
        "index.rst": f"Home\n====\n\n{thumbnail}\n\n.. toctree::\n\n   page\n",
        "page.rst": PAGE,
        "zh_CN/LC_MESSAGES/page.po": CATALOGUE,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf8")
    command = [sys.executable, "-m", "sphinx", "-q", tmp_path, tmp_path / "out"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    index, page = (
        (tmp_path / "out" / name).read_text(encoding="utf8")
        for name in ("index.html", "page.html")
    )
    assert 'tooltip="&quot;第一&quot;段"' in index
    assert '<div class="sphx-glr-thumbnail-title">题 &amp; 目</div>' in index
    assert "Title" not in index
    assert "First" not in index
    assert 'href="#title">题 &amp; 目</a>' in page
