"""The package is typed: annotations say more than `Any`, and classes what an object is."""

import ast
from pathlib import Path

SOURCES = sorted((Path(__file__).parents[1] / "src").rglob("*.py"))
MAX_ANY = 0.05
TESTS = ("getattr", "hasattr")
FOREIGN = {
    "IPython": {"kernel"},
    "numpy and pandas": {"__array__", "__iter__", "kind", "shape", "tz"},
    "os": {"O_BINARY", "O_NONBLOCK", "register_at_fork", "sysconf"},
    "PIL": {"n_frames"},
    "scikit-learn": {"_skl_callbacks", "split"},
}
"""Attributes of other libraries that not all of their objects have."""


def annotations_of_arguments(path):
    """(function, argument, annotation) of each annotated argument of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            a = node.args
            for arg in [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]:
                if arg is not None and arg.annotation is not None:
                    yield node.name, arg.arg, arg.annotation


def contains_any(annotation):
    return any(
        isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(annotation)
    )


def any_by_file():
    """File -> numbers of annotated arguments with `Any`, and of all."""
    counts = {}
    for path in SOURCES:
        results = [contains_any(note) for *_, note in annotations_of_arguments(path)]
        counts[path.as_posix()] = sum(results), len(results)
    return counts


def test_few_arguments_are_any():
    n_any, n_all = map(sum, zip(*any_by_file().values(), strict=True))
    assert n_any / n_all < MAX_ANY, f"{n_any} of {n_all} annotated arguments are Any"


def attributes_tested_in(path):
    """The names that are written out in calls of `getattr` and `hasattr`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in TESTS:
            name = node.args[1]
            if isinstance(name, ast.Constant):
                yield name.value


def test_no_attribute_of_ours_stands_for_a_class():
    tested = {name for path in SOURCES for name in attributes_tested_in(path)}
    assert tested == set().union(*FOREIGN.values())
