"""The documentation site; `make docs` builds it into out/docs, in English and Chinese."""

import sys
import warnings
from pathlib import Path

import lamina
from lamina.docstrings import SITE
from lamina.exceptions import PerformanceWarning

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

project = "lamina"
author = "the lamina developers"
version = release = lamina.__version__
copyright = author
html_baseurl = SITE

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "api",
    "chinese",
    "gallery",
    "mathml",
    "sources",
]
exclude_patterns = ["_ext", "_templates", "course", "locale"]
templates_path = ["_templates"]
default_role = "literal"
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

autosummary_generate = True
autodoc_typehints = "none"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False

locale_dirs = ["locale"]
gettext_compact = False
gettext_uuid = False
language = "en"

# It is about the machine that builds the site, and would be shown as output of a page.
warnings.filterwarnings(
    "ignore", "Other processes use the same cores", PerformanceWarning
)

COURSE = HERE / "course"
sphinx_gallery_conf = {
    "examples_dirs": [str(COURSE)] if COURSE.is_dir() else [],
    "gallery_dirs": ["auto_course"] if COURSE.is_dir() else [],
    "filename_pattern": r"\.py$",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    # Times differ from build to build, so that no catalogue could translate them.
    "min_reported_time": float("inf"),
    "write_computation_times": False,
}

copybutton_exclude = ".linenos, .gp, .go"
copybutton_selector = "div.highlight-python pre, div.highlight-console pre"
html_theme = "pydata_sphinx_theme"
html_title = "lamina"
html_math_renderer = "mathml"
html_favicon = "_static/favicon.svg"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_context = {"default_mode": "auto"}
html_sidebars = {page: [] for page in ("index", "results", "changelog")}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "lamina"},
    "navbar_end": ["language-switch", "theme-switcher"],
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
