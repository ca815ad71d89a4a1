"""One hostile case: a call of a method with an odd argument, and its outcome."""

import copy
import io
import re
import signal
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning, NotFittedError

from lamina.exceptions import (
    DataError,
    DataWarning,
    DivergenceError,
    MissingExtraError,
    ParameterError,
)
from lamina.testing.examples import kind_of
from lamina.testing.hostile_bench import N_SAMPLES, Bench, catalogue, predict
from lamina.testing.hostile_parameters import odd_values

SECONDS, TOLERANCE = 60.0, 1e-3
"""The duration from which a case counts as a hang; tolerance of equal predictions."""
REFUSALS = (
    DataError,
    ParameterError,
    NotFittedError,
    DivergenceError,
    MissingExtraError,
)
FAULTS = ("bare", "unforeseen", "wrong", "changed", "hang")
"""Kinds of outcomes that are faults of lamina."""
CHECKED = 0.05
"""The fraction of cases after which predictions of the fitted estimator are compared."""
UNFORESEEN = r"(X|y|X_val|y_val) cannot be read: "
"""The beginning of the message of an unexpected error, which names no sample."""
EXPECTED_WARNINGS = (DataWarning, DataConversionWarning)


class HangError(BaseException):
    """A case took too long; a BaseException, so that no handler of errors catches it."""


@dataclass(frozen=True)
class Case:
    """The estimator, the example, the odd part of a call, its mutation and the method."""

    estimator: str
    data: str
    part: str
    odd: str
    method: str
    seed: int

    def __str__(self) -> str:
        return "/".join(map(str, vars(self).values()))

    @classmethod
    def parse(cls, text: str) -> "Case":
        """The case with this text."""
        *others, seed = text.split("/")
        return cls(*others, seed=int(seed))


@dataclass
class Outcome:
    """The outcome of a case; `kind` is "answered", "refused", "skipped" or a fault."""

    kind: str
    text: str = ""
    place: str = ""
    foreign_warnings: list[str] = field(default_factory=list)


def run_case(
    case: Case, bench: Bench, max_seconds: float = SECONDS, check_rate: float = CHECKED
) -> Outcome:
    """Run a case and judge its outcome."""
    rng = np.random.default_rng(case.seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call = _Call(case, bench, rng)
    except Exception as error:  # the mutation does not apply to this data
        return Outcome("skipped", repr(error))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = _judged(call, max_seconds)
        is_checked = rng.random() < check_rate
        if is_checked and not _equal(predict(bench.fitted, bench.X), bench.predictions):
            outcome = Outcome("changed", "predictions of the fitted estimator differ")
    if outcome.kind in ("refused", "unforeseen", "bare") and call.was_changed():
        outcome = Outcome("changed", f"the refusal changed attributes: {outcome.text}")
    outcome.foreign_warnings = [
        f"{w.category.__name__}: {w.message}" for w in caught if _is_foreign(w)
    ]
    outcome.text = f"{call.what}: {outcome.text}"
    return outcome


class _Call:
    """A case with its arguments."""

    def __init__(self, case: Case, bench: Bench, rng: np.random.Generator):
        self.case, self.bench = case, bench
        is_new = case.method in ("fit", "validate", "drift")
        self.estimator = clone(bench.unfitted) if is_new else copy.copy(bench.fitted)
        self.X, self.y, self.weight = bench.X, bench.y, None
        self.same, self.X_fit = False, bench.X
        self.before = vars(self.estimator).copy()
        if case.part == "parameter":
            values = odd_values(bench.unfitted, case.odd, bench.data.trials)
            value = values[int(rng.integers(len(values)))]
            self.what = f"{case.odd}={value!r}"
            self.estimator.set_params(**{case.odd: value})
            self.before = vars(self.estimator).copy()
            return
        mutations = catalogue(bench, case.part)
        mutation = next(m for m in mutations if m.name == case.odd)
        self.what, self.same = mutation.name, mutation.keeps_meaning
        if case.part == "weight":
            self.weight = mutation.change(np.ones(N_SAMPLES), rng)
        elif case.part == "y":
            y = np.arange(N_SAMPLES) if bench.y is None else bench.y
            self.y = mutation.change(y, rng)
        else:
            if case.method == "drift":
                first = mutations[int(rng.integers(len(mutations)))]
                self.X_fit = first.change(bench.X, rng)
                self.same &= first.keeps_meaning
                self.what = f"fit on {first.name!r}, then {self.what!r}"
            self.X = mutation.change(bench.X, rng)

    def run(self) -> tuple[Any, Any]:
        """Make the call; (predictions or score, expected value or None)."""
        estimator, bench, method = self.estimator, self.bench, self.case.method
        if method == "score":
            expected = bench.fitted.score(bench.X, bench.y) if self.same else None
            return estimator.score(self.X, self.y, self.weight), expected
        if method != "predict":
            self._fit()
            self.before = vars(estimator).copy()
        values = predict(estimator, bench.X if method == "validate" else self.X)
        is_known = self.same and method in ("predict", "fit", "drift")
        return values, bench.predictions if is_known else None

    def _fit(self) -> None:
        bench, weight = self.bench, self.weight
        match self.case.method:
            case "partial_fit":
                self.estimator.partial_fit(self.X, self.y, sample_weight=weight)
            case "validate":
                self.estimator.fit(bench.X, bench.y, None, self.X, self.y, weight)
            case "drift":
                self.estimator.fit(self.X_fit, self.y)
            case _:
                self.estimator.fit(self.X, self.y, sample_weight=weight)

    def was_changed(self) -> bool:
        """Whether attributes of the estimator were replaced, added or removed."""
        now = vars(self.estimator)
        is_other = any(now[k] is not v for k, v in self.before.items() if k in now)
        return set(now) != set(self.before) or is_other


def _judged(call: _Call, max_seconds: float) -> Outcome:
    try:
        with _alarm(max_seconds), redirect_stdout(io.StringIO()):
            values, expected = call.run()
    except HangError:
        return Outcome("hang", f"more than {max_seconds} s")
    except Exception as error:
        if isinstance(error, DivergenceError):  # epochs before it may be kept
            call.before = vars(call.estimator)
        text = f"{type(error).__name__}: {error}"
        return Outcome(_kind_of_error(error), text, _place(error))
    return _checked(call, values, expected)


def _kind_of_error(error: Exception) -> str:
    if isinstance(error, REFUSALS) and str(error).strip():
        return "unforeseen" if re.match(UNFORESEEN, str(error)) else "refused"
    is_documented = isinstance(error, ValueError) and _is_of_sklearn(error)
    return "refused" if is_documented else "bare"


def _checked(call: _Call, result: ArrayLike, expected: ArrayLike | None) -> Outcome:
    values = np.asarray(result)
    n = _n_samples(call.bench.X if call.case.method == "validate" else call.X)
    if values.ndim and n is not None and len(values) != n:
        return Outcome("wrong", f"{len(values)} predictions for {n} samples")
    # The likelihood of a text may be 0.
    is_real = values.dtype.kind == "f"
    if is_real and (
        np.isnan(values).any()
        or (np.isinf(values).any() and kind_of(call.estimator) != "nothing")
    ):
        return Outcome("wrong", f"not finite: {values.ravel()[:3]}")
    if expected is not None and not _equal(values, expected):
        return Outcome("wrong", "equal data has other predictions")
    return Outcome("answered")


def _equal(actual: ArrayLike, expected: ArrayLike) -> bool:
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.dtype.kind != "f" or actual.shape != expected.shape:
        return np.array_equal(actual, expected)
    return np.allclose(actual, expected, rtol=TOLERANCE, atol=TOLERANCE)


def _is_foreign(warning: warnings.WarningMessage) -> bool:
    """Whether a warning is neither one of lamina nor one that scikit-learn documents."""
    return not (
        issubclass(warning.category, EXPECTED_WARNINGS)
        or "feature names" in str(warning.message)
    )


def _n_samples(X: object) -> int | None:
    """The number of samples of X; None where it is ambiguous."""
    if isinstance(X, list | tuple):
        return len(X)
    # A one-dimensional array may be one series.
    shape = getattr(X, "shape", ())
    return int(shape[0]) if len(shape) > 1 else None


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: object) -> None:
        raise HangError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    while error.__cause__ is not None and error.__cause__.__traceback__ is not None:
        error = error.__cause__
    return traceback.extract_tb(error.__traceback__)


def _is_of_sklearn(error: BaseException) -> bool:
    return "/sklearn/" in _frames(error)[-1].filename


def _place(error: BaseException) -> str:
    """The innermost line of lamina in the traceback."""
    inside = [f for f in _frames(error) if "/lamina/" in f.filename]
    inside = [f for f in inside if "/testing/" not in f.filename] or inside
    return f"{Path(inside[-1].filename).name}:{inside[-1].lineno}" if inside else ""
