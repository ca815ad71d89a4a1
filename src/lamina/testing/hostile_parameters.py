"""Unusual values for every parameter, whether its rules accept them or not."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import KFold

from lamina.estimators.base import NeuralEstimator
from lamina.params import Rule, Use, names_with
from lamina.testing.trials import TRIALS, Trial, rules_of

SLOW = {("max_iter", "auto")}
"""Values that take long and are tried by other checks."""
MAX_SIZE = 8
"""The largest accepted integer that is tried where a greater one takes longer; the sizes
of a network, which are frozen, are refused instead."""
HUGE = 10**15 + 1
"""A size that no machine has the memory for."""
NO_TRIALS: Mapping[str, Trial] = MappingProxyType({})
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    np.True_,
    0,
    1,
    2,
    3,
    -1,
    10**30,
    10**400,
    HUGE,
    (HUGE,),
    [2, HUGE],
    np.int64(2),
    np.uint8(1),
    np.int8(2),
    np.uint64(2),
    np.float16(0.5),
    np.float32(0.5),
    np.longdouble(0.5),
    np.longdouble("1e4000"),
    np.timedelta64(2, "D"),
    (np.int8(2),),
    np.float64(0.25),
    0.0,
    0.5,
    0.999,
    1.0,
    1.5,
    -0.5,
    1e-300,
    1e300,
    5e-324,
    1e39,
    float("nan"),
    float("inf"),
    -float("inf"),
    "",
    "auto",
    "1",
    "nonsense",
    "a\ud800",
    b"auto",
    [],
    [1],
    (2,),
    (2, 3),
    [1.5],
    [0.1, 0.9],
    [True],
    ["a"],
    [None],
    [0.9, 0.1, 0.1],
    np.array([2]),
    np.array(2),
    np.array([[1]]),
    np.array(["auto"]),
    {},
    {"a": 1.0},
    {"low": 2.0},
    {"low": -1.0, "high": float("nan")},
    [{"low": 2.0}],
    {0: 1.0, 1: "x"},
    set(),
    frozenset({1}),
    range(2),
    object(),
    len,
    int,
    lambda *values: 0.0,
    lambda *values: None,
    Decimal("0.5"),
    Fraction(1, 2),
    Fraction(2),
    Fraction(10**400),
    (Fraction(1, 2),),
    {"low": Fraction(1, 2)},
    1j,
    np.complex64(1),
    date(2024, 1, 1),
    np.datetime64("2024-01-01"),
    Path("x"),
    np.random.RandomState(0),
    np.random.default_rng(0),
    torch.tensor(2),
    torch.device("cpu"),
    slice(1),
    KFold(2),
    KFold(99),
    ...,
)
"""Unusual values, most of which no rule accepts."""


def odd_values(
    estimator: NeuralEstimator, name: str, trials: Mapping[str, Trial] = NO_TRIALS
) -> list[Any]:
    """Values to try for a parameter of an estimator."""
    rules = [r for r in rules_of(estimator)[name] if isinstance(r, Rule)]
    words = " ".join(rule.words for rule in rules)
    known = {**TRIALS, **trials}
    tried = known[name].values if name in known else ()
    sizes = names_with(type(estimator), Use.FROZEN)
    values = [*VALUES, *re.findall(r"'([^']*)'", words), *tried]
    return [
        value
        for value in values
        if not (isinstance(value, str) and (name, value) in SLOW)
        and not (name not in sizes and is_accepted(rules, value) and _is_large(value))
    ]


def accepted_values(estimator: NeuralEstimator, name: str) -> list[Any]:
    """The unusual values that the rules of the parameter accept."""
    rules = [r for r in rules_of(estimator)[name] if isinstance(r, Rule)]
    return [v for v in odd_values(estimator, name) if is_accepted(rules, v)]


def is_accepted(rules: list[Rule], value: object) -> bool:
    """Whether one of the rules accepts the value; a rule that raises does not."""
    try:
        return any(rule.accepts(value) for rule in rules)
    except Exception:
        return False


def _is_large(value: object) -> bool:
    return isinstance(value, int) and value > MAX_SIZE
