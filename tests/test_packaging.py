"""Packages and releases say the same as pyproject.toml."""

import importlib.util
import re
import shutil
import tomllib
from pathlib import Path

import pytest

import lamina

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONDA = {"torch": "pytorch"}
"""Packages that have another name in conda."""

spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
RELEASE = importlib.util.module_from_spec(spec)
spec.loader.exec_module(RELEASE)


def test_the_recipe_of_conda_requires_what_the_package_requires():
    recipe = (ROOT / "packaging" / "conda" / "meta.yaml").read_text()
    run = re.search(r"^  run:\n((?:    - .+\n)+)", recipe, re.MULTILINE)[1]
    required = [PROJECT["project"]["requires-python"].replace(">=", "python >=")]
    for requirement in PROJECT["project"]["dependencies"]:
        name, bound = requirement.split(">=")
        required.append(f"{CONDA.get(name, name)} >={bound}")
    assert re.findall(r"    - (.+)\n", run) == required
    assert f'{{% set version = "{lamina.__version__}" %}}' in recipe
    addresses = re.findall(r"https://\S+", recipe)
    assert set(addresses) <= set(PROJECT["project"]["urls"].values())


def test_the_container_installs_extras_that_exist():
    container = (ROOT / "packaging" / "Dockerfile").read_text()
    extras = re.search(r"'\.\[(.+)\]'", container)[1].split(",")
    assert set(extras) <= PROJECT["project"]["optional-dependencies"].keys()
    sources = re.findall(r"^COPY (.+) \S+$", container, re.MULTILINE)
    assert [
        s for line in sources for s in line.split() if not (ROOT / s).exists()
    ] == []


@pytest.fixture
def checkout(tmp_path):
    """A checkout that can be released."""
    version = lamina.__version__
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    (tmp_path / "src/lamina").mkdir(parents=True)
    (tmp_path / f"tests/golden/{version}").mkdir(parents=True)
    (tmp_path / "src/lamina/__init__.py").write_text(f'__version__ = "{version}"\n')
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n## [{version}] - today\n")
    project = '[project.urls]\nSource = "https://lamina.org"\n'
    (tmp_path / "pyproject.toml").write_text(project)
    return tmp_path


def test_a_complete_checkout_is_released(checkout):
    assert RELEASE.faults(f"v{lamina.__version__}", checkout) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("src/lamina/__init__.py", '__version__ = "99.0"\n', "is not v99.0"),
        ("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n", "has no section"),
        (
            "pyproject.toml",
            '[project.urls]\nSource = "https://a.example"\n',
            "belong to nobody",
        ),
    ],
)
def test_what_is_not_ready_is_refused(checkout, file, text, fault):
    (checkout / file).write_text(text)
    faults = RELEASE.faults(f"v{lamina.__version__}", checkout)
    assert any(fault in text for text in faults)


def test_a_version_without_golden_files_is_refused(checkout):
    shutil.rmtree(checkout / "tests")
    (fault,) = RELEASE.faults(f"v{lamina.__version__}", checkout)
    assert "golden files" in fault
