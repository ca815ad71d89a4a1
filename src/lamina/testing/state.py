"""Checks of what a fit leaves behind: the result, and the process as it was."""

import copy
import io
import pickle
import random
import warnings
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Any
from unittest.mock import patch

import joblib
import numpy as np
import torch

from lamina.exceptions import DataWarning
from lamina.testing.examples import Example
from lamina.testing.fitting import assert_same, brief, fit, outputs
from lamina.training.loader import Loader


class AccidentError(Exception):
    """Raised in the middle of a fit."""


def check_process_is_left_alone(estimator: Any, data: Example) -> None:
    """Generators, threads and flags are as before, and nothing is printed."""
    network = brief(estimator, data)
    printed = io.StringIO()
    before = _process()
    with redirect_stdout(printed), redirect_stderr(printed):
        fit(network, data)
        outputs(network, data.X)
    _assert_unchanged(before, "fit and predict")
    assert not printed.getvalue(), f"fit or predict printed {printed.getvalue()!r}"


def check_process_is_left_alone_on_error(estimator: Any, data: Example) -> None:
    """Generators, threads and flags are as before when a fit breaks off."""
    network = fit(brief(estimator, data), data)
    before = _process()
    with (
        patch.object(Loader, "__iter__", side_effect=AccidentError),
        patch.object(estimator.body, "forward", side_effect=AccidentError),
    ):
        with suppress(AccidentError):
            fit(network, data)
            raise AssertionError("An exception in the network did not leave fit.")
        with suppress(AccidentError):
            network.predict(data.X)
            raise AssertionError("An exception in the network did not leave predict.")
    _assert_unchanged(before, "a fit that broke off")


def check_broken_fit_leaves_estimator_alone(estimator: Any, data: Example) -> None:
    """A fit that breaks off leaves the network of the fit before."""
    network = fit(brief(estimator, data), data)
    before, expected = dict(vars(network)), outputs(network, data.X)
    with (
        patch.object(Loader, "__iter__", side_effect=AccidentError),
        suppress(AccidentError),
    ):
        fit(network.set_params(random_state=0), data)
    after = vars(network)
    changed = [k for k in before | after if before.get(k) is not after.get(k)]
    assert changed == [], f"A fit that broke off changed {changed}"
    assert_same(outputs(network, data.X), expected, "predictions after a broken fit")


def check_fit_changes_no_parameter(estimator: Any, data: Example) -> None:
    """The parameters are the same objects after fit."""
    network = brief(estimator, data)
    before = dict(network.get_params(deep=False))
    texts = {name: repr(value) for name, value in before.items()}
    fit(network, data)
    for name, value in network.get_params(deep=False).items():
        assert value is before[name], f"fit replaced the parameter {name}"
        assert repr(value) == texts[name], f"fit changed the parameter {name}"


def check_data_is_left_alone(estimator: Any, data: Example) -> None:
    """Fit and predict write to neither X, y nor the weights, and need not."""
    network = brief(estimator, data)
    X, y = copy.deepcopy(data.X), copy.deepcopy(data.target(estimator))
    weight = np.linspace(0.5, 1.5, len(data))
    for array in [*(X if isinstance(X, list) else [X]), y, weight]:
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "(?s).*did not end", DataWarning)
        network.fit(X, y, sample_weight=weight).predict(X)
    for sample, original in zip(X, data.X, strict=True):
        assert_same(sample, original, "X after fit and predict")


def check_random_state_decides(estimator: Any, data: Example) -> None:
    """One seed gives one network, whatever was fitted in between; another another."""
    network = fit(brief(estimator, data), data)
    expected = outputs(network, data.X)
    half = np.arange(len(data) // 2, len(data))
    network.set_params(random_state=1)
    network.fit(data.rows(half), data.target(estimator, half))
    other = outputs(fit(network, data), data.X)
    assert not np.array_equal(other, expected), "random_state changes nothing"
    again = outputs(fit(network.set_params(random_state=0), data), data.X)
    assert_same(again, expected, "the same random_state, with another fit in between")
    fresh = outputs(fit(brief(estimator, data), data), data.X)
    assert_same(fresh, expected, "the same random_state in a new estimator")


def check_copies_predict_the_same(estimator: Any, data: Example) -> None:
    """Pickle, joblib and cloudpickle keep a fitted network."""
    network = fit(brief(estimator, data), data)
    expected = outputs(network, data.X)
    file = io.BytesIO()
    joblib.dump(network, file)
    file.seek(0)
    copies = {
        "pickle": pickle.loads(pickle.dumps(network)),
        "joblib": joblib.load(file),
        "copy.deepcopy": copy.deepcopy(network),
    }
    with suppress(ImportError):
        import cloudpickle

        copies["cloudpickle"] = pickle.loads(cloudpickle.dumps(network))
    for name, restored in copies.items():
        assert_same(outputs(restored, data.X), expected, f"predictions after {name}")
        assert repr(restored) == repr(network), f"{name} changed a parameter"


def _process() -> dict[str, Any]:
    return {
        "torch's generator": torch.get_rng_state().tolist(),
        "numpy's generator": repr(np.random.get_state()),
        "Python's generator": random.getstate(),
        "the number of threads": torch.get_num_threads(),
        "the default dtype": torch.get_default_dtype(),
        "the matmul precision": torch.get_float32_matmul_precision(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "mkldnn": torch.backends.mkldnn.enabled,
        "whether gradients are recorded": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "denormal numbers": (torch.tensor([1e-39]) / 10).item(),
        "numpy's error states": np.geterr(),
        "the filters of warnings": list(warnings.filters),
    }


def _assert_unchanged(before: dict[str, Any], what: str) -> None:
    after = _process()
    changed = [name for name, value in before.items() if after[name] != value]
    assert changed == [], f"{what} changed {', '.join(changed)}"
