"""The rules of docs/architecture.md, as tests."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from inspect import isclass, ismodule
from itertools import chain
from pathlib import Path

import pytest

import lamina

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PUBLIC_CLASSES = [c for c in (getattr(lamina, n) for n in lamina.__all__) if isclass(c)]

MAX_FILE, MAX_FUNCTION = 300, 40
OF_NO_MODULE = {
    *(
        "benchmarks",
        "course",
        "gallery",
        "golden",
        "integration",
        "packaging",
        "parity",
        "project",
        "site",
        "sklearn_checks",
        "types",
        "words",
    )
}
"""Test files about the package as a whole."""
OPTIONAL = {
    "PIL",
    "fastapi",
    "matplotlib",
    "mlflow",
    "onnx",
    "onnxruntime",
    "optuna",
    "pandas",
    "polars",
    "pooch",
    "rich",
    "soundfile",
    "tensorboard",
    "typer",
    "uvicorn",
}

# Looks at the process before and after the import of all public names. scikit-learn comes
# first: where pandas and rich are installed it imports them itself.
PROBE = """
import json, logging, random, signal, sys
import numpy, sklearn, sklearn.callback, torch

def flags():
    return {
        "interop threads": torch.get_num_interop_threads(),
        "threads": torch.get_num_threads(),
        "default dtype": str(torch.get_default_dtype()),
        "default device": str(torch.get_default_device()),
        "matmul precision": torch.get_float32_matmul_precision(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn benchmark": torch.backends.cudnn.benchmark,
        "cudnn TF32": torch.backends.cudnn.allow_tf32,
        "mkldnn": torch.backends.mkldnn.enabled,
        "gradients": torch.is_grad_enabled(),
        "denormals kept": (torch.tensor([1e-39]) / 10).item() != 0,
        "torch generator": torch.get_rng_state().tolist(),
        "numpy generator": repr(numpy.random.get_state()),
        "python generator": repr(random.getstate()),
        "numpy errors": numpy.geterr(),
        "scikit-learn": repr(sklearn.get_config()),
        "interrupt": repr(signal.getsignal(signal.SIGINT)),
        "log handlers": repr(logging.getLogger().handlers),
        "excepthook": repr(sys.excepthook),
    }

before, known = flags(), set(sys.modules)
from lamina import *
after, added = flags(), set(sys.modules) - known
print(json.dumps({
    "changed": [name for name in before if before[name] != after[name]],
    "added": sorted({name.partition(".")[0] for name in added}),
}))
"""


def relative(path):
    return path.relative_to(ROOT).as_posix()


def length_without_docstring(function):
    first = function.body[0]
    n_lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        n_lines -= first.end_lineno - first.lineno + 1
    return n_lines


def python_blocks(path):
    """The ```python blocks of a page, each named by its line."""
    text = path.read_text(encoding="utf8")
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        first = text.count("\n", 0, match.start(1))
        # Blank lines in front let a traceback show the line of the page.
        block = "\n" * first + match[1]
        yield pytest.param(path, block, id=f"{path.name}:{first + 1}")


def run_python(code):
    """What the code prints, in a separate process."""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def imported():
    return json.loads(run_python(PROBE))


def test_files_are_short():
    lengths = {relative(p): len(p.read_text().splitlines()) for p in SOURCES}
    assert {p: n for p, n in lengths.items() if n > MAX_FILE} == {}


def test_functions_are_short():
    long = {}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                n_lines = length_without_docstring(node)
                if n_lines > MAX_FUNCTION:
                    long[f"{relative(path)}:{node.name}"] = n_lines
    assert long == {}


def test_files_are_named_for_what_they_hold():
    vague = {"utils", "util", "helpers", "misc", "common"}
    assert [relative(p) for p in SOURCES if p.stem.strip("_") in vague] == []


def test_test_files_are_named_after_modules_and_packages():
    """`files`, `audio` or, where the name of a module is not enough, `audio_files`."""
    modules = {
        name
        for path in SOURCES
        for folder, module in [(path.parent.name, path.stem)]
        for name in (folder, module, f"{folder}_{module}")
    }
    tested = {p.stem.removeprefix("test_") for p in (ROOT / "tests").glob("test_*.py")}
    assert sorted(tested - modules - OF_NO_MODULE) == []


def test_actions_are_pinned_by_digest():
    pages = [p.read_text() for p in (ROOT / ".github" / "workflows").glob("*.yml")]
    used = [name for page in pages for name in re.findall(r"uses: (\S+)", page)]
    assert used
    assert [name for name in used if not re.search(r"@[0-9a-f]{40}$", name)] == []


def test_the_lock_has_hashes_of_the_versions_of_the_constraints():
    def versions(text):
        pairs = re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
        return {re.sub(r"[-_.]+", "-", name).lower(): v for name, v in pairs}

    lock = (ROOT / ".ci" / "requirements.lock").read_text()
    locked = versions(lock)
    constraints = versions((ROOT / "constraints.txt").read_text())
    both = locked.keys() & constraints.keys()
    assert {n: locked[n] for n in both} == {n: constraints[n] for n in both}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    required = [*project["project"]["dependencies"], *chain(*extras.values())]
    required += project["dependency-groups"]["test"]
    names = {re.split(r"[\[<>=~ ]", r)[0].lower() for r in required}
    assert names - {"lamina", "torch"} <= both
    entries = re.split(r"\n(?=\w)", lock)
    assert [e for e in entries[1:] if "--hash=sha256:" not in e] == []


def test_nothing_is_left_for_later():
    mark = re.compile("|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X"]))
    pages = [
        *SOURCES,
        *ROOT.glob("*.md"),
        *(p for d in ("tests", "examples") for p in (ROOT / d).rglob("*.py")),
        *(ROOT / "docs").rglob("*.md"),
    ]
    assert [relative(p) for p in pages if mark.search(p.read_text())] == []


def test_checks_and_tests_that_the_pages_name_exist():
    defined = {
        name
        for folder in ("src", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"def ((?:check|test)_\w+)\(", path.read_text())
    }
    pages = (path.read_text() for path in (ROOT / "docs").glob("*.md"))
    named = {n for page in pages for n in re.findall(r"`((?:check|test)_\w+)`", page)}
    assert sorted(named - defined) == []


def test_all_is_complete():
    public = {
        name
        for name in dir(lamina)
        if not name.startswith("_") and not ismodule(getattr(lamina, name))
    }
    assert sorted(lamina.__all__) == sorted(public)  # ruff has its own order


def test_there_are_public_classes():
    assert {"DNNClassifier", "CNNRegressor"} <= {c.__name__ for c in PUBLIC_CLASSES}


@pytest.mark.parametrize("public", PUBLIC_CLASSES, ids=lambda c: c.__name__)
def test_public_class_has_its_sections_and_an_example(public):
    sections = re.findall(r"^(\w[\w ]*)\n-+$", public.__doc__, re.MULTILINE)
    assert {"Parameters", "Attributes", "Examples"} <= set(sections)
    examples = public.__doc__.partition("Examples\n")[2]
    assert f">>> from lamina import {public.__name__}\n" in examples


@pytest.mark.parametrize("public", PUBLIC_CLASSES, ids=lambda c: c.__name__)
def test_every_parameter_is_documented_and_no_other(public):
    section = re.search(
        r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+$)", public.__doc__, re.S | re.M
    )
    documented = re.findall(r"^(\w+) : ", section[1], re.MULTILINE)
    assert sorted(documented) == sorted(public().get_params(deep=False))


def test_import_does_not_import_optional_packages(imported):
    assert sorted(OPTIONAL.intersection(imported["added"])) == []


def test_import_needs_no_optional_package():
    absent = f"import sys; sys.modules.update(dict.fromkeys({sorted(OPTIONAL)}))"
    run_python(f"{absent}; from lamina import *; import lamina.callbacks")


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'DNN'"):
        _ = lamina.DNN


def test_the_package_is_imported_without_torch_and_scikit_learn():
    run_python(
        "import sys; sys.modules.update(torch=None, sklearn=None); import lamina"
    )


def test_import_changes_no_global_flag(imported):
    assert imported["changed"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "block"),
    [
        *python_blocks(ROOT / "README.md"),
        *python_blocks(ROOT / "CONTRIBUTING.md"),
        *(
            b
            for page in sorted((ROOT / "docs").glob("*.md"))
            for b in python_blocks(page)
        ),
    ],
)
def test_code_of_the_pages_runs(page, block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, str(page), "exec"), {"__name__": page.stem})
