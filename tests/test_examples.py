"""Every example page runs from start to end, in a folder of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

PAGES = sorted(Path(__file__).parents[1].glob("examples/*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_example_runs(page, tmp_path):
    if page.stem == "demo":
        pytest.skip("`make demo` runs it, for two minutes")
    done = subprocess.run(
        [sys.executable, str(page)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout, "An example shows something."
