"""The documentation site: its pages run, its checks see what is wrong, nothing is missing."""

import doctest
import importlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import tomllib
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import lamina
from lamina import exceptions
from lamina.docstrings import REPOSITORY, SITE

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    DOCS / "index.md",
    *sorted(
        page
        for part in ("start", "guide", "moving")
        for page in (DOCS / part).iterdir()
    ),
]
BLOCK = re.compile(
    r"^```python\n(.*?)^```$\n*(?:^```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE
)
"""A block of a page, and its output where one is shown."""
OTHER = re.compile(
    r"^(?:from|import) (aeon|darts|keras|sklearn_crfsuite|skorch)\b", re.M
)
"""Imports of the libraries from which users move."""
COMMAND = re.compile(r"^\$ lamina (.+)$", re.MULTILINE)
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def module_of(path):
    """A module of the site, which is not part of the package."""
    spec = importlib.util.spec_from_file_location(f"site_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


API = module_of(DOCS / "_ext" / "api.py")
SOURCES = module_of(DOCS / "_ext" / "sources.py")
CHECK = module_of(ROOT / ".ci" / "site.py")
TRANSLATIONS = module_of(ROOT / ".ci" / "translations.py")


def name_of(page):
    return page.relative_to(DOCS).as_posix()


def run_blocks(page, is_run):
    """Run blocks of a page one after another, and compare what they print."""
    text = page.read_text(encoding="utf8")
    names, checker = {"__name__": page.stem}, doctest.OutputChecker()
    for block in BLOCK.finditer(text):
        if not is_run(block[1]):
            continue
        first = text.count("\n", 0, block.start(1))
        with redirect_stdout(io.StringIO()) as output:
            exec(compile("\n" * first + block[1], str(page), "exec"), names)
        if block[2] is not None:
            printed = output.getvalue()
            assert checker.check_output(block[2], printed, OPTIONS), (
                f"{name_of(page)}:{first + 1} prints:\n{printed}"
            )


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_runs_and_prints_what_it_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run_blocks(page, lambda code: not OTHER.search(code))


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in PAGES if OTHER.search(page.read_text())], ids=name_of
)
def test_the_other_side_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    pytest.importorskip(OTHER.search(page.read_text())[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of the other library are its own
        run_blocks(page, OTHER.search)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if COMMAND.search(page.read_text())], ids=name_of
)
def test_the_commands_of_a_page_have_these_options(page, tmp_path, monkeypatch):
    typer = pytest.importorskip("typer", reason="needs the extra cli")
    cli = pytest.importorskip("lamina.cli.app", reason="needs the command")
    monkeypatch.chdir(tmp_path)
    commands = typer.main.get_command(cli.app).commands
    for line in COMMAND.findall(page.read_text()):
        name, *arguments = shlex.split(line)
        commands[name].make_context(name, arguments)


@pytest.mark.skipif("CI" not in os.environ, reason="tests of pages need chromium in CI")
def test_continuous_integration_has_a_browser():
    assert shutil.which("chromium"), "The tests of pages in a browser would be skipped."


@pytest.mark.parametrize(
    ("link", "page", "expected"),
    [
        ("data.md#tables", "architecture", "data.md#tables"),
        ("../CONTRIBUTING.md#layers", "architecture", "contributing.md#layers"),
        ("../../SECURITY.md", "guide/saving", "../security.md"),
        ("../saving.md", "guide/saving", "../saving.md"),
        ("../examples", "data", f"{REPOSITORY}/blob/main/examples"),
        ("#layers", "data", "#layers"),
        ("https://onnx.ai", "onnx", "https://onnx.ai"),
    ],
)
def test_links_lead_to_the_site_or_to_the_repository(link, page, expected):
    folder = (Path("docs") / page).parent.as_posix()
    text = SOURCES.with_links_of_site(f"see [this]({link}).", folder, page)
    assert text == f"see [this]({expected})."


def test_links_of_pages_at_the_root_of_the_repository():
    text = "[a](docs/data.md#text) [b](SECURITY.md) [c](src/lamina)"
    expected = (
        f"[a](data.md#text) [b](security.md) [c]({REPOSITORY}/blob/main/src/lamina)"
    )
    assert SOURCES.with_links_of_site(text, ".", "changelog") == expected


def test_the_reference_lists_every_public_name_once():
    listed = re.findall(r"^   (\w+)$", API.index(), re.MULTILINE)
    public = [name for names in API.public_names().values() for name in names]
    assert sorted(listed) == sorted(public)
    assert set(lamina.__all__) <= set(listed)
    packages = {
        path.parent.name for path in (ROOT / "src/lamina").glob("*/__init__.py")
    }
    with_names = {
        name
        for name in packages
        if hasattr(importlib.import_module(f"lamina.{name}"), "__all__")
    }
    assert {f"lamina.{name}" for name in with_names} <= set(API.public_names())


def test_methods_of_users_are_shown_and_others_are_not():
    def is_shown(name):
        member = getattr(lamina.DNNClassifier, name)
        return not API.is_skipped(None, "class", name, member, False, None)

    shown = ("fit", "predict", "predict_proba", "score", "save", "load", "to_onnx")
    assert [name for name in shown if not is_shown(name)] == []
    assert [n for n in ("to_state", "outputs_of", "get_params") if is_shown(n)] == []


def test_every_error_and_warning_has_its_section():
    page = (DOCS / "guide" / "troubleshooting.md").read_text()
    sections = set(re.findall(r"^## (\w+)$", page, re.MULTILINE))
    classes = {
        n for n in exceptions.__all__ if isinstance(getattr(exceptions, n), type)
    }
    assert classes - sections == set()
    assert {s for s in sections if s.endswith(("Error", "Warning"))} - classes == set()


@pytest.mark.parametrize("name", ["DNNClassifier", "Forecaster", "Translator"])
def test_the_html_of_an_estimator_links_to_its_page(name):
    estimator = getattr(lamina, name)()
    assert f"{SITE}/api/lamina.{name}.html" in estimator._repr_html_()


def test_a_class_of_a_user_has_no_page():
    class Mine(lamina.DNNClassifier):
        """A subclass in a module of a user."""

    assert SITE not in Mine()._repr_html_()


def test_addresses_are_written_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    addresses = project["urls"].values()
    assert {SITE, REPOSITORY} <= set(addresses)
    assert [a for a in addresses if not a.startswith(SITE)] == []


def test_broken_links_are_seen(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"></p><a href="#here"></a><a href="b.html#there"></a>'
        '<a href="b.html#gone"></a><a href="gone.html"></a><img src="no.png">'
        '<a href="https://onnx.ai/#x"></a>'
    )
    (tmp_path / "b.html").write_text('<h1 id="there"></h1>')
    broken = CHECK.broken_links(tmp_path)
    assert broken == ["a.html: b.html#gone", "a.html: gone.html", "a.html: no.png"]


def test_absent_pages_are_seen(tmp_path):
    for page in ("api/lamina.A.html", "api/lamina.B.html", "zh_CN/api/lamina.A.html"):
        path = tmp_path / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    absent = CHECK.absent_pages(tmp_path, {"lamina": ["A", "B"]})
    assert absent == ["zh_CN/api/lamina.B.html"]


TEMPLATE = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'


@pytest.mark.parametrize(
    ("catalogue", "expected"),
    [
        (None, ["One thing.", "Another thing."]),
        ('msgid "One thing."\nmsgstr "一。"\n', ["Another thing."]),
        (
            'msgid "One thing."\nmsgstr "一。"\n\nmsgid "Another thing."\nmsgstr "二。"\n',
            [],
        ),
        (
            'msgid "One thing!"\nmsgstr "一。"\n\nmsgid "Another thing."\nmsgstr "二。"\n',
            ["One thing."],
        ),
    ],
    ids=["no file", "one of two", "all", "a changed text"],
)
def test_untranslated_strings_are_counted(tmp_path, catalogue, expected):
    template, file = tmp_path / "page.pot", tmp_path / "page.po"
    strings = 'msgid "One thing."\nmsgstr ""\n\nmsgid "Another thing."\nmsgstr ""\n'
    template.write_text(TEMPLATE + strings)
    if catalogue:
        file.write_text(TEMPLATE + catalogue, encoding="utf8")
    strings = TRANSLATIONS.updated(template, file)
    assert sorted(TRANSLATIONS.untranslated(strings)) == sorted(expected)


def test_every_translated_part_has_a_page():
    for part in TRANSLATIONS.TRANSLATED:
        made = part.startswith("auto_")  # by the build
        assert made or (DOCS / f"{part}.md").exists() or (DOCS / part).is_dir()
