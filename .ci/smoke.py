"""Fit every public estimator of the installed wheel: `smoke.py SITE`."""

import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

import lamina


def main(site: Path) -> None:
    package = Path(lamina.__file__).resolve().parent
    assert package.parent == site.resolve(), f"{package} was imported, not the wheel"
    assert version("lamina") == lamina.__version__
    assert (package / "py.typed").is_file()
    X = np.random.default_rng(0).normal(size=(16, 8))
    y = np.arange(16) % 2
    for name in lamina.__all__:
        network = getattr(lamina, name)(max_iter=2, random_state=0).fit(X, y)
        assert network.predict(X).shape == y.shape, name
        print(f"{name} fits and predicts")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
