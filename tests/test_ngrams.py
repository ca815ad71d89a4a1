"""Bags of n-grams, against scikit-learn's TF-IDF and plain sums."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

import lamina
from lamina import CNNClassifier, DNNClassifier, DNNRegressor, RNNClassifier
from lamina.batch import Batch, Features, Spec
from lamina.bodies.dense import DenseBody, DenseParams
from lamina.encoders.ngrams import NGrams
from lamina.exceptions import DataError, ParameterError
from lamina.kernels.masks import keep_mask
from lamina.nn.bags import BagEmbedding, BagPath
from lamina.nn.model import Model
from lamina.ragged import Bags
from lamina.seeding import random_stream
from lamina.tasks.classification import (
    ClassificationParams,
    SingleLabelClassification,
)
from lamina.training import gradients, optimizers
from lamina.training.params import TrainerParams
from lamina.training.plan import ExecutionPlan

CALM = settings(deadline=None)
TOKENS = st.text(alphabet="abcé", min_size=1, max_size=6)
TEXTS = st.lists(st.lists(TOKENS, min_size=1, max_size=6), min_size=1, max_size=8)
SMALL = {"hidden_layer_sizes": (8, 8), "random_state": 0}


def tokens_and_pairs(tokens):
    return tokens + [" ".join(tokens[i : i + 2]) for i in range(len(tokens) - 1)]


def characters(tokens):
    marked = [f"<{token}>" for token in tokens]
    return [
        m[i : i + n] for m in marked for n in (3, 4, 5) for i in range(len(m) - n + 1)
    ]


def tf_idf(texts, others, analyzer):
    """The weights of each of the other texts, by scikit-learn, but for the last factor."""
    distinct = list(map(list, dict.fromkeys(map(tuple, texts))))
    vectorizer = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, norm=None)
    vectorizer.fit(distinct)
    n_texts = (vectorizer.transform(distinct) > 0).sum(0).A1
    factors = ((1 + n_texts) / (1 + len(distinct))) ** 0.25
    weights = vectorizer.transform(others).multiply(factors[None])
    return [row.data / 4 for row in normalize(weights.tocsr())]


def dense(bags, n_ids):
    rows = np.zeros((len(bags), n_ids))
    row = np.arange(len(bags)).repeat(bags.lengths.numpy())
    np.add.at(rows, (row, bags.ids.numpy()), bags.weights.numpy())
    return rows


@CALM
@given(TEXTS, TEXTS)
def test_the_bag_of_a_text_is_the_sum_of_those_of_its_tokens(texts, others):
    ngrams = NGrams().fit(texts)
    of_tokens = dense(ngrams.encode_tokens(others), len(ngrams))
    ends = np.cumsum([len(tokens) for tokens in others])[:-1]
    sums = [rows.sum(0) for rows in np.split(of_tokens, ends)]
    bags = dense(ngrams.encode(others), len(ngrams))
    np.testing.assert_allclose(sums, bags, atol=1e-6)
    # A token has the n-grams of a text of this token, and pairs, as its neighbour has.
    flat = [[token] for tokens in others for token in tokens]
    has, as_text = of_tokens > 0, dense(ngrams.encode(flat), len(ngrams)) > 0
    assert (has >= as_text).all()
    for rows, single in zip(np.split(has, ends), np.split(as_text, ends), strict=True):
        pairs = np.pad(rows & ~single, ((1, 1), (0, 0)))
        assert (pairs[1:-1] <= (pairs[:-2] | pairs[2:])).all()


@CALM
@given(TEXTS, TEXTS)
def test_weights_are_those_of_tf_idf_and_a_power_of_the_frequency(texts, others):
    bags = NGrams().fit(texts).encode(others)
    expected = zip(
        tf_idf(texts, others, tokens_and_pairs),
        tf_idf(texts, others, characters),
        strict=True,
    )
    for row, parts in enumerate(expected):
        weights = bags[torch.tensor([row])].weights.numpy()
        both = np.sort(np.concatenate(parts))
        np.testing.assert_allclose(np.sort(weights), both, rtol=1e-5)


@CALM
@given(TEXTS)
def test_a_bag_does_not_depend_on_the_other_texts(texts):
    ngrams = NGrams().fit(texts)
    bags = ngrams.encode(texts)
    for i, text in enumerate(texts):
        one, row = ngrams.encode([text]), bags[slice(i, i + 1)]
        assert torch.equal(one.ids, row.ids)
        assert torch.equal(one.weights, row.weights)


@CALM
@given(TEXTS, st.randoms())
def test_neither_the_order_nor_the_repetition_of_texts_matters(texts, random):
    others = [*texts, texts[0]]
    random.shuffle(others)
    a, b = (NGrams().fit(some).encode(texts) for some in (texts, others))
    assert torch.equal(a.ids, b.ids)
    assert torch.equal(a.weights, b.weights)


def test_ids_are_the_same_in_another_process():
    code = """
from lamina.encoders.ngrams import NGrams
texts = [["good", "film"], ["good", "story"], ["film", "good"]]
print(NGrams().fit(texts).hashes.tolist())
"""
    python = [sys.executable, "-c", code]
    runs = [
        subprocess.check_output(python, env=os.environ | {"PYTHONHASHSEED": seed})
        for seed in "12"
    ]
    assert runs[0] == runs[1]
    assert b"," in runs[0]


def a_few_bags():
    ids = torch.tensor([1, 2, 2, 3, 1], dtype=torch.int32)
    weights = torch.tensor([0.5, 1.0, -1.0, 2.0, 0.25])
    return Bags(ids, weights, torch.tensor([2, 0, 3]))


def test_rows_of_bags_are_taken_in_any_order():
    rows = a_few_bags()[torch.tensor([2, 1, 0, 2])]
    assert rows.ids.tolist() == [2, 3, 1, 1, 2, 2, 3, 1]
    assert rows.lengths.tolist() == [3, 0, 2, 3]
    assert rows[1:3].ids.tolist() == [1, 2]


def test_an_embedded_bag_is_a_weighted_sum():
    layer, bags = BagEmbedding(4, 16, 0.0).eval(), a_few_bags()
    dense = torch.zeros(3, 4)
    rows = torch.arange(3).repeat_interleave(bags.lengths)
    dense.index_put_((rows, bags.ids.long()), bags.weights, accumulate=True)
    torch.testing.assert_close(layer(bags), dense @ layer.ngrams.weight)


def test_training_drops_n_grams_and_keeps_their_mean():
    layer = BagEmbedding(2, 16, 0.7)
    with torch.no_grad():
        layer.ngrams.weight.fill_(1.0)
    n = 20_000
    lengths = torch.ones(n, dtype=torch.int64)
    with random_stream(0):
        sums = layer(Bags(lengths.int(), torch.ones(n), lengths))[:, 0]
    assert sums.unique().tolist() == pytest.approx([0.0, 1 / 0.3], rel=1e-4)
    assert abs(sums.mean() - 1) < 0.05


@CALM
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=8),
    st.sampled_from([0.3, 0.7, 0.99]),
    st.integers(0, 99),
)
def test_sums_in_training_are_those_of_the_masked_weights(lengths, rate, seed):
    n, generator = sum(lengths), torch.Generator().manual_seed(seed)
    ids = torch.randint(1, 7, (n,), generator=generator, dtype=torch.int32)
    weights = torch.randn(n, generator=generator)
    bags, layer = Bags(ids, weights, torch.tensor(lengths)), BagEmbedding(7, 16, rate)
    upstream = torch.randn(len(lengths), 16, generator=generator)
    with random_stream(seed):
        sums = layer(bags)
    (sums * upstream).sum().backward()
    with random_stream(seed):
        masked = weights * keep_mask(weights, rate)
    dense = torch.zeros(len(lengths), 7)
    rows = torch.arange(len(lengths)).repeat_interleave(bags.lengths)
    dense.index_put_((rows, ids.long()), masked, accumulate=True)
    torch.testing.assert_close(sums, dense @ layer.ngrams.weight)
    torch.testing.assert_close(layer.ngrams.weight.grad, dense.T @ upstream)


def test_many_texts_are_seen_ten_times():
    texts = [f"{i % 7} {i % 11}" for i in range(15_000)]  # 59 batches
    network = DNNClassifier(early_stopping=False, **SMALL)
    assert network.fit(texts, [i % 7 for i in range(15_000)]).n_iter_ == 10


MANY_CLASSES = [f"w{i} v{i % 9}" for i in range(70)] * 2, [*range(70)] * 2
BRIEF = {"max_iter": 2, "early_stopping": False, "random_state": 0}


@pytest.mark.parametrize(
    "network",
    [
        DNNClassifier(hidden_layer_sizes=(8,), **BRIEF),
        CNNClassifier(n_filters=(4,), **BRIEF),
        RNNClassifier(hidden_size=4, **BRIEF),
    ],
    ids=lambda network: type(network).__name__,
)
def test_embeddings_of_more_classes_are_wider(network, tmp_path):
    X, y = MANY_CLASSES
    widths = []
    for n in (2, 10, 70):
        network.fit(X, np.array(y) % n)
        widths.append(network.encoder_.spec.ngram_width)
    assert widths == [16, 40, 64]
    network.save(tmp_path / "network.lamina")
    saved = lamina.load(tmp_path / "network.lamina")
    np.testing.assert_array_equal(saved.predict_proba(X), network.predict_proba(X))
    few = clone(network).set_params(start_from=network).fit(X, np.array(y) % 2)
    assert few.encoder_.spec.ngram_width == 64


def test_a_bag_stands_beside_every_step():
    path, bags = BagPath(Spec(n_ngrams=(4,)), dropout=0.5).eval(), a_few_bags()
    h = torch.randn(3, 5, 2)
    out = path(Features(h, torch.tensor([5, 1, 3])), path.embed(bags)).h
    assert torch.equal(out[:, :, :2], h)
    assert torch.equal(out[:, :1, 2:].expand(-1, 5, -1), out[:, :, 2:])


def dense_model():
    torch.manual_seed(0)
    params = DenseParams(hidden_layer_sizes=(12, 20), dropout=0.0)
    spec = Spec(n_channels=2, n_categories=(5,), n_ngrams=(40,))
    task = SingleLabelClassification(ClassificationParams()).fit(np.arange(3), None)
    body = DenseBody(spec, params)
    return Model(body, task.head(body)), task


def batches_with_bags(n_steps):
    rng = np.random.default_rng(0)
    for _ in range(n_steps):
        lengths = torch.from_numpy(rng.integers(6, size=30))
        n = int(lengths.sum())
        ids = torch.from_numpy(rng.integers(1, 40, size=n)).int()
        bags = Bags(ids, torch.from_numpy(rng.normal(size=n)).float(), lengths)
        yield Batch(
            torch.from_numpy(rng.normal(size=(30, 2))).float(),
            torch.from_numpy(rng.integers(5, size=(30, 1))),
            target=torch.from_numpy(rng.integers(3, size=30)),
            bags=(bags,),
        )


def test_the_kernel_trains_bags_as_autograd_does():
    plan, curves = ExecutionPlan(torch.device("cpu"), torch.float32), []
    for make in (gradients.gradients_of, gradients.ByAutograd):
        model, task = dense_model()
        step = make(model, task, plan)
        optimizer = optimizers.OPTIMIZERS["adamw"](step.weights, TrainerParams())
        losses = []
        for batch in batches_with_bags(20):
            losses.append(step(batch).item())
            optimizer.step(3e-3)
        curves.append(losses)
    assert isinstance(step, gradients.ByAutograd)
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-4)


TOPICS = {
    "sea": ["the ship sails", "a sailor ships", "waves and sailing"],
    "sky": ["the plane flies", "a flyer planes", "clouds and flying"],
}
X = [text for texts in TOPICS.values() for text in texts] * 5
Y = [topic for topic, texts in TOPICS.items() for _ in texts] * 5


@pytest.mark.parametrize(
    "network",
    [
        DNNClassifier(**SMALL),
        CNNClassifier(n_filters=8, random_state=0),
        RNNClassifier(hidden_size=8, n_layers=1, random_state=0),
    ],
)
def test_words_that_fit_did_not_see_are_read_by_their_characters(network):
    network.fit(X, Y)
    new = ["sailboats", "flightless flyers"]
    assert network.predict(new).tolist() == ["sea", "sky"]


def test_a_dense_network_reads_texts_in_any_container():
    network = DNNClassifier(**SMALL).fit(X, Y)
    assert network.form_ == "text"
    expected = network.predict_proba(X)
    for same in (tuple(X), np.array(X), np.array(X, dtype=object)):
        assert np.array_equal(network.predict_proba(same), expected)


def test_a_text_without_a_known_n_gram_is_predicted_by_the_classes_alone():
    network = DNNClassifier(**SMALL).fit(X, Y)
    proba = network.predict_proba(["zzz", "qqq 77"])
    assert np.array_equal(proba[0], proba[1])


@pytest.mark.parametrize(("n", "n_kept"), [(999, 9), (1000, 7)])
def test_of_many_texts_the_n_grams_of_one_are_left_out(n, n_kept):
    texts = [["all", str(i)] for i in range(n)]
    ngrams = NGrams().fit(
        [*texts, *texts]
    )  # "all" and six parts of it, "0" and one part
    assert len(ngrams.encode([["0", "all"]]).ids) == n_kept


def test_few_texts_that_are_repeated_are_told_apart():
    X, y = ["red", "blue"] * 20, [0.0, 1.0] * 20
    network = DNNRegressor(max_iter=100, **SMALL).fit(X, y)
    assert network.score(X, y) > 0.8


def test_a_dense_network_refuses_a_missing_text_by_its_number():
    with pytest.raises(DataError, match="Sample 2 is not a text"):
        DNNClassifier(**SMALL).fit(["a", "b", None, "c"], [0, 1, 0, 1])


def test_a_parameter_of_texts_is_refused_for_a_table():
    with pytest.raises(ParameterError, match="token_unit"):
        DNNClassifier(token_unit="char", **SMALL).fit([[1.0], [2.0]], [0, 1])


def test_a_table_is_refused_after_texts():
    network = DNNClassifier(**SMALL).fit(X, Y)
    with pytest.raises(DataError, match="not a text"):
        network.predict([[1.0], [2.0]])


def test_without_n_grams_there_is_no_path_for_them():
    network = CNNClassifier(n_filters=4, ngram_features=False, random_state=0)
    network.fit(X, Y)
    assert network.network_.body.bag is None
