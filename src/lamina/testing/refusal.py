"""Checks of refusals: the message names the cause, and the estimator does not change."""

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import NotFittedError

from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import DataWarning, DivergenceError
from lamina.inputs import DataLike
from lamina.testing.examples import Example, kind_of
from lamina.testing.fitting import assert_same, brief, fit, only_where, outputs

WILD = {
    "optimizer": "sgd",
    "learning_rate_init": 1e30,
    "max_grad_norm": None,
    "schedule": "constant",
    "batch_size": 2,
    "max_iter": 20,
}
"""With these the loss diverges."""


def check_unfitted_is_refused(estimator: NeuralEstimator, data: Example) -> None:
    """Predictions before `fit` raise `NotFittedError`."""
    network = brief(estimator, data)
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(network, name):
            _refused(lambda n=name: getattr(network, n)(data.X), "fit", NotFittedError)


@only_where(lambda _, data: data.form not in ("table", "text"))
def check_nonfinite_samples_are_refused(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Infinity is refused, and NaN in images and recordings."""
    missing = () if data.form == "series" else (np.nan,)
    for value in (*missing, np.inf):
        X = _with_value(data, value)
        _fit_refused(estimator, data, X, None, "nan|inf")
        _predict_refused(estimator, data, X, "nan|inf")


@only_where(lambda _, data: data.name == "table")
def check_infinity_in_tables_is_refused(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Infinity in a table is refused; NaN is a missing value, with a warning if new."""
    X = _with_value(data, np.inf)
    _fit_refused(estimator, data, X, None, "inf")
    _predict_refused(estimator, data, X, "inf")
    X = _with_value(data, np.nan)
    network = brief(estimator, data).fit(X, data.target(estimator))
    assert np.isfinite(outputs(network, X)).all()
    complete = fit(brief(estimator, data), data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert np.isfinite(outputs(complete, X)).all()
    assert any(issubclass(w.category, DataWarning) for w in caught), "no warning of NaN"


@only_where(lambda estimator, _: kind_of(estimator) == "numbers")
def check_nonfinite_targets_are_refused(
    estimator: NeuralEstimator, data: Example
) -> None:
    """NaN and infinity in the targets of a regressor are refused."""
    for value in (np.nan, np.inf):
        y = data.target(estimator).copy()
        y[1] = value
        _fit_refused(estimator, data, None, y, "nan|inf")


def check_no_samples_are_refused(estimator: NeuralEstimator, data: Example) -> None:
    """An empty X is refused by `fit` and `predict`."""
    _fit_refused(
        estimator, data, data.X[:0], data.target(estimator, slice(0)), "0 sample"
    )
    _predict_refused(estimator, data, data.X[:0], "0 sample")


@only_where(lambda estimator, _: kind_of(estimator) == "labels")
def check_one_class_is_refused(estimator: NeuralEstimator, data: Example) -> None:
    """Targets of a single class are refused."""
    y = np.full(len(data), "low")
    _fit_refused(estimator, data, None, y, "class.*low")


def check_unequal_numbers_are_refused(
    estimator: NeuralEstimator, data: Example
) -> None:
    """X, y and weights must have the same length; weights must be finite and not negative."""
    n = len(data)
    if kind_of(estimator) != "nothing":
        _fit_refused(estimator, data, None, data.target(estimator)[:-1], f"{n - 1}")
    else:
        _fit_refused(estimator, data, None, np.zeros(n), "y=None")
    weight = np.ones(n - 1)
    _fit_refused(estimator, data, None, None, f"{n - 1}", sample_weight=weight)
    for bad in (-1.0, np.nan, np.inf):
        weight = np.where(np.arange(n) == 2, bad, 1.0)
        _fit_refused(estimator, data, None, None, r"\[2\]", sample_weight=weight)
        network = fit(brief(estimator, data), data)
        y = data.target(estimator)
        _refused(lambda w=weight, n=network, y=y: n.score(data.X, y, w), r"\[2\]")


@only_where(lambda _, data: data.form not in ("audio", "text"))
def check_other_width_is_refused(estimator: NeuralEstimator, data: Example) -> None:
    """Another number of columns or channels is refused; the message has both numbers."""
    width = np.shape(data.X[0])[-1]
    wider = [np.concatenate([x, x[..., :1]], -1) for x in data.X]
    X = wider if data.is_list else np.stack(wider)
    _predict_refused(estimator, data, X, f"{width + 1}.*{width}")


@only_where(lambda _, data: data.name == "table")
def check_ragged_table_is_refused(estimator: NeuralEstimator, data: Example) -> None:
    """Rows of unequal length are refused as a table."""
    X = [row[: 2 + i % 3].tolist() for i, row in enumerate(data.X)]
    _fit_refused(estimator, data, X, None, "length")
    _predict_refused(estimator, data, X, "length")


@only_where(lambda _, data: data.is_list and data.name != "documents")
def check_empty_sample_is_refused(estimator: NeuralEstimator, data: Example) -> None:
    """A sample without steps is refused with its number."""
    X = [x[:0] if i == 2 else x for i, x in enumerate(data.X)]
    _fit_refused(estimator, data, X, None, r"\b2\b")
    _predict_refused(estimator, data, X, r"\b2\b")


def check_divergence_raises(estimator: NeuralEstimator, data: Example) -> None:
    """Divergence raises; the previous network is kept if no epoch had a finite loss."""
    network = fit(brief(estimator, data), data)
    params = network.get_params(deep=False)
    before, expected = _fitted(network), outputs(network, data.X)
    network.set_params(**WILD)
    _refused(lambda: fit(network, data), "learning_rate_init", DivergenceError)
    if network.network_ is before["network_"]:
        _assert_unchanged(network, before)
        actual = outputs(network.set_params(**params), data.X)
        assert_same(actual, expected, "predictions after divergence")
    else:
        assert network.n_iter_, "An untrained network replaced a fitted one"
        assert np.isfinite(outputs(network, data.X)).all()


@only_where(lambda estimator, _: kind_of(estimator) == "labels")
def check_unseen_label_is_refused(estimator: NeuralEstimator, data: Example) -> None:
    """A label that did not occur in the first `partial_fit` is refused by name."""
    labels = data.target(estimator)
    network = brief(estimator, data).partial_fit(data.X, labels)
    before, expected = _fitted(network), outputs(network, data.X)
    y = labels.astype(object)
    y[2] = "higher"
    _refused(lambda: network.partial_fit(data.X, y), "higher")
    _assert_unchanged(network, before)
    assert_same(outputs(network, data.X), expected, "predictions after an unseen label")


@only_where(lambda _, data: data.form not in ("audio", "text"))
def check_huge_samples_give_finite_outputs(
    estimator: NeuralEstimator, data: Example
) -> None:
    """Samples on a huge scale give finite outputs."""
    X = [1e8 * x for x in data.X] if data.is_list else data.X
    if data.name == "mixed_table":
        X = data.X.copy()
        X[:, 1] *= 1e8
    elif not data.is_list:
        X = 1e8 * data.X
    network = brief(estimator, data).fit(X, data.target(estimator))
    assert np.isfinite(outputs(network, X)).all()


def _with_value(data: Example, value: float) -> Any:
    """X with one number of sample 1 replaced."""
    X = [x.copy() for x in data.X]
    X[1].reshape(-1)[0] = value
    return X if data.is_list else np.stack(X)


def _fit_refused(
    estimator: NeuralEstimator,
    data: Example,
    X: DataLike | None,
    y: DataLike | None,
    pattern: str,
    **others: Any,
) -> None:
    """Assert that `fit` refuses these samples or targets and changes nothing."""
    network = fit(brief(estimator, data), data)
    before, expected = dict(vars(network)), outputs(network, data.X)
    X = data.X if X is None else X
    y = data.target(estimator) if y is None else y
    _refused(lambda: network.fit(X, y, **others), pattern)
    _assert_unchanged(network, before)
    assert_same(outputs(network, data.X), expected, "predictions after a refused fit")


def _predict_refused(
    estimator: NeuralEstimator, data: Example, X: object, pattern: str
) -> None:
    network = fit(brief(estimator, data), data)
    before = dict(vars(network))
    _refused(lambda: network.predict(X), pattern)
    _assert_unchanged(network, before)


def _refused(
    call: Callable[[], object], pattern: str, kind: type[Exception] = ValueError
) -> None:
    try:
        call()
    except kind as error:
        match = re.search(pattern, str(error), re.IGNORECASE | re.DOTALL)
        assert match, f"{pattern!r} does not match the message: {error}"
        return
    raise AssertionError(f"No {kind.__name__} that matches {pattern!r} was raised")


def _fitted(network: NeuralEstimator) -> dict[str, Any]:
    params = network.get_params(deep=False)
    return {name: value for name, value in vars(network).items() if name not in params}


def _assert_unchanged(network: NeuralEstimator, before: dict[str, object]) -> None:
    now = {k: v for k, v in vars(network).items() if k in before or k.endswith("_")}
    changed = [k for k in now | before if now.get(k) is not before.get(k)]
    assert changed == [], f"The refusal changed {', '.join(changed)}"
