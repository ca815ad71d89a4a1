"""The hostile checks detect faults, and their strategies draw usable values."""

import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lamina import (
    DNNClassifier,
    DNNRegressor,
    RNNClassifier,
    SequenceTagger,
    Translator,
)
from lamina.params import Rule, check_params
from lamina.testing import EXAMPLES, hostile, strategies
from lamina.testing.hostile_bench import bench_of, tiny
from lamina.testing.hostile_cases import Case, run_case
from lamina.testing.hostile_parameters import accepted_values, is_accepted, odd_values
from lamina.testing.hostile_samples import mutations_of
from lamina.testing.hostile_targets import TARGETS, WEIGHTS
from lamina.testing.trials import rules_of

brief = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


class Careless(DNNClassifier):
    """A classifier with a fault that a test chooses."""

    fault = "none"

    def fit(self, X, y=None, sample_weight=None, *validation):
        if self.fault == "changes":
            self.mark_ = 1
        if self.fault == "fails" and sample_weight is not None:
            raise KeyError("weights")
        return super().fit(X, y, sample_weight, *validation)

    def predict_proba(self, X):
        probabilities = super().predict_proba(X)
        if self.fault == "sleeps":
            time.sleep(5)
        if self.fault == "forgets":
            return probabilities[1:]
        if self.fault == "swaps":
            return probabilities[::-1] if isinstance(X, list) else probabilities
        return probabilities * (np.nan if self.fault == "loses" else 1)


@pytest.mark.parametrize(
    ("fault", "case", "kind"),
    [
        ("none", "X/nested lists/predict", "answered"),
        ("none", "X/is None/fit", "refused"),
        ("none", "X/is None/predict", "refused"),
        ("none", "weight/negative/fit", "refused"),
        ("fails", "weight/ones/fit", "bare"),
        ("changes", "X/is None/refit", "changed"),
        ("forgets", "X/nested lists/predict", "wrong"),
        ("loses", "X/nested lists/predict", "wrong"),
        ("swaps", "X/nested lists/predict", "wrong"),
        ("sleeps", "X/nested lists/predict", "hang"),
    ],
)
def test_each_fault_is_detected(monkeypatch, fault, case, kind):
    bench = bench_of(Careless, EXAMPLES["table"])
    monkeypatch.setattr(Careless, "fault", fault)
    case = Case.parse(f"Careless/table/{case}/0")
    outcome = run_case(case, bench, max_seconds=0.5, check_rate=0.0)
    assert outcome.kind == kind, outcome
    assert outcome.text.startswith(case.odd)


def test_a_case_is_what_its_text_says():
    case = Case("DNNClassifier", "table", "X", "a number is huge", "drift", 17)
    assert Case.parse(str(case)) == case


def test_cases_are_repeated_by_their_text(capsys):
    text = "DNNClassifier/table/y/one less/fit/3"
    assert hostile.main(["--case", text]) == 0
    assert "refused" in capsys.readouterr().out


def test_generated_cases_are_those_of_their_seed(capsys):
    known = {"DNNRegressor": DNNRegressor}
    cases = [list(hostile.generated(40, seed, known)) for seed in (0, 0, 1)]
    assert cases[0] == cases[1] != cases[2]
    assert {case.part for case in cases[0]} == {"X", "y", "weight", "parameter"}
    hostile.main(["--cases", "40", "--estimator", "DNNRegressor"])
    assert capsys.readouterr().out.startswith("40 cases in ")


@pytest.mark.parametrize("data", EXAMPLES.values(), ids=EXAMPLES)
def test_mutations_have_distinct_names_and_do_not_change_the_samples(data):
    mutations = mutations_of(data.X)
    names = [mutation.name for mutation in mutations]
    assert len(names) == len(set(names))
    before = repr(data.X)
    changed = 0
    for mutation in mutations:
        try:
            changed += mutation.change(data.X, np.random.default_rng(0)) is not None
        except Exception:
            continue
    assert repr(data.X) == before
    assert changed > 0.8 * len(mutations)


def test_mutations_of_targets_and_weights_have_distinct_names():
    for mutations in (TARGETS, WEIGHTS):
        assert len({mutation.name for mutation in mutations}) == len(mutations)


@pytest.mark.parametrize("estimator", [DNNClassifier(), Translator(), SequenceTagger()])
def test_accepted_values_are_small_and_accepted(estimator):
    for name, rules in rules_of(estimator).items():
        known = [rule for rule in rules if isinstance(rule, Rule)]
        values = accepted_values(estimator, name)
        assert all(is_accepted(known, value) for value in values)
        assert len(odd_values(estimator, name)) > len(values)


@pytest.mark.filterwarnings("ignore::lamina.exceptions.DataWarning")
@brief
@given(data=st.data(), form=st.sampled_from(["table", "series", "image", "text"]))
def test_good_samples_and_weights_are_learnt_from(data, form):
    X = data.draw(strategies.samples(form))
    estimator = tiny(RNNClassifier() if form in ("series", "text") else DNNClassifier())
    if form == "image":
        X = X.reshape(len(X), -1)
    if form == "table":
        X = np.nan_to_num(X)
    y = [i % 2 for i in range(2 * len(X))]
    X = np.concatenate([X, X]) if isinstance(X, np.ndarray) else X + X
    weight = data.draw(strategies.sample_weights(len(y)))
    if (
        weight is not None
        and len({label for label, w in zip(y, weight, strict=True) if w}) < 2
    ):
        weight = None
    assert len(estimator.fit(X, y, weight).predict(X)) == len(y)


@brief
@given(data=st.data())
def test_drawn_parameters_and_targets_are_accepted(data):
    estimator = data.draw(strategies.parameters(DNNRegressor()))
    for name, rules in rules_of(estimator).items():
        known = [rule for rule in rules if isinstance(rule, Rule)]
        assert is_accepted(known, getattr(estimator, name))
    check_params(DNNRegressor())
    assert len(data.draw(strategies.targets(DNNRegressor(), 5))) == 5


@brief
@given(case=strategies.hostile_cases(SequenceTagger, "tokens"))
def test_hostile_cases_of_hypothesis_can_be_run(case):
    assert run_case(case, bench_of(SequenceTagger, EXAMPLES["tokens"])).kind
