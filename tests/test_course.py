"""The pages of the course compile, end with their claims, and agree with what is stored.

The build of the documentation runs them.
"""

import ast
import json
import re
from pathlib import Path

import pytest
from benchmarks import course

from lamina import CNNClassifier, DNNClassifier
from lamina.datasets import load_fashion

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs" / "course").glob("plot_*.py"))
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pytest.fixture(scope="module")
def stored():
    return json.loads(course.PATH.read_text())


def sections(text):
    """The titles of a page's sections."""
    return re.findall(r"^# (.+)\n# -+$", text, re.MULTILINE)


@each_page
def test_a_page_compiles_and_is_short(page):
    text = page.read_text()
    compile(text, str(page), "exec")
    assert len(text.splitlines()) < 250


@each_page
def test_a_page_ends_with_its_claims(page):
    text = page.read_text()
    assert sections(text)[-1] == "What the text says, and what we measured"
    box = text.rpartition("# .. list-table:: Claims")[2]
    assert all(line.startswith("#") for line in box.splitlines()[1:])
    rows = re.split(r"^#    \* - ", box, flags=re.MULTILINE)[1:]
    cells = [re.split(r"^#      - ", row, flags=re.MULTILINE) for row in rows]
    assert len(cells) > 2
    assert {len(row) for row in cells} == {3}
    verdicts = {row[1].split()[0].strip(",.:") for row in cells[1:]}
    assert verdicts <= {"Yes", "Partly", "No"}
    named = re.findall(r"`([^`]+)`_", "".join(row[2] for row in cells[1:]))
    assert len(named) >= len(cells) - 1
    assert set(named) <= set(sections(text))


def test_each_figure_is_stored_for_each_seed(stored):
    keys = [
        (r["network"], r["pictures"], r["seed"], r["epochs"]) for r in stored["fashion"]
    ]
    assert sorted(keys) == sorted(
        (name, n, seed, epochs[name])
        for seed in course.SEEDS
        for n, epochs in course.EPOCHS.items()
        for name in course.NETWORKS
    )
    assert all(tuple(row) == course.FIGURES for row in stored["fashion"])
    assert all(
        0 < row[part] <= 1 for row in stored["fashion"] for part in ("train", "test")
    )
    assert "torch" in stored["machine"]


def test_the_stored_parameters_are_those_of_the_networks(stored):
    X, y = load_fashion(return_X_y=True)
    for name, network in course.NETWORKS.items():
        X_of, y_of = course.shaped(name, X[:40], y[:40])
        network.set_params(max_iter=1).fit(X_of, y_of)
        n = {r["parameters"] for r in stored["fashion"] if r["network"] == name}
        # The 40 pictures have all classes, as the 60,000 do.
        assert n == {network.n_parameters_}


def test_the_page_trains_the_networks_of_the_stored_figures():
    tree = ast.parse((ROOT / "docs" / "course" / "plot_2_cnn.py").read_text())
    types = {"DNNClassifier": DNNClassifier, "CNNClassifier": CNNClassifier}
    calls = {
        node.func.id: eval(ast.unparse(node), dict(types))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in types
    }
    of_fit = {"max_iter": 1, "random_state": 0}
    for network in course.NETWORKS.values():
        on_page = calls[type(network).__name__].set_params(**of_fit)
        assert on_page.get_params() == network.set_params(**of_fit).get_params()
