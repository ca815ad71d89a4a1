"""Checks that an estimator in a file, or in a pickle, is the one that was saved."""

import pickle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lamina
from lamina import archive
from lamina.estimators.base import NeuralEstimator
from lamina.testing.examples import Example
from lamina.testing.fitting import assert_same, brief, fit, outputs


def check_saved_estimator_is_equal(estimator: NeuralEstimator, data: Example) -> None:
    """A loaded estimator predicts the same, and saved again it is the same file."""
    network = fit(brief(estimator, data), data)
    expected = outputs(network, data.X)
    with TemporaryDirectory() as folder:
        first, second = Path(folder) / "first.lamina", Path(folder) / "second.lamina"
        lamina.save(network, first)
        again = type(network).load(first)
        assert_same(outputs(again, data.X), expected, "predictions after loading")
        assert repr(again) == repr(network), "Loading changed a parameter"
        missing = sorted(vars(network).keys() - vars(again).keys())
        assert missing == [], f"A loaded estimator lacks {missing}"
        again.save(second)
        contents = [archive.read(path, "estimator")[:2] for path in (first, second)]
    (tree, arrays), (second_tree, second_arrays) = contents
    assert tree == second_tree, "A second file differs"
    assert arrays.keys() == second_arrays.keys()
    for name, array in arrays.items():
        assert_same(second_arrays[name], array, "an array of the second file")


def check_training_continues_after_saving(
    estimator: NeuralEstimator, data: Example
) -> None:
    """With the state of training, `partial_fit` continues as if nothing had been saved."""
    network = brief(estimator, data)
    y = data.target(network)

    def step(each: Any) -> Any:
        return each.partial_fit(data.X) if y is None else each.partial_fit(data.X, y)

    step(network)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "network.lamina"
        lamina.save(network, path, training_state=True)
        copies = {
            "a file": lamina.load(path, [type(network)]),
            "a pickle": pickle.loads(pickle.dumps(network)),
        }
    expected = outputs(step(network), data.X)
    for name, again in copies.items():
        assert_same(outputs(step(again), data.X), expected, f"partial_fit after {name}")
