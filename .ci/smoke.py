"""Fit every public estimator of the installed wheel: `smoke.py SITE`."""

import sys
from importlib.metadata import version
from pathlib import Path

import lamina
from lamina.testing import all_estimators
from lamina.testing.examples import examples_for


def main(site: Path) -> None:
    package = Path(lamina.__file__).resolve().parent
    assert package.parent == site.resolve(), f"{package} was imported, not the wheel"
    assert version("lamina") == lamina.__version__
    assert (package / "py.typed").is_file()
    for name, public in all_estimators():
        for data in examples_for(public())[:1]:
            network = public(max_iter=2, random_state=0, **data.params)
            network.fit(data.X, data.target(network))
            assert len(network.predict(data.X)) == len(data), name
            print(f"{name} fits and predicts")
    page = lamina.report(network, data.X, data.target(network), n_resamples=5)
    assert page.html.rstrip().endswith("</html>")  # the templates are in the wheel
    print("a report is written")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
