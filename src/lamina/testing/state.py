"""Checks of the state after a fit: the estimator, its copies, the data and the process."""

import copy
import io
import pickle
import random
import warnings
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import joblib
import numpy as np
import torch

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataWarning
from lamina.testing.examples import Example
from lamina.testing.fitting import RaiseInEpoch, assert_same, brief, fit, outputs


class InjectedError(Exception):
    """Raised by a check within a fit."""


def check_process_is_left_alone(estimator: NeuralEstimator, data: Example) -> None:
    """Generators, threads and flags are as before, and nothing is printed."""
    network = brief(estimator, data)
    printed = io.StringIO()
    before = _process()
    with redirect_stdout(printed), redirect_stderr(printed):
        fit(network, data)
        outputs(network, data.X)
    _assert_unchanged(before, "fit and predict")
    assert not printed.getvalue(), f"fit or predict printed {printed.getvalue()!r}"


def check_process_is_left_alone_on_error(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Generators, threads and flags are as before when a fit raises an error."""
    network = fit(brief(estimator, data), data)
    network.set_callbacks(RaiseInEpoch(InjectedError))
    before = _process()
    with suppress(InjectedError):
        fit(network, data)
        raise AssertionError("fit did not raise the error of a callback.")
    with (
        patch.object(estimator.body, "forward", side_effect=InjectedError),
        suppress(InjectedError),
    ):
        network.predict(data.X)
        raise AssertionError("predict did not raise the error of the network.")
    _assert_unchanged(before, "a fit that raised an error")


def check_failed_fit_leaves_estimator_alone(
    estimator: NeuralEstimator, data: Example
) -> None:
    """A fit that raises an error keeps the network of the previous fit."""
    network = fit(brief(estimator, data), data)
    network.set_callbacks(RaiseInEpoch(InjectedError))
    before, expected = dict(vars(network)), outputs(network, data.X)
    with suppress(InjectedError):
        fit(network.set_params(random_state=0), data)
        raise AssertionError("fit did not raise the error of a callback.")
    after = vars(network)
    changed = [k for k in before | after if before.get(k) is not after.get(k)]
    assert changed == [], f"A fit that raised an error changed {changed}"
    assert_same(outputs(network, data.X), expected, "predictions after a failed fit")


def check_failed_fit_resumes(estimator: NeuralEstimator, data: Example) -> None:
    """The same call resumes a fit that raised an error, and gives the same network."""
    expected = outputs(fit(brief(estimator, data), data), data.X)
    with TemporaryDirectory() as folder:
        saving = {"checkpoint": Path(folder, "fit"), "checkpoint_every": "1 epoch"}
        failing = brief(estimator, data, **saving)
        failing.set_callbacks(RaiseInEpoch(InjectedError, epoch=2))
        with suppress(InjectedError):
            fit(failing, data)
            raise AssertionError("fit did not raise the error of a callback.")
        assert any(Path(folder).iterdir()), "fit saved no checkpoint"
        resumed = brief(estimator, data, **saving)
        resumed.set_callbacks(RaiseInEpoch(InjectedError, epoch=2))  # it has only one
        assert_same(outputs(fit(resumed, data), data.X), expected, "a resumed fit")
        assert not any(Path(folder).iterdir()), "fit did not delete its checkpoint"


def check_fit_changes_no_parameter(estimator: NeuralEstimator, data: Example) -> None:
    """The parameters are the same objects after fit."""
    network = brief(estimator, data)
    before = dict(network.get_params(deep=False))
    texts = {name: repr(value) for name, value in before.items()}
    fit(network, data)
    for name, value in network.get_params(deep=False).items():
        assert value is before[name], f"fit replaced the parameter {name}"
        assert repr(value) == texts[name], f"fit changed the parameter {name}"


def check_data_is_left_alone(estimator: NeuralEstimator, data: Example) -> None:
    """Fit and predict do not write to X, y and the weights, which may be read-only."""
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


def check_random_state_decides(estimator: NeuralEstimator, data: Example) -> None:
    """The same seed gives the same network, whatever was fitted before; others differ."""
    network = fit(brief(estimator, data), data)
    expected = outputs(network, data.X)
    half = np.arange(len(data) // 2, len(data))
    network.set_params(random_state=1)
    network.fit(data.rows(half), data.target(estimator, half))
    other = outputs(fit(network, data), data.X)
    assert not np.array_equal(other, expected), "random_state changes nothing"
    again = outputs(fit(network.set_params(random_state=0), data), data.X)
    assert_same(again, expected, "the same random_state, with another fit in between")
    new = outputs(fit(brief(estimator, data), data), data.X)
    assert_same(new, expected, "the same random_state in a new estimator")


def check_copies_predict_the_same(estimator: NeuralEstimator, data: Example) -> None:
    """Copies by pickle, joblib, copy and cloudpickle predict the same."""
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
        "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
        "mkldnn": torch.backends.mkldnn.enabled,
        "whether gradients are recorded": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "denormal numbers": (torch.tensor([1e-39]) / 10).item(),
        "numpy's error states": np.geterr(),
        "the filters of warnings": list(warnings.filters),
    }


def _assert_unchanged(before: dict[str, object], what: str) -> None:
    after = _process()
    changed = [name for name, value in before.items() if after[name] != value]
    assert changed == [], f"{what} changed {', '.join(changed)}"
