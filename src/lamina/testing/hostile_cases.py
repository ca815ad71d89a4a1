"""One hostile case: a fit or a question with something odd in it, and what came of it."""

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
from lamina.testing.hostile_bench import N_SAMPLES, Bench, ask, catalogue
from lamina.testing.hostile_parameters import odd_values

SECONDS, TOLERANCE = 60.0, 1e-3
"""When a case counts as a hang, and how far equal answers may differ."""
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
"""How often it is checked that a fitted estimator answers as before."""
UNFORESEEN = r"(X|y|X_val|y_val) cannot be read: "
"""Begins the message of an error that no reader foresaw, and that names no sample."""
EXPECTED_WARNINGS = (DataWarning, DataConversionWarning)


class HangError(BaseException):
    """A case took too long; nothing that catches errors may catch it."""


@dataclass(frozen=True)
class Case:
    """Which estimator and data, which part of the call is odd in which way, and where."""

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
        """The case that was printed as this text."""
        *others, seed = text.split("/")
        return cls(*others, seed=int(seed))


@dataclass
class Outcome:
    """What came of a case; `kind` is "answered" or "refused", or names a fault."""

    kind: str
    text: str = ""
    place: str = ""
    foreign_warnings: list[str] = field(default_factory=list)


def run_case(
    case: Case, bench: Bench, max_seconds: float = SECONDS, check_rate: float = CHECKED
) -> Outcome:
    """Try a case, and judge what came of it."""
    rng = np.random.default_rng(case.seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call = _Call(case, bench, rng)
    except Exception as error:  # the mutation cannot be done to this data
        return Outcome("skipped", repr(error))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = _judged(call, max_seconds)
        is_checked = rng.random() < check_rate
        if is_checked and not _equal(ask(bench.fitted, bench.X), bench.answers):
            outcome = Outcome("changed", "a fitted estimator answers otherwise now")
    if outcome.kind in ("refused", "unforeseen", "bare") and call.was_changed():
        outcome = Outcome("changed", f"a refusal changed it: {outcome.text}")
    outcome.foreign_warnings = [
        f"{w.category.__name__}: {w.message}" for w in caught if _is_foreign(w)
    ]
    outcome.text = f"{call.what}: {outcome.text}"
    return outcome


class _Call:
    """A case with its data made."""

    def __init__(self, case: Case, bench: Bench, rng: np.random.Generator):
        self.case, self.bench = case, bench
        is_new = case.method in ("fit", "validate", "drift")
        self.estimator = clone(bench.unfitted) if is_new else copy.copy(bench.fitted)
        self.X, self.y, self.weight = bench.X, bench.y, None
        self.same, self.X_fit = False, bench.X
        self.before = vars(self.estimator).copy()
        if case.part == "parameter":
            values = odd_values(bench.unfitted, case.odd)
            value = values[int(rng.integers(len(values)))]
            self.what = f"{case.odd}={value!r}"
            self.estimator.set_params(**{case.odd: value})
            self.before = vars(self.estimator).copy()
            return
        known = catalogue(bench, case.part)
        mutation = next(m for m in known if m.name == case.odd)
        self.what, self.same = mutation.name, mutation.keeps_meaning
        if case.part == "weight":
            self.weight = mutation.change(np.ones(N_SAMPLES), rng)
        elif case.part == "y":
            y = np.arange(N_SAMPLES) if bench.y is None else bench.y
            self.y = mutation.change(y, rng)
        else:
            if case.method == "drift":
                first = known[int(rng.integers(len(known)))]
                self.X_fit = first.change(bench.X, rng)
                self.same &= first.keeps_meaning
                self.what = f"fit on {first.name!r}, then {self.what!r}"
            self.X = mutation.change(bench.X, rng)

    def run(self) -> tuple[Any, Any]:
        """(answer, what it should be close to or None); makes the call."""
        estimator, bench, method = self.estimator, self.bench, self.case.method
        if method == "score":
            expected = bench.fitted.score(bench.X, bench.y) if self.same else None
            return estimator.score(self.X, self.y, self.weight), expected
        if method != "predict":
            self._fit()
            self.before = vars(estimator).copy()
        answer = ask(estimator, bench.X if method == "validate" else self.X)
        is_known = self.same and method in ("predict", "fit", "drift")
        return answer, bench.answers if is_known else None

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
        """Whether the attributes are others than before the refusal."""
        now = vars(self.estimator)
        is_other = any(now[k] is not v for k, v in self.before.items() if k in now)
        return set(now) != set(self.before) or is_other


def _judged(call: _Call, max_seconds: float) -> Outcome:
    try:
        with _alarm(max_seconds), redirect_stdout(io.StringIO()):
            answer, expected = call.run()
    except HangError:
        return Outcome("hang", f"more than {max_seconds} s")
    except Exception as error:
        if isinstance(error, DivergenceError):  # the sound epochs may be kept
            call.before = vars(call.estimator)
        text = f"{type(error).__name__}: {error}"
        return Outcome(_kind_of_error(error), text, _place(error))
    return _checked(call, answer, expected)


def _kind_of_error(error: Exception) -> str:
    if isinstance(error, REFUSALS) and str(error).strip():
        return "unforeseen" if re.match(UNFORESEEN, str(error)) else "refused"
    is_documented = isinstance(error, ValueError) and _is_of_sklearn(error)
    return "refused" if is_documented else "bare"


def _checked(call: _Call, answer: Any, expected: Any) -> Outcome:
    answer = np.asarray(answer)
    n = _n_samples(call.bench.X if call.case.method == "validate" else call.X)
    if answer.ndim and n is not None and len(answer) != n:
        return Outcome("wrong", f"{len(answer)} answers for {n} samples")
    # Of a text, the likelihood may be 0.
    has_numbers = answer.dtype.kind == "f"
    if has_numbers and (
        np.isnan(answer).any()
        or (np.isinf(answer).any() and kind_of(call.estimator) != "nothing")
    ):
        return Outcome("wrong", f"not finite: {answer.ravel()[:3]}")
    if expected is not None and not _equal(answer, expected):
        return Outcome("wrong", "the same data has another answer")
    return Outcome("answered")


def _equal(answer: Any, expected: Any) -> bool:
    answer, expected = np.asarray(answer), np.asarray(expected)
    if answer.dtype.kind != "f" or answer.shape != expected.shape:
        return np.array_equal(answer, expected)
    return np.allclose(answer, expected, rtol=TOLERANCE, atol=TOLERANCE)


def _is_foreign(warning: warnings.WarningMessage) -> bool:
    """Whether it is neither one of lamina nor one that scikit-learn documents."""
    return not (
        issubclass(warning.category, EXPECTED_WARNINGS)
        or "feature names" in str(warning.message)
    )


def _n_samples(X: Any) -> int | None:
    """How many samples X has, where that is plain."""
    if isinstance(X, list | tuple):
        return len(X)
    # One row of numbers may be a series, and a column of a frame anything.
    shape = getattr(X, "shape", ())
    return int(shape[0]) if len(shape) > 1 else None


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: Any) -> None:
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
    """The innermost line of lamina, where the error can be foreseen."""
    inside = [f for f in _frames(error) if "/lamina/" in f.filename]
    inside = [f for f in inside if "/testing/" not in f.filename] or inside
    return f"{Path(inside[-1].filename).name}:{inside[-1].lineno}" if inside else ""
