"""Files of every release are read, and give the outputs that they gave then."""

from pathlib import Path

import numpy as np
import pytest

import lamina
from lamina import archive
from lamina.state import assembled
from lamina.testing import all_estimators
from lamina.testing.fitting import outputs

FOLDER = Path(__file__).parent / "golden"
FILES = sorted(FOLDER.glob("*/*.lamina"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_a_file_of_a_release_gives_the_same_outputs(path):
    network = lamina.load(path)
    assert type(network).__name__ == path.stem
    expected = path.with_suffix(".expected")
    then = assembled(*archive.read(expected, "expected")[:2])
    actual = outputs(network, then["X"])
    np.testing.assert_allclose(actual, then["outputs"], rtol=1e-4, atol=1e-5)
    assert path.stat().st_size < 50_000


def test_each_release_has_a_file_of_each_estimator():
    names = [name for name, _ in all_estimators()]
    releases = {path.parent for path in FILES}
    assert FOLDER / lamina.__version__ in releases
    for release in releases:
        assert sorted(path.stem for path in release.glob("*.lamina")) == names
