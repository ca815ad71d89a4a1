"""Every example page runs from start to end, in a temporary folder."""

import os
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
    process = subprocess.run(
        [sys.executable, str(page)],
        cwd=tmp_path,
        env=os.environ | {"SECONDS": "5"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout, "An example shows something."
