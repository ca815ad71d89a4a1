"""SequenceTagger: what it learns, what it refuses, and what it says of a step."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GridSearchCV

from lamina import SequenceTagger
from lamina.batch import BEGIN, END, PAD, UNKNOWN
from lamina.encoders.tokens import TokenEncoder
from lamina.exceptions import DataError, MissingExtraError
from lamina.nn.embedding import SpeltTokens
from lamina.tasks.tagging import Tagging

SMALL = {"hidden_size": 8, "n_layers": 1, "max_iter": 2, "random_state": 0}
WORDS = [["the", "dog", "barks"], ["a", "cat"], ["the", "cat", "sleeps"], ["it"]] * 3
TAGS = [["D", "N", "V"], ["D", "N"], ["D", "N", "V"], ["P"]] * 3


def parity(n_samples, n_steps, seed):
    """Bits, and whether the ones so far are odd in number."""
    rng = np.random.default_rng(seed)
    X = [rng.integers(2, size=rng.integers(1, n_steps + 1)) for _ in range(n_samples)]
    return X, [["odd" if s % 2 else "even" for s in x.cumsum()] for x in X]


def names(n_samples, seed):
    """Names of two or three words, which can be told only by their first word."""
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


def test_chain_gives_valid_labellings_where_steps_alone_do_not():
    X, y = names(120, seed=0)
    unseen, truth = names(100, seed=1)
    # Half of what a step is seen by is noise: only the neighbours' labels can help.
    rng = np.random.default_rng(2)
    X, unseen = (
        [[w if rng.random() < 0.7 else "?" for w in words] for words in sentences]
        for sentences in (X, unseen)
    )
    invalid, f1 = {}, {}
    for crf in (True, False):
        network = SequenceTagger(
            crf=crf,
            hidden_size=8,
            n_layers=1,
            max_iter=20,
            learning_rate_init=0.01,
            random_state=0,
        ).fit(X, y)
        invalid[crf] = sum(map(n_invalid, network.predict(unseen)))
        f1[crf] = network.entity_f1(unseen, truth)
    assert invalid[True] == 0 < invalid[False]
    assert f1[True] > f1[False]


def n_invalid(labels):
    """Entities that go on without having begun."""
    before = ["O", *labels]
    return sum(
        label[0] == "I" and previous[2:] != label[2:]
        for previous, label in zip(before, labels, strict=False)
    )


def test_unknown_words_are_known_by_their_endings():
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


def test_score_is_the_share_of_steps_weighted_by_sample():
    network = SequenceTagger(**SMALL).fit(WORDS, TAGS)
    predicted = network.predict(WORDS[:2])
    y = [predicted[0], ["none", predicted[1][1]]]
    assert network.score(WORDS[:2], y) == pytest.approx(4 / 5)
    assert network.score(WORDS[:2], y, [1, 3]) == pytest.approx((3 + 3) / (3 + 6))


def test_loss_is_a_mean_over_samples_of_a_mean_over_steps():
    network = SequenceTagger(crf=False, dropout=0.0, **SMALL).fit(WORDS, TAGS)
    p, numbers = network.predict_proba(WORDS), network.task_.numbers
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
        (["a text"], [["D", "N"]], "Sample 0 is a text: 'a text'.*tokens"),
        ([["a"], ["b", "c"]], [["D"], ["N"]], "Sample 1 has 2 steps but 1 labels"),
        ([["a", "b"], []], [["D", "N"], []], "Sample 1 is an empty list"),
        ([["a"], ["b", ""]], [["D"], ["N", "D"]], "Sample 1 has an empty token"),
        ([["a"], ["b", 3]], [["D"], ["N", "D"]], "Sample 1 is not a list of tokens"),
        ([["a"], ["b"]], ["D", "N"], r"y\[0\] is 'D'"),
        ([["a"], ["b"]], [1, 2], r"y\[0\] is 1"),
        ([["a"], ["b"]], [["D"], ["D"]], "at least 2 labels.*'D'"),
        ([["a"], ["b"]], [["D"], [1]], "strings or numbers"),
        ([["a"], ["b"]], [[1.0], [float("nan")]], "NaN"),
        ([["a"], ["b"]], None, "y to be passed"),
    ],
)
def test_what_cannot_be_labelled_is_refused_by_name(X, y, words):
    with pytest.raises(DataError, match=words):
        SequenceTagger(**SMALL).fit(X, y)


def test_files_of_sound_are_refused():
    with pytest.raises(DataError, match=r"audio.*SequenceTagger takes series or text"):
        SequenceTagger(**SMALL).fit(["a.wav", "b.wav"], [["D"], ["N"]])


def test_words_of_one_sentence_only_are_unknown():
    found = encoder([["The", "dog", "dog"], ["the", "cat"], ["the", "cat"]])
    assert found.words.tokens[END + 1 :] == ["the"]
    as_they_are = encoder([["The", "a"], ["the", "a"]], char_features=False)
    assert as_they_are.words.tokens[END + 1 :] == ["a"]


def test_batches_hold_the_characters_of_each_token():
    X = [["ab", "abc"], ["b"], ["x" * 12 + "-" * 50 + "abababababab", "cab"]]
    found = encoder(X)
    batch = found.encode(X).take(torch.tensor([1, 0]))
    a, b, c = found.characters.encode("abc")
    assert batch.x.shape[1] == batch.codes.shape[1] == 4
    spelt = batch.spellings[batch.codes]
    assert spelt[0, :2].tolist() == [[BEGIN, b, END, PAD, PAD], [PAD] * 5]
    assert spelt[1, 1].tolist() == [BEGIN, a, b, c, END]
    assert batch.x[0].tolist() == [UNKNOWN, PAD, PAD, PAD]
    batch = found.encode(X).take(torch.tensor([2]))
    long = batch.spellings[batch.codes[0, 0]]
    unknown = [UNKNOWN] * 12
    assert long.tolist() == [BEGIN, *unknown, *[a, b] * 6, END]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(UNKNOWN, 9), min_size=1, max_size=6), st.integers(0, 5))
def test_a_word_is_spelt_alike_whatever_padding_is_behind_it(codes, more):
    torch.manual_seed(0)
    module = SpeltTokens(5, 10, 8)
    alone = module.found(torch.tensor([codes]))
    padded = module.found(
        torch.tensor([codes + [PAD] * more, [UNKNOWN] * (len(codes) + more)])
    )
    torch.testing.assert_close(padded[:1], alone)


def test_unseen_labels_are_named():
    task = Tagging(TAGS, SequenceTagger())
    with pytest.raises(DataError, match=r"\['X', 'Y'\]"):
        task.encode([["D", "Y"], ["X"]])
