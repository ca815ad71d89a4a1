"""Series, texts, and batches of samples of unequal length."""

import re
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import CNNClassifier, RNNClassifier, RNNRegressor
from lamina.batch import END, PAD, UNKNOWN
from lamina.encoders.base import RaggedSamples
from lamina.encoders.series.encoder import SeriesEncoder, SeriesParams
from lamina.encoders.texts.encoder import TextEncoder, TextParams
from lamina.encoders.texts.tokens import TokenEncoder, TokenParams
from lamina.exceptions import DataError, DataWarning
from lamina.ragged import padded_steps
from lamina.vocabulary import Vocabulary

CALM = settings(deadline=None, max_examples=40)
TINY = {"hidden_size": 3, "n_layers": 1, "max_iter": 1, "random_state": 0}


def ragged(seed, n=6, channels=2):
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 9, n)
    lengths[:2] = 3, 8
    return [rng.normal(5, 3, (n_steps, channels)) for n_steps in lengths]


def series_samples(X, weight=None):
    encoder = SeriesEncoder(SeriesParams())
    plain = encoder.read(X)
    return encoder.fit(plain, weight).encode(plain)


def truth_of(X, weight=None):
    """Each sample standardised by the mean and spread over all steps of all samples."""
    times = [1] * len(X) if weight is None else weight
    steps = np.concatenate([s for s, k in zip(X, times, strict=True) for _ in range(k)])
    return [(s - steps.mean(0)) / steps.std(0) for s in X]


@CALM
@given(st.integers(0, 10_000))
def test_ragged_series_are_standardised_over_all_steps_and_padded_with_zeros(seed):
    X = ragged(seed)
    batch = series_samples(X).take(torch.arange(len(X)))
    assert batch.lengths.tolist() == [len(s) for s in X]
    for row, truth in zip(batch.x.numpy(), truth_of(X), strict=True):
        np.testing.assert_allclose(row[: len(truth)], truth, atol=1e-5)
        assert not row[len(truth) :].any()


@CALM
@given(st.integers(0, 10_000))
def test_weight_of_a_series_counts_as_repetition(seed):
    X = ragged(seed)
    weight = np.random.default_rng(seed).integers(1, 4, len(X))
    samples = series_samples(X, weight.astype(float))
    for i, truth in enumerate(truth_of(X, weight)):
        x = samples.take(torch.tensor([i])).x[0, : len(truth)]
        np.testing.assert_allclose(x.numpy(), truth, atol=1e-5)


def test_arrays_and_lists_of_the_same_series_are_read_alike():
    X = np.random.default_rng(0).normal(size=(5, 4, 2))
    rows = torch.tensor([3, 1])
    for given_, listed in ((X, list(X)), (X[:, :, 0], list(X[:, :, 0]))):
        a = series_samples(given_).take(rows)
        b = series_samples(listed).take(rows)
        assert torch.equal(a.x, b.x)
        assert a.lengths is None
        assert b.lengths is None


def test_a_constant_channel_becomes_zero():
    X = np.random.default_rng(0).normal(size=(5, 300, 2))
    X[:, :, 1] = 0.1
    x = series_samples(X).take(torch.arange(5)).x
    np.testing.assert_allclose(x[:, :, 1], 0, atol=1e-6)


@CALM
@given(st.lists(st.integers(1, 40), min_size=1, max_size=10), st.data())
def test_rows_of_a_padded_batch_are_the_samples_asked_for(lengths, data):
    samples = [torch.arange(n) + 100 * i + 1 for i, n in enumerate(lengths)]
    ragged_samples = RaggedSamples(torch.cat(samples), torch.tensor(lengths))
    order = data.draw(st.lists(st.integers(0, len(lengths) - 1), min_size=1))
    batch = ragged_samples.take(torch.tensor(order))
    longest = max(lengths[i] for i in order)
    assert batch.x.shape == (len(order), padded_steps(longest))
    for row, n, i in zip(batch.x, batch.lengths, order, strict=True):
        assert n == lengths[i]
        assert torch.equal(row[:n], samples[i])
        assert not row[n:].any()


@CALM
@given(st.integers(1, 5000))
def test_padding_rounds_steps_up_by_less_than_sixteen(n_steps):
    assert 0 <= padded_steps(n_steps) - n_steps < 16


@pytest.mark.parametrize(("bad", "word"), [(np.inf, "inf"), (-np.inf, "inf")])
def test_a_number_that_is_not_finite_is_refused_by_sample(bad, word):
    for sample, step in ((0, 0), (1, 7), (5, 0)):
        X = ragged(0)
        X[sample][min(step, len(X[sample]) - 1), 1] = bad
        with pytest.raises(DataError, match=rf"Sample {sample} .*{word}"):
            RNNClassifier(**TINY).fit(X, [0, 1] * 3)
        network = RNNClassifier(**TINY).fit(ragged(1), [0, 1] * 3)
        with pytest.raises(DataError, match=rf"Sample {sample} .*{word}"):
            network.predict(X)


def test_a_number_that_is_not_finite_in_an_array_is_refused_by_sample():
    X = np.zeros((5, 4, 2))
    X[3, 0, 1] = np.inf
    with pytest.raises(DataError, match="Sample 3 "):
        RNNClassifier(**TINY).fit(X, [0, 1, 0, 1, 0])


@CALM
@given(st.integers(0, 10_000), st.booleans())
def test_a_missing_number_becomes_the_mean_and_a_channel_says_so(seed, is_weighted):
    X = ragged(seed)
    X[1][2:6, 1] = np.nan
    weight = np.random.default_rng(seed).integers(1, 4, len(X))
    times = weight if is_weighted else np.ones(len(X), int)
    samples = series_samples(X, times.astype(float) if is_weighted else None)
    steps = np.concatenate([np.tile(s, (k, 1)) for s, k in zip(X, times, strict=True)])
    mean, scale = np.nanmean(steps, 0), np.nanstd(steps, 0)
    for i, sample in enumerate(X):
        x = samples.take(torch.tensor([i])).x[0, : len(sample)].numpy()
        truth = np.nan_to_num((sample - mean) / scale)
        np.testing.assert_allclose(x[:, :2], truth, atol=1e-5)
        np.testing.assert_array_equal(x[:, 2], np.isnan(sample[:, 1]))


def test_missing_numbers_are_read_alike_as_nan_none_and_masked():
    X = np.random.default_rng(0).normal(size=(4, 5))
    gaps = X.copy()
    gaps[1, 2] = np.nan
    mask = np.isnan(gaps)
    truth = series_samples(gaps).x
    listed = [[None if np.isnan(v) else v for v in row] for row in gaps]
    masked = np.ma.MaskedArray(X, mask)
    for other in (listed, masked, list(masked)):
        torch.testing.assert_close(series_samples(other).x, truth)


def test_numbers_that_are_missing_for_the_first_time_after_fit_are_named():
    X = np.random.default_rng(0).normal(size=(6, 4, 2))
    network = RNNClassifier(**TINY).fit(X, [0, 1] * 3)
    X[2, 1, 1] = np.nan
    with pytest.warns(DataWarning, match="Channel 1 has missing values"):
        assert np.isfinite(network.predict_proba(X)).all()
    X[:, :, 1] = np.nan
    with pytest.raises(DataError, match="All values of channel 1 of X are missing"):
        RNNClassifier(**TINY).fit(X, [0, 1] * 3)


def test_a_series_without_steps_is_refused_naming_it():
    for empty in (np.empty((0, 2)), []):
        X = ragged(0)
        X[4] = empty
        with pytest.raises(DataError, match="Sample 4 has zero steps"):
            RNNClassifier(**TINY).fit(X, [0, 1] * 3)


def test_wrong_channels_are_refused():
    X = ragged(0)
    X[2] = np.zeros((3, 5))
    with pytest.raises(DataError, match="Sample 2 has 5 channels"):
        RNNClassifier(**TINY).fit(X, [0, 1] * 3)
    network = RNNClassifier(**TINY).fit(ragged(1), [0, 1] * 3)
    with pytest.raises(DataError, match=r"1 channel.*2"):
        network.predict(ragged(0, channels=1))


@pytest.mark.parametrize(
    "network",
    [
        RNNRegressor(**TINY),
        CNNClassifier(n_filters=(3, 3), max_iter=1, random_state=0),
    ],
    ids=["recurrent", "convolutional"],
)
def test_prediction_of_a_sample_does_not_depend_on_the_others(network):
    X = ragged(3, n=40)
    network.fit(X, np.arange(40) % 2)
    method = getattr(network, "predict_proba", network.predict)
    single = np.concatenate([method([sample]) for sample in X])
    np.testing.assert_allclose(method(X), single, atol=1e-5)


tokens = st.text(min_size=1, max_size=4)
sentences = st.lists(st.lists(tokens, min_size=1, max_size=6), min_size=1, max_size=6)


@CALM
@given(sentences)
def test_seen_tokens_come_back_as_they_were(texts):
    words = Vocabulary(texts)
    for text in texts:
        numbers = words.encode(text)
        assert words.decode(numbers) == text
        assert min(numbers) > max(PAD, UNKNOWN)
        assert max(numbers) < len(words)


@CALM
@given(sentences, st.integers(1, 4))
def test_a_small_vocabulary_keeps_the_most_frequent_tokens(texts, size):
    flat = [token for text in texts for token in text]
    words = Vocabulary(texts, size)
    kept = {t for t in flat if words.encode([t]) != [UNKNOWN]}
    assert len(kept) == min(size, len(set(flat)))
    lost = set(flat) - kept
    assert all(flat.count(k) >= flat.count(o) for k in kept for o in lost)


@CALM
@given(sentences)
def test_numbers_do_not_depend_on_the_order_of_the_samples(texts):
    assert Vocabulary(texts).tokens == Vocabulary(texts[::-1]).tokens


def test_tokens_named_like_special_tokens_are_distinct_from_them():
    words = Vocabulary([["<pad>", "<unknown>", "a"]])
    assert len(set(words.encode(["<pad>", "<unknown>", "a", "b"]))) == 4
    assert PAD not in words.encode(["<pad>"])


def fitted(X, **params):
    encoder = TextEncoder(TextParams(**params))
    return encoder.fit(encoder.read(X))


def text_batch(encoder, X):
    return encoder.encode(encoder.read(X)).take(torch.arange(len(X)))


def test_words_are_lower_cased_and_punctuation_is_separate():
    encoder = fitted(["It's GOOD, isn't it?"])
    assert set(encoder.vocabulary.tokens[END + 1 :]) == {
        "it's",
        "good",
        ",",
        "isn't",
        "it",
        "?",
    }


def test_no_letter_of_a_text_is_lost():
    text = (
        "Ärger—im \u2018Büro\u2019: 3,5% más… naïve 東京 e\u0301t\u0301 x_y don't 'tis"
    )
    text = unicodedata.normalize("NFC", text)
    for unit in ("word", "char"):
        encoder = fitted([text], token_unit=unit)
        numbers = text_batch(encoder, [text]).x[0].tolist()
        back = "".join(encoder.vocabulary.decode(numbers))
        plain = text.lower() if unit == "word" else text
        strip = (lambda s: re.sub(r"\s", "", s)) if unit == "word" else str
        assert strip(back) == strip(plain)


@pytest.mark.filterwarnings("ignore::lamina.exceptions.DataWarning")
@CALM
@given(
    st.text(st.characters() | st.sampled_from("\u0301\u0345\u0307İΣéñ한글"), min_size=1)
)
def test_both_normal_forms_are_the_same_tokens(text):
    for unit in ("word", "char"):
        forms = [unicodedata.normalize(form, f"a{text}") for form in ("NFC", "NFD")]
        encoder = TextEncoder(TextParams(token_unit=unit))
        one, other = encoder.read(forms)
        assert one == other
    encoder = TokenEncoder(TokenParams())
    one, other = encoder.read([[form] for form in forms])
    assert one == other


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी", ["हिन्दी"]),
        ("CAFE\u0301", ["café"]),
        ("ok ❤\ufe0f!", ["ok", "❤\ufe0f", "!"]),
    ],
)
def test_marks_belong_to_words(text, words):
    assert TextEncoder(TextParams()).read([text]) == [words]


@pytest.mark.parametrize(
    ("texts", "unit"),
    [
        (["我们在学习", "ok"], "char"),
        (["これはペンです", "東京"], "char"),
        (["ฉันเรียนภาษาไทย"], "char"),
        (["ភាសាខ្មែរ"], "char"),
        (["한국어를 배운다"], "word"),
        (["हिन्दी में"], "word"),
        (["We learn 学习 here", "every day"], "word"),
        (["12 34", "!"], "word"),
    ],
)
def test_scripts_without_spaces_are_read_by_characters(texts, unit):
    encoder = TextEncoder(TextParams())
    encoder.read(texts)
    assert encoder.schema.unit == unit
    encoder.read(["我们在学习", "all else"])
    assert encoder.schema.unit == unit
    if unit == "char":
        with pytest.warns(DataWarning, match="without spaces"):
            TextEncoder(TextParams(token_unit="word")).read(texts)


def test_texts_without_spaces_are_distinguished():
    X, y = ["我喜欢这部电影", "这部电影不好"] * 10, [1, 0] * 10
    network = RNNClassifier(hidden_size=8, max_iter=20, random_state=0).fit(X, y)
    assert network.score(X, y) == 1
    assert network.predict(["这部电影不好看", "我们喜欢电影"]).tolist() == [0, 1]


def test_characters_are_kept_as_they_are():
    encoder = fitted(["aA b"], token_unit="char")
    assert set(encoder.vocabulary.tokens[END + 1 :]) == {"a", "A", " ", "b"}


def test_texts_and_lists_of_their_tokens_are_read_alike():
    texts, cut = ["a b c", "a"], [["a", "b", "c"], ["a"]]
    a, b = (text_batch(fitted(X), X) for X in (texts, cut))
    assert torch.equal(a.x, b.x)
    assert a.lengths.tolist() == b.lengths.tolist() == [3, 1]


def test_lists_of_words_are_read_after_texts_but_not_the_reverse():
    texts, cut = ["a B c", "c"], [["a", "B", "c"], ["c"]]
    encoder = fitted(texts)
    assert encoder.read(cut) == encoder.read(texts) == [["a", "b", "c"], ["c"]]
    with pytest.raises(DataError, match=r"Sample 0 is a text.*list of tokens"):
        fitted(cut).read(texts)
    with pytest.raises(DataError, match="Sample 0 is a list of tokens"):
        fitted(texts, token_unit="char").read(cut)


def test_unknown_tokens_are_number_one_and_are_not_padding():
    encoder = fitted(["a b", "a"])
    batch = text_batch(encoder, ["z a", "z z z"])
    assert batch.x[:, :3].tolist() == [[UNKNOWN, END + 1, PAD], [UNKNOWN] * 3]
    assert batch.lengths.tolist() == [2, 3]


@pytest.mark.parametrize("empty", ["", "  \n", []])
def test_an_empty_text_is_refused_naming_it(empty):
    X = ["a b", "c", empty] if isinstance(empty, str) else [["a"], ["c"], empty]
    with pytest.raises(DataError, match="Sample 2 "):
        RNNClassifier(**TINY).fit(X, [0, 1, 0])


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), pd.NA, 3.0, np.int64(3), b"a", Path("a.txt"), {"a": 1}],
)
def test_a_sample_that_is_no_text_is_refused_naming_it(value):
    shown = re.escape(repr(value))
    with pytest.raises(DataError, match=rf"Sample 1 .*{shown}"):
        fitted(["a", value])
    with pytest.raises(DataError, match=rf"Token 1 of sample 1 .*{shown}"):
        fitted([["a"], ["b", value]])
    with pytest.raises(DataError, match=rf"Token 0 of sample 0 .*{shown}"):
        TokenEncoder(TokenParams()).read([[value]])
    network = RNNClassifier(**TINY).fit(["a", "b"] * 3, [0, 1] * 3)
    with pytest.raises(DataError, match=rf"Sample 0 .*{shown}"):
        network.predict([value])


@CALM
@given(st.lists(st.text(alphabet=st.characters(), min_size=1), min_size=1, max_size=3))
def test_errors_about_texts_are_data_errors(texts):
    """Lone surrogates among them: what has a token is read, and the rest is named."""
    encoder = TextEncoder(TextParams())
    try:
        text_batch(encoder.fit(encoder.read(texts)), texts)
    except DataError as error:
        assert "empty text" in str(error)


def test_a_network_takes_unknown_tokens_and_longer_texts_than_it_saw():
    X = ["good film", "bad film", "good", "bad"] * 10
    y = ["+", "-", "+", "-"] * 10
    for network in (
        RNNClassifier(
            hidden_size=8, max_iter=15, learning_rate_init=0.01, random_state=0
        ),
        CNNClassifier(
            n_filters=(8,), max_iter=15, learning_rate_init=0.01, random_state=0
        ),
    ):
        network.fit(X, y)
        assert network.score(X, y) == 1
        assert network.predict(["good thing"] * 2 + ["bad unseen"]).tolist() == [
            "+",
            "+",
            "-",
        ]
        assert np.isfinite(network.predict_proba(["film " * 50])).all()
