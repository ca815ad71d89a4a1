"""SequenceTagger: what it learns and refuses, and its probabilities of a step."""

import re
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from lamina import SequenceTagger
from lamina.batch import BEGIN, END, PAD, UNKNOWN
from lamina.encoders.texts.tokens import TokenEncoder
from lamina.exceptions import (
    DataError,
    DataWarning,
    MissingExtraError,
    ParameterError,
)
from lamina.nn.embedding import CharacterEmbedding
from lamina.tasks.class_weight import class_weights
from lamina.tasks.tagging import Tagging

SMALL = {"hidden_size": 8, "n_layers": 1, "max_iter": 2, "random_state": 0}
WORDS = [["the", "dog", "barks"], ["a", "cat"], ["the", "cat", "sleeps"], ["it"]] * 3
TAGS = [["D", "N", "V"], ["D", "N"], ["D", "N", "V"], ["P"]] * 3


def parity(n_samples, n_steps, seed):
    """Bits, and whether the number of ones so far is odd."""
    rng = np.random.default_rng(seed)
    X = [rng.integers(2, size=rng.integers(1, n_steps + 1)) for _ in range(n_samples)]
    return X, [["odd" if s % 2 else "even" for s in x.cumsum()] for x in X]


def names(n_samples, seed):
    """Names of two or three words, recognisable only by their first word."""
    rng = np.random.default_rng(seed)
    X, y = [], []
    for _ in range(n_samples):
        words, labels = [], []
        for _ in range(rng.integers(1, 4)):
            n_plain, n_name = rng.integers(1, 4), rng.integers(2, 4)
            kind = rng.choice(["PER", "LOC"])
            words += [f"w{rng.integers(6)}" for _ in range(n_plain)]
            words += [f"{kind}s", *(f"n{rng.integers(6)}" for _ in range(n_name - 1))]
            labels += ["O"] * n_plain + [f"B-{kind}"] + [f"I-{kind}"] * (n_name - 1)
        X.append(words)
        y.append(labels)
    return X, y


def encoder(X, **params):
    return TokenEncoder(SequenceTagger(**params)).fit(X)


@pytest.mark.parametrize("crf", [True, False])
def test_parity_is_learnt_exactly(crf):
    X, y = parity(400, 12, seed=0)
    network = SequenceTagger(
        crf=crf,
        hidden_size=16,
        n_layers=1,
        dropout=0.0,
        bidirectional=False,
        learning_rate_init=0.02,
        max_iter=60,
        random_state=0,
    ).fit(X, y)
    assert network.score(*parity(200, 12, seed=1)) == 1.0


def half_hidden(X, seed=2):
    """Half of the channels are noise: only the labels of neighbours can help."""
    rng = np.random.default_rng(seed)
    return [[w if rng.random() < 0.7 else "?" for w in words] for words in X]


def fitted_to_names(X, y, **params):
    params = {"learning_rate_init": 0.01, "max_iter": 20} | params
    return SequenceTagger(**SMALL | params).fit(X, y)


def test_a_crf_gives_valid_labellings_where_single_steps_do_not():
    X, y = names(120, seed=0)
    unseen, truth = names(100, seed=1)
    X, unseen = half_hidden(X), half_hidden(unseen, seed=3)
    invalid, f1 = {}, {}
    for crf in (True, False):
        network = fitted_to_names(X, y, crf=crf, scheme=None)
        invalid[crf] = sum(map(n_invalid, network.predict(unseen)))
        f1[crf] = network.entity_f1(unseen, truth)
    assert invalid[True] == 0 < invalid[False]
    assert f1[True] > f1[False]


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("max_iter", [1, 20])
def test_labellings_satisfy_the_scheme_of_the_labels(crf, max_iter):
    X, y = names(60, seed=0)
    X, unseen = half_hidden(X), half_hidden(names(100, seed=1)[0], seed=3)
    network = fitted_to_names(X, y, crf=crf, max_iter=max_iter)
    assert sum(map(n_invalid, network.predict(unseen))) == 0
    first = np.array([p[0] for p in network.predict_proba(unseen)])
    continues = [label[0] == "I" for label in network.classes_]
    assert not first[:, continues].any()
    total = np.concatenate(network.predict_proba(unseen)).sum(1)
    np.testing.assert_allclose(total, 1.0, atol=1e-9)


def bioes(y):
    """The same entities with labels of their ends."""
    tags = []
    for labels in y:
        after = [*labels[1:], "O"]
        ends = [not label.startswith("I") for label in after]
        marks = {("B", True): "S", ("B", False): "B", ("I", True): "E"}
        tags.append(
            [
                label if label == "O" else marks.get((label[0], e), "I") + label[1:]
                for label, e in zip(labels, ends, strict=True)
            ]
        )
    return tags


@pytest.mark.parametrize("crf", [True, False])
def test_labellings_satisfy_bioes_and_entities_are_counted(crf):
    X, y = names(60, seed=0)
    y = bioes([[x if x != "I-LOC" else "O" for x in labels] for labels in y])
    assert {label for row in y for label in row} >= {"S-LOC", "E-PER", "O"}
    network = fitted_to_names(half_hidden(X), y, crf=crf, max_iter=3)
    predicted = network.predict(X)
    pattern = "(O |S-LOC |(B-PER (I-PER )*E-PER ))+"
    for labels in predicted:
        assert re.fullmatch(pattern, "".join(f"{label} " for label in labels))
    assert network.entity_f1(X, y) == pytest.approx(f1(y, predicted))


def f1(y, predicted):
    """F1 of entities in BIOES, counted one by one."""

    def entities(rows):
        spans = set()
        for i, row in enumerate(rows):
            for t, label in enumerate(row):
                if label[0] in "BS":
                    begin = t
                if label[0] in "ES":
                    spans.add((i, begin, t, label[2:]))
        return spans

    true, said = entities(y), entities(predicted)
    return 2 * len(true & said) / (len(true) + len(said))


def test_labels_that_break_their_scheme_are_named_and_not_constrained():
    X, y = names(20, seed=0)
    y[3][0] = "I-PER"
    continues = r"'bio'.*y\[3\]\[0\] is 'I-PER' at the start.* not constrained"
    with pytest.warns(DataWarning, match=continues):
        free = SequenceTagger(**SMALL).fit(X, y)
    unconstrained = SequenceTagger(scheme=None, **SMALL).fit(X, y)
    assert free.predict(X) == unconstrained.predict(X)


def test_a_named_scheme_holds_though_labels_break_it():
    X, y = names(20, seed=0)
    y[3][-2:] = ["B-LOC", "I-PER"]
    with pytest.warns(
        DataWarning, match=r"y\[3\].* is 'I-PER' after 'B-LOC'.* constrained"
    ):
        network = SequenceTagger(scheme="bio", **SMALL).fit(X, y)
    assert sum(map(n_invalid, network.predict(X))) == 0
    assert 0 <= network.score(X, y) < 1


def test_labels_of_later_samples_may_break_the_scheme():
    X, y = names(20, seed=0)
    network = SequenceTagger(**SMALL).partial_fit(X, y)
    y[4][0] = "I-PER"
    network.partial_fit(X, y)
    assert np.isfinite(network.loss_curve_).all()
    assert sum(map(n_invalid, network.predict(X))) == 0


def test_the_scheme_of_a_fitted_network_stays():
    X, y = names(20, seed=0)
    network = SequenceTagger(**SMALL).partial_fit(X, y).set_params(scheme=None)
    with pytest.raises(ParameterError, match="scheme"):
        network.partial_fit(X, y)


def test_a_named_scheme_needs_its_labels():
    with pytest.raises(DataError, match=r"scheme='bio'.*'D'"):
        SequenceTagger(scheme="bio", **SMALL).fit(WORDS, TAGS)
    ends = [["B-x", "E-x"], ["B-x", "E-x"]]
    with pytest.raises(DataError, match="scheme='bioes'"):
        SequenceTagger(scheme="bioes", **SMALL).fit([["a", "b"]] * 2, ends)


def n_invalid(labels):
    """Entities that continue without a beginning."""
    before = ["O", *labels]
    return sum(
        label[0] == "I" and previous[2:] != label[2:]
        for previous, label in zip(before, labels, strict=False)
    )


def test_unknown_words_are_labelled_by_their_endings():
    rng = np.random.default_rng(0)
    stems = ["".join(rng.choice(list("bdfgklmnprst"), size=4)) for _ in range(120)]
    endings = {"ing": "verb", "ness": "noun", "ly": "adverb"}

    def sentences(stems):
        drawn = [list(rng.choice(list(endings), size=5)) for _ in range(100)]
        X = [[f"{rng.choice(stems)}{ending}" for ending in row] for row in drawn]
        return X, [[endings[ending] for ending in row] for row in drawn]

    X, y = sentences(stems[:60])
    network = SequenceTagger(hidden_size=16, n_layers=1, max_iter=20, random_state=0)
    unseen, truth = sentences(stems[60:])
    assert network.fit(X, y).score(unseen, truth) > 0.98
    network.set_params(char_features=False)
    assert network.fit(X, y).score(unseen, truth) < 0.6


@pytest.mark.parametrize("crf", [True, False])
def test_probabilities_and_labels_have_a_row_for_each_step(crf):
    network = SequenceTagger(crf=crf, **SMALL).fit(WORDS, TAGS)
    assert network.classes_.tolist() == ["D", "N", "P", "V"]
    predicted, p = network.predict(WORDS), network.predict_proba(WORDS)
    assert [len(labels) for labels in predicted] == [len(words) for words in WORDS]
    assert [rows.shape for rows in p] == [(len(words), 4) for words in WORDS]
    np.testing.assert_allclose(np.concatenate(p).sum(1), 1.0, atol=1e-9)
    assert {type(label) for labels in predicted for label in labels} == {str}


def test_labels_may_be_numbers_and_come_back_as_they_were():
    y = [[len(word) for word in words] for words in WORDS]
    network = SequenceTagger(**SMALL).fit(WORDS, y)
    assert {type(label) for labels in network.predict(WORDS) for label in labels} == {
        int
    }
    again = SequenceTagger(**SMALL).fit(WORDS, [np.array(labels) for labels in y])
    assert again.predict(WORDS) == network.predict(WORDS)


def test_score_is_the_fraction_of_steps_weighted_by_sample():
    network = SequenceTagger(**SMALL).fit(WORDS, TAGS)
    predicted = network.predict(WORDS[:2])
    y = [predicted[0], ["none", predicted[1][1]]]
    assert network.score(WORDS[:2], y) == pytest.approx(4 / 5)
    assert network.score(WORDS[:2], y, [1, 3]) == pytest.approx((3 + 3) / (3 + 6))


def test_loss_is_a_mean_over_samples_of_a_mean_over_steps():
    network = SequenceTagger(crf=False, dropout=0.0, **SMALL).fit(WORDS, TAGS)
    p, numbers = network.predict_proba(WORDS), network.task_.index_of
    expected = -np.mean(
        [
            np.mean(
                [np.log(row[numbers[label]]) for row, label in zip(*pair, strict=True)]
            )
            for pair in zip(p, TAGS, strict=True)
        ]
    )
    samples = network.encoder_.encode(WORDS)
    rows = torch.arange(len(WORDS))
    batch = samples.take(rows).labelled(network.task_.encode(TAGS)[rows], None)
    with torch.inference_mode():
        loss = network.task_.loss(network.network_, batch).item()
    assert loss == pytest.approx(expected, rel=1e-5)


def test_series_of_equal_length_and_long_or_single_steps_are_labelled():
    X = np.random.default_rng(0).normal(size=(20, 7))
    y = np.where(X > 0, "up", "down")
    network = SequenceTagger(**SMALL | {"max_iter": 30, "learning_rate_init": 0.02})
    assert network.fit(X[:, :, None], y).score(X[:, :, None], y) > 0.9
    long = np.random.default_rng(1).normal(size=(3000, 1))
    assert [len(labels) for labels in network.predict([long, X[0, :1, None]])] == [
        3000,
        1,
    ]


def test_grid_search_uses_token_accuracy():
    search = GridSearchCV(SequenceTagger(**SMALL), {"crf": [True, False]}, cv=2)
    search.fit(WORDS, TAGS)
    assert 0 <= search.best_score_ <= 1
    assert search.best_estimator_.score(WORDS, TAGS) >= 0


def test_early_stopping_and_partial_fit_work_on_lists():
    network = SequenceTagger(early_stopping=True, validation_fraction=0.25, **SMALL)
    network.fit(WORDS, TAGS)
    assert len(network.validation_scores_) == network.n_iter_
    network = SequenceTagger(**SMALL).partial_fit(WORDS, TAGS).partial_fit(WORDS, TAGS)
    assert network.n_iter_ == 2
    with pytest.raises(DataError, match="'X'"):
        network.partial_fit([["it"]], [["X"]])


def test_entities_are_counted_whole():
    X, y = names(40, seed=0)
    network = SequenceTagger(**SMALL | {"max_iter": 1}).fit(X, y)
    predicted = network.predict(X)
    if any(label != "O" for labels in predicted for label in labels):
        assert network.entity_f1(X, predicted) == 1.0
    assert network.entity_f1(X, [["O"] * len(words) for words in X]) == 0.0


def test_entity_f1_needs_entities_and_seqeval(monkeypatch):
    network = SequenceTagger(**SMALL).fit(WORDS, TAGS)
    with pytest.raises(DataError, match="'B-kind'"):
        network.entity_f1(WORDS, TAGS)
    monkeypatch.setitem(sys.modules, "seqeval.metrics", None)
    with pytest.raises(MissingExtraError, match=r"lamina\[text\]"):
        network.entity_f1(WORDS, TAGS)


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (["a text"], [["D", "N"]], "Sample 0 is a text, 'a text'.*tokens"),
        ([["a"], ["b", "c"]], [["D"], ["N"]], "Sample 1 has 2 steps but 1 labels"),
        ([["a", "b"], []], [["D", "N"], []], "Sample 1 is an empty list"),
        ([["a"], ["b", ""]], [["D"], ["N", "D"]], "Sample 1 has an empty token"),
        (
            [["a"], ["b", 3]],
            [["D"], ["N", "D"]],
            "Token 1 of sample 1 is not a text: 3",
        ),
        ([["a"], ["b"]], ["D", "N"], r"y\[0\] is 'D'"),
        ([["a"], ["b"]], [1, 2], r"y\[0\] is 1"),
        ([["a"], ["b"]], [["D"], ["D"]], "at least 2 labels.*'D'"),
        ([["a"], ["b"]], [["D"], [1]], r"y\[0\]\[0\] is 'D', y\[1\]\[0\] is 1"),
        ([["a"], ["b"]], [[True], [1]], "booleans and numbers"),
        ([["a"], ["b"]], [[1.0], [float("nan")]], r"y\[1\]\[0\] is nan"),
        ([["a"], ["b"]], [[1.0], [float("inf")]], r"y\[1\]\[0\] is inf"),
        ([["a"], ["b"]], [["D"], [None]], r"y\[1\]\[0\] is None.*missing"),
        ([["a"], ["b"]], [["D"], [pd.NA]], r"y\[1\]\[0\] is <NA>.*missing"),
        ([["a"], ["b"]], [["D"], [pd.NaT]], r"y\[1\]\[0\] is NaT.*missing"),
        (
            [["a"], ["b"]],
            [[("B", "P")], [("O", "")]],
            r"y\[0\]\[0\] is \('B', 'P'\).*join",
        ),
        ([["a"], ["b"]], [["D"], [["N"]]], r"y\[1\]\[0\] is \['N'\].*join"),
        ([["a"], ["b"]], [["D"], [{}]], r"y\[1\]\[0\] is {}.*convert"),
        ([["a"], ["b"]], [["D"], [b"N"]], r"y\[1\]\[0\] is b'N'.*decode"),
        ([["a"], ["b"]], [["D"], [Decimal(1)]], r"y\[1\]\[0\] is Decimal"),
        ([["a"], ["b"]], [["D"], [1j]], r"y\[1\]\[0\] is 1j"),
        ([["a"], ["b"]], [["D"], np.datetime64("2024")], r"y\[1\] is .*2024"),
        ([["a"], ["b"]], [["D"], None], r"y\[1\] is None"),
        ([["a"], ["b"]], [["D"], {"N"}], r"y\[1\] is {'N'}"),
        ([["a"], ["b"]], [["D"]], "X has 2 samples and y has 1"),
        ([["a"], ["b"]], "DN", "y is a single text, 'DN'"),
        ([["a"], ["b"]], 3, "y is of type int"),
        ([["a"], ["b"]], {"D": 1, "N": 2}, "y is of type dict"),
        ([["a"], ["b"]], (row for row in "DN"), "y is of type generator"),
        ([["a"], ["b"]], np.array("D"), "y is a single value"),
        ([["a"], ["b"]], np.array(["D", "N"]), r"y\[0\] is 'D'"),
        ([["a"], ["b"]], np.zeros((2, 1, 1)), r"y\[0\] is an array of shape \(1, 1\)"),
        ([["a"], ["b"]], pd.Series(["D", "N"]), r"y\[0\] is 'D'"),
        ([["a"], ["b"]], pd.DataFrame({"t": ["D", "N"]}), r"columns \['t'\]"),
        ([["a"], ["b"]], pl.DataFrame({"t": ["D", "N"]}), r"columns \['t'\]"),
        ([["a"], ["b"]], pl.LazyFrame({"t": ["D", "N"]}), "LazyFrame"),
        ([["a"], ["b"]], pa.table({"t": ["D", "N"]}), r"columns \['t'\]"),
        ([["a"], ["b"]], sparse.csr_array(np.eye(2)), "type csr_array"),
        ([["a"], ["b"]], np.ma.masked_equal([[1], [2]], 2), r"y\[1\]\[0\] is None"),
        ([["a"], ["b"]], None, "y to be passed"),
    ],
)
def test_what_cannot_be_labelled_is_refused_by_name(X, y, words):
    with pytest.raises(DataError, match=words):
        SequenceTagger(**SMALL).fit(X, y)


@pytest.mark.parametrize(
    "container",
    [
        tuple,
        np.array,
        torch.tensor,
        lambda y: [np.array(labels) for labels in y],
        lambda y: np.array(y, dtype=object),
        lambda y: pd.Series(y, index=range(5, 5 + len(y))),
        lambda y: pd.Series([np.array(labels) for labels in y]),
        lambda y: pd.DataFrame({"tags": y})["tags"],
        pl.Series,
        lambda y: [pl.Series(labels) for labels in y],
        pa.array,
        lambda y: pa.chunked_array([y[:4], y[4:]]),
        lambda y: pd.Series(y, dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    ],
)
def test_labels_in_any_container_are_the_same_labels(container):
    y = [[i % 3, i % 2] for i in range(12)]
    X = [[f"w{a}", f"v{b}"] for a, b in y]
    plain = SequenceTagger(**SMALL).fit(X, y)
    network = SequenceTagger(**SMALL).fit(X, container(y))
    assert network.predict(X) == plain.predict(X)
    assert network.score(X, container(y)) == plain.score(X, y)


@pytest.mark.parametrize(
    "values",
    [(False, True), (0.5, 1), (2**70, 1), ("a\0", "a"), (np.str_("a"), np.str_("b"))],
)
def test_labels_come_back_as_they_were(values):
    y = [[values[i % 2], values[0]] for i in range(8)]
    X = np.array([[i % 2, 0] for i in range(8)])
    network = SequenceTagger(**SMALL | {"max_iter": 30, "learning_rate_init": 0.05})
    assert network.fit(X, y).predict(X) == y
    assert network.score(X, y) == 1.0


def test_score_of_unseen_labels_is_wrong_and_of_another_type_refused():
    network = SequenceTagger(**SMALL).fit(WORDS, TAGS)
    assert network.score([["it"]], [["X"]]) == 0.0
    with pytest.raises(DataError, match=r"y\[0\]\[0\] is 1, but .* strings"):
        network.score([["it"]], [[1]])


def test_unseen_labels_of_validation_samples_are_refused():
    with pytest.raises(DataError, match="'X'"):
        SequenceTagger(**SMALL).fit(
            WORDS, TAGS, X_val=[["it"], ["it"]], y_val=[["P"], ["X"]]
        )


def test_methods_before_fit_raise_not_fitted_error():
    network = SequenceTagger()
    for method in (
        network.predict,
        network.predict_proba,
        lambda X: network.score(X, TAGS),
        lambda X: network.entity_f1(X, TAGS),
    ):
        with pytest.raises(NotFittedError):
            method(WORDS)


@pytest.mark.parametrize("crf", [True, False])
def test_a_class_weight_counts_as_repeated_steps(crf):
    """Of samples of one step, which can be repeated singly."""
    X = [[word] for word in ["ab", "cb", "ab", "bd", "cd", "cd"] * 2]
    y = [["a" if "b" in word else "b"] for [word] in X]
    more = [i for i in range(12) for _ in range(3 if y[i] == ["a"] else 1)]
    params = SMALL | {"crf": crf, "batch_size": 500, "dropout": 0.0, "max_iter": 5}
    weighted = SequenceTagger(class_weight={"a": 3}, **params).fit(X, y)
    repeated = SequenceTagger(**params).fit([X[i] for i in more], [y[i] for i in more])
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-5)
    for p, q in zip(weighted.predict_proba(X), repeated.predict_proba(X), strict=True):
        np.testing.assert_allclose(p, q, atol=1e-5)


def loss_of(network, X, y):
    """The training loss of a fitted network, and the mean weight of each sample."""
    rows = torch.arange(len(X))
    weight = network.task_.target_weights(y)
    if weight is not None:
        weight = torch.tensor(weight / weight.mean())
    target = network.task_.encode(y)[rows]
    batch = network.encoder_.encode(X).take(rows).labelled(target, weight)
    with torch.inference_mode():
        return network.task_.loss(network.network_, batch).item()


@pytest.mark.parametrize("class_weight", [{"N": 2.0, "P": 0.5}, "balanced"])
def test_class_weights_multiply_each_step_of_the_loss(class_weight):
    network = SequenceTagger(crf=False, class_weight=class_weight, **SMALL)
    network.fit(WORDS, TAGS)
    counts = {"D": 9, "N": 9, "V": 6, "P": 3}
    weight = dict.fromkeys(counts, 1.0)
    if class_weight == "balanced":
        weight = {label: 27 / (4 * n) for label, n in counts.items()}
    else:
        weight |= class_weight
    position = {label: i for i, label in enumerate(network.classes_)}
    loss, total = 0.0, 0.0
    for p, labels in zip(network.predict_proba(WORDS), TAGS, strict=True):
        for row, label in zip(p, labels, strict=True):
            loss -= weight[label] * np.log(row[position[label]]) / len(labels)
            total += weight[label] / len(labels)
    assert loss_of(network, WORDS, TAGS) == pytest.approx(loss / total, rel=1e-5)


@pytest.mark.parametrize("crf", [True, False])
def test_equal_class_weights_change_nothing(crf):
    network = SequenceTagger(crf=crf, **SMALL).fit(WORDS, TAGS)
    same = SequenceTagger(crf=crf, class_weight=dict.fromkeys("DNVP", 3.0), **SMALL)
    same.fit(WORDS, TAGS)
    np.testing.assert_allclose(same.loss_curve_, network.loss_curve_, rtol=1e-5)


@pytest.mark.parametrize("crf", [True, False])
def test_balanced_weights_predict_a_rare_label_more_often(crf):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 10, 1))
    y = np.where(X[..., 0] + rng.normal(size=(80, 10)) > 2, "rare", "often")
    recall = {}
    for class_weight in (None, "balanced"):
        network = SequenceTagger(crf=crf, class_weight=class_weight, **SMALL)
        network.set_params(max_iter=15, learning_rate_init=0.02)
        predicted = np.array(network.fit(X, y).predict(X))
        recall[class_weight] = (predicted == "rare")[y == "rare"].mean()
    assert recall["balanced"] > recall[None] + 0.2


def test_class_weights_count_in_the_score_that_stops_a_fit():
    params = {"class_weight": {"N": 5.0}, "early_stopping": True}
    network = SequenceTagger(**SMALL | params)
    network.fit(WORDS, TAGS, X_val=WORDS[:4], y_val=TAGS[:4])
    network.set_params(max_iter=network.n_iter_, early_stopping=False)
    network.fit(WORDS, TAGS, X_val=WORDS[:4], y_val=TAGS[:4])
    right, total = 0.0, 0.0
    for labels, predicted in zip(TAGS[:4], network.predict(WORDS[:4]), strict=True):
        for label, other in zip(labels, predicted, strict=True):
            weight = 5.0 if label == "N" else 1.0
            right, total = right + weight * (label == other), total + weight
    assert network.validation_scores_[-1] == pytest.approx(right / total)


@pytest.mark.parametrize(
    ("class_weight", "words"),
    [
        ({"D": -1}, r"class_weight\['D'\] is -1"),
        ({"D": 0}, r"class_weight\['D'\] is 0"),
        ({"D": float("nan")}, r"class_weight\['D'\] is nan"),
        ({"D": float("inf")}, r"class_weight\['D'\] is inf"),
        ({"D": "2"}, r"class_weight\['D'\] is '2'"),
        ({"D": None}, r"class_weight\['D'\] is None"),
        ({"D": True}, r"class_weight\['D'\] is True"),
        (
            {"X": 1.0},
            "label 'X', which y does not have; its labels are 'D', 'N', 'P', 'V'",
        ),
        ("uneven", "class_weight"),
    ],
)
def test_class_weights_are_checked_by_name(class_weight, words):
    with pytest.raises(ParameterError, match=words):
        SequenceTagger(class_weight=class_weight, **SMALL).fit(WORDS, TAGS)


def test_class_weights_of_labels_that_never_occur_are_one():
    classes, counts = np.array(["a", "b", "c"]), np.array([1, 3, 0])
    np.testing.assert_allclose(
        class_weights("balanced", classes, counts), [4 / 2, 4 / 6, 1.0]
    )


def test_files_of_sound_are_refused():
    with pytest.raises(DataError, match=r"audio.*SequenceTagger takes series or text"):
        SequenceTagger(**SMALL).fit(["a.wav", "b.wav"], [["D"], ["N"]])


def test_words_of_one_sentence_only_are_unknown():
    fitted = encoder([["The", "dog", "dog"], ["the", "cat"], ["the", "cat"]])
    assert fitted.words.tokens[END + 1 :] == ["the"]
    as_they_are = encoder([["The", "a"], ["the", "a"]], char_features=False)
    assert as_they_are.words.tokens[END + 1 :] == ["a"]


def test_batches_hold_the_characters_of_each_token():
    X = [["ab", "abc"], ["b"], ["x" * 12 + "-" * 50 + "abababababab", "cab"]]
    fitted = encoder(X)
    batch = fitted.encode(X).take(torch.tensor([1, 0]))
    a, b, c = fitted.characters.encode("abc")
    assert batch.x.shape[1] == batch.codes.shape[1] == 4
    spelt = batch.spellings[batch.codes]
    assert spelt[0, :2].tolist() == [[BEGIN, b, END, PAD, PAD], [PAD] * 5]
    assert spelt[1, 1].tolist() == [BEGIN, a, b, c, END]
    assert batch.x[0].tolist() == [UNKNOWN, PAD, PAD, PAD]
    batch = fitted.encode(X).take(torch.tensor([2]))
    long = batch.spellings[batch.codes[0, 0]]
    unknown = [UNKNOWN] * 12
    assert long.tolist() == [BEGIN, *unknown, *[a, b] * 6, END]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(UNKNOWN, 9), min_size=1, max_size=6), st.integers(0, 5))
def test_the_encoding_of_a_word_does_not_depend_on_its_padding(codes, more):
    torch.manual_seed(0)
    module = CharacterEmbedding(5, 10, 8, 4)
    single = module.spelling_features(torch.tensor([codes]))
    padded = module.spelling_features(
        torch.tensor([codes + [PAD] * more, [UNKNOWN] * (len(codes) + more)])
    )
    torch.testing.assert_close(padded[:1], single)


def test_unseen_labels_are_named():
    task = Tagging(SequenceTagger()).fit(TAGS, None)
    with pytest.raises(DataError, match=r"\['X', 'Y'\]"):
        task.encode([["D", "Y"], ["X"]])
