"""Embeddings that start from word vectors."""

import inspect
import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

import lamina
from lamina import (
    CNNClassifier,
    CNNRegressor,
    DNNClassifier,
    RNNClassifier,
    RNNRegressor,
    SequenceTagger,
)
from lamina.batch import PAD, UNKNOWN
from lamina.constructor import ELSEWHERE
from lamina.exceptions import DataError, ParameterError
from lamina.nn.embedding import of_words
from lamina.onnx import Predictor

STILL = {"learning_rate_init": 1e-30}
"""Steps that are too small to change a weight."""
TEXTS = ["the cat sat", "a Dog sat, too", "no bird sat", "the dog ran"] * 4
LABELS = np.arange(16) % 2
RECURRENT = {"hidden_size": 4, "n_layers": 1, "max_iter": 2, "random_state": 0}
CONVOLUTIONAL = {"n_filters": 4, "max_iter": 2, "random_state": 0}
NETWORKS = {
    "CNNClassifier": CNNClassifier(**CONVOLUTIONAL),
    "CNNRegressor": CNNRegressor(**CONVOLUTIONAL, ngram_features=False),
    "RNNClassifier": RNNClassifier(**RECURRENT),
    "RNNRegressor": RNNRegressor(**RECURRENT),
    "SequenceTagger": SequenceTagger(**RECURRENT),
    "SequenceTagger of whole tokens": SequenceTagger(**RECURRENT, char_features=False),
}


def write(path, vectors):
    lines = (" ".join([word, *map(str, v)]) for word, v in vectors.items())
    path.write_text("".join(f"{line}\n" for line in lines), "utf8")
    return path


@pytest.fixture
def vectors():
    """Word vectors of five values, of some words of the texts and of others."""
    words = ["the", "cat", "sat", "dog", "ran", "fish", "on", "over@there", "Berlin"]
    rows = np.random.default_rng(0).normal(2, 3, (len(words), 5)).astype("f4")
    return dict(zip(words, rows, strict=True))


@pytest.fixture
def path(vectors, tmp_path):
    return write(tmp_path / "words.vec", vectors)


def fitted(network, **params):
    network = clone(network).set_params(**params)
    if isinstance(network, SequenceTagger):
        X = [text.lower().split() for text in TEXTS]
        return network.fit(X, [[len(word) > 2 for word in x] for x in X])
    return network.fit(TEXTS, LABELS * 1.0 if is_regressor(network) else LABELS)


def table_of(network):
    """The embedding of each word, with the parameter of all."""
    encoder = network.encoder_
    tagger = isinstance(network, SequenceTagger)
    ids = (encoder.words if tagger else encoder.vocabulary).ids
    weight = of_words(network.network_.body.embed).weight
    return {word: weight[i].detach().numpy() for word, i in ids.items()}, weight


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("freezes", [True, False])
def test_words_start_from_the_vectors_of_the_file(name, freezes, path, vectors):
    params = {} if freezes else STILL
    network = fitted(
        NETWORKS[name], word_vectors=path, freeze_body=freezes, max_iter=3, **params
    )
    table, weight = table_of(network)
    in_vocabulary = ["the", "cat", "sat", "dog", "ran", "fish", "on"]
    for word in in_vocabulary:
        np.testing.assert_allclose(table[word], vectors[word], atol=1e-20, rtol=0)
    assert weight.shape[1] == 5
    assert weight.requires_grad is not freezes
    assert not weight[PAD].any()
    # All other words, also the unknown one, have the scale of the vectors.
    others = [table[w] for w in table if w not in vectors]
    others = np.array([weight[UNKNOWN].detach().numpy(), *others])
    assert 1 < np.abs(others).mean() < 8
    # The layers after it are trained.
    still = fitted(NETWORKS[name], word_vectors=path, **STILL)
    first = next(iter(still.network_.head.parameters()))
    assert (
        not np.allclose(
            first.detach(), next(iter(network.network_.head.parameters())).detach()
        )
        or not freezes
    )


def test_vectors_are_trained_unless_the_body_is_frozen(path, vectors):
    table, _ = table_of(fitted(NETWORKS["CNNClassifier"], word_vectors=path))
    assert not np.allclose(table["cat"], vectors["cat"], atol=1e-4)


def test_the_vocabulary_is_completed_in_the_order_of_the_file(path, vectors):
    network = NETWORKS["CNNClassifier"]
    own = list(fitted(network).encoder_.vocabulary.ids)
    table, _ = table_of(fitted(network, word_vectors=path))
    # "over@there" is split into three tokens of a text.
    assert list(table) == sorted({*own, "fish", "on", "berlin"})
    table, _ = table_of(fitted(network, word_vectors=path, max_tokens=len(own) + 2))
    assert list(table) == sorted({*own, "fish", "on"})
    table, _ = table_of(fitted(network, word_vectors=path, max_tokens=2))
    assert len(table) == 2


def test_a_word_in_the_same_letters_is_preferred(tmp_path):
    vectors = {"Dog": [1.0, 1], "dog": [2.0, 1], "DOG": [3.0, 1], "Cat": [4.0, 1]}
    vectors |= {"CAT": [5.0, 1], "cafe\u0301": [6.0, 1]}
    path = write(tmp_path / "a.vec", vectors)
    params = {"word_vectors": path, "freeze_body": True}
    table, _ = table_of(fitted(NETWORKS["CNNClassifier"], **params))
    assert [table[w][0] for w in ("dog", "cat", "café")] == [2, 4, 6]
    X = [["Dog", "dog"], ["CAT", "Cat"]] * 4
    network = CNNClassifier(**CONVOLUTIONAL, **params).fit(X, LABELS[:8])
    table, _ = table_of(network)
    assert [table[w][0] for w in ("Dog", "dog", "Cat", "CAT")] == [1, 2, 4, 5]


def sentences(words, rng, n=60):
    """Texts of five words, one of which is of a class; that is their label."""
    labels = np.arange(n) % 2
    rows = [[rng.choice(words[k]), *rng.choice(words[2], 4)] for k in labels]
    return [" ".join(rng.permutation(row)) for row in rows], labels


@pytest.mark.parametrize(
    "network",
    [
        CNNClassifier(n_filters=8, ngram_features=False, max_iter=30, random_state=0),
        RNNClassifier(
            hidden_size=8, n_layers=1, ngram_features=False, max_iter=40, random_state=0
        ),
    ],
    ids=["CNN", "RNN"],
)
def test_synonyms_that_no_training_text_has_are_classified(network, tmp_path):
    rng = np.random.default_rng(0)
    spelt = [
        "".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 6)) for _ in range(60)
    ]
    meanings = np.repeat(rng.normal(size=(3, 8)), 20, axis=0)
    values = meanings + 0.1 * rng.normal(size=meanings.shape)
    path = write(tmp_path / "a.vec", dict(zip(spelt, values, strict=True)))
    words = np.array(spelt).reshape(3, 20)
    X, y = sentences(words[:, :10], rng)
    unseen, labels = sentences([words[0, 10:], words[1, 10:], words[2]], rng)
    network = clone(network)
    assert 0.2 < network.fit(X, y).score(unseen, labels) < 0.8
    network.set_params(word_vectors=path, freeze_body=True).fit(X, y)
    assert network.score(unseen, labels) > 0.95


@pytest.mark.parametrize("name", NETWORKS)
def test_a_fitted_network_needs_no_file(name, path, tmp_path):
    network = fitted(NETWORKS[name], word_vectors=path, freeze_body=True)
    assert clone(network).word_vectors == path
    network.save(tmp_path / "network.lamina")
    path.unlink()
    X = [["a", "fish", "ran"]] if "Tagger" in name else ["a fish ran", "no cat"]
    expected = network.predict(X)
    for again in (
        lamina.load(tmp_path / "network.lamina"),
        pickle.loads(pickle.dumps(network)),
    ):
        assert again.word_vectors == path
        np.testing.assert_array_equal(again.predict(X), expected)
        before = table_of(again)[1].clone()
        assert not before.requires_grad
        refit = fitted_again(again)
        assert (table_of(refit)[1] == before).all()


def fitted_again(network):
    """The network after one more fit, which continues."""
    network.set_params(warm_start=True)
    if isinstance(network, SequenceTagger):
        return network.fit([["the", "cat"]] * 4, [[True, False]] * 4)
    y = [0.0, 1] if is_regressor(network) else [0, 1]
    return network.fit(["the cat", "no fish"], y)


def test_an_exported_network_predicts_the_same(path, tmp_path):
    X = ["a fish ran", "no cat", "unheard of"]
    network = fitted(NETWORKS["CNNClassifier"], word_vectors=path)
    network.to_onnx(tmp_path / "a.onnx")
    exported = Predictor(tmp_path / "a.onnx").predict_proba(X)
    np.testing.assert_allclose(exported, network.predict_proba(X), atol=1e-5)


def test_a_network_with_vectors_is_a_start(path):
    network = NETWORKS["RNNClassifier"]
    first = fitted(network, word_vectors=path)
    second = fitted(
        NETWORKS["RNNRegressor"], start_from=FrozenEstimator(first), freeze_body=True
    )
    assert (table_of(first)[1] == table_of(second)[1]).all()
    with pytest.raises(
        ParameterError, match=r"word_vectors=.* has no effect .*start_from"
    ):
        fitted(network, start_from=FrozenEstimator(first), word_vectors=path)


def test_a_search_takes_the_path(path):
    network = clone(NETWORKS["CNNClassifier"])
    grid = {"word_vectors": [None, str(path)], "max_iter": [1]}
    search = GridSearchCV(network, grid, cv=2, error_score="raise").fit(TEXTS, LABELS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_what_has_no_words_is_refused(path, tmp_path):
    network = NETWORKS["CNNClassifier"].set_params(word_vectors=path)

    def refused(X, message, **params):
        with pytest.raises((ParameterError, DataError), match=message):
            clone(network).set_params(**params).fit(X, LABELS)

    refused(TEXTS, r"words\.vec' are of words, and .*characters", token_unit="char")
    refused(["天气很好", "今天下雨"] * 8, r"words\.vec' are of words, and .*characters")
    refused(np.zeros((16, 8, 8, 1)), "word_vectors=.* has no effect .*image input")
    refused(np.zeros((16, 8)), "word_vectors=.* has no effect .*series input")
    other = ["un chien", "le chat"] * 8
    refused(other, "has 9 words, and none of them is one of the 4 words of X, such as")
    refused(TEXTS, r"absent\.vec' cannot be read", word_vectors=tmp_path / "absent.vec")
    refused(TEXTS, "must be str or path of a file or None", word_vectors={"the": [1]})
    refused(
        TEXTS, "freeze_body=True has no effect", word_vectors=None, freeze_body=True
    )


def test_the_estimators_with_the_parameter_are_named():
    with pytest.raises(
        ParameterError, match=r"'word_vectors'. CNNClassifier, .* have it"
    ):
        DNNClassifier(word_vectors="words.vec")
    classes = (getattr(lamina, name) for name in lamina.__all__)
    with_it = {
        c.__name__
        for c in classes
        if inspect.isclass(c) and "word_vectors" in inspect.signature(c).parameters
    }
    named = re.findall(r"\w+", ELSEWHERE["word_vectors"].partition("which")[0])
    assert with_it == {*named} - {"and"}
