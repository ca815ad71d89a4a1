"""Texts for sentences and images: likelihoods, attention, exactly solvable problems."""

import pickle
import unicodedata
import warnings
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sacrebleu
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from lamina import ImageCaptioner, Translator
from lamina.batch import Batch
from lamina.exceptions import DataError, DataWarning, ParameterError
from lamina.inspection import AttentionDisplay
from lamina.ragged import AlternativeTargets, Ragged
from lamina.tasks.similarity import bleu, chrf

X = ["abc", "a", "", "cab cab", "bbbb", "ca"] * 4
Y = ["cba", "a", "", "bac bac", "bbbb", "ac"] * 4
MEDIUM = {"hidden_size": 64, "decoder_size": 128, "learning_rate_init": 0.003}
SMALL = {"hidden_size": 8, "decoder_size": 12, "unit": "char", "random_state": 0}


@pytest.fixture(scope="module")
def network():
    return Translator(max_iter=8, learning_rate_init=0.01, **SMALL).fit(X, Y)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(24, 8, 12, 3)).astype(np.float32)
    y = ["left"] * 12 + ["right side"] * 12
    X[:12, :, :6] += 2
    X[12:, :, 6:] += 2
    return X, y


# Likelihoods and searches ---------------------------------------------------------------


def test_predicted_texts_have_the_likelihood_of_the_model(network):
    sentences = X[:6]
    for penalty in (0.0, 1.0):
        network.set_params(length_penalty=penalty)
        predicted = network.predict(sentences, n_best=5)
        for sentence, ranked in zip(sentences, predicted, strict=True):
            texts = [
                text for text in ranked if len(text) < 15
            ]  # the others are truncated
            log_p = network.score_samples([sentence] * len(texts), texts)
            n_units = np.array([len(text) + 1 for text in texts])
            scores = log_p / n_units**penalty
            assert (np.diff(scores) <= 1e-3).all()


def test_single_samples_have_the_results_of_a_batch(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        together = network.predict(X[:6])
        assert [network.predict([x])[0] for x in X[:6]] == together
    likely = network.score_samples(X[:6], Y[:6])
    single = [
        network.score_samples([x], [y])[0] for x, y in zip(X[:6], Y[:6], strict=True)
    ]
    np.testing.assert_allclose(likely, single, atol=1e-4)


def test_texts_are_ranked_and_begin_as_asked(network):
    predicted = network.predict(["abc", "ca"], n_best=3)
    assert [len(texts) for texts in predicted] == [3, 3]
    assert network.predict(["abc", "ca"]) == [texts[0] for texts in predicted]
    predicted = network.predict(["abc", "ca"], n_best=2, prefix=["bc", ""])
    assert all(text.startswith("bc") for text in predicted[0])
    with pytest.raises(ParameterError, match="n_best"):
        network.predict(["a"], n_best=0)


def test_any_text_has_a_likelihood(network):
    log_p = network.score_samples(["abc", "ñ", "z"], ["ñandú", "😀", ""])
    assert np.isfinite(log_p).all() and (log_p < 0).all()


def test_samples_depend_on_the_seed(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        one = network.sample(X, random_state=1)
        assert one == network.sample(X, random_state=1)
        assert one != network.sample(X, random_state=2)
        greedy = clone(network).set_params(beam_size=1).fit(X, Y)
        assert greedy.sample(X, temperature=0) == greedy.predict(X)


def test_truncated_texts_give_a_warning():
    network = Translator(max_iter=1, max_length=1, **SMALL).fit(X, Y)
    with pytest.warns(DataWarning, match="cut"):
        network.sample(X, temperature=50, random_state=0)
    with pytest.raises(DataError, match=r"prefix of sample 0.*2 units.*max_length"):
        network.predict(X, prefix=["cc"] * len(X))


@pytest.mark.parametrize("weights", [None, [0, 1, 2, 3]])
def test_bleu_is_sacrebleus(weights):
    texts = ["a b c d e", "the cat sat on it", "no", "it is what it is now"]
    references = [["a b c d f"], ["the cat sat on a mat", "a cat sat on it"]]
    references += [["yes"], ["it is what it is"]]
    times = [1] * 4 if weights is None else weights
    rows = [i for i, n in enumerate(times) for _ in range(n)]
    longest = max(map(len, references))
    streams = [
        [references[i][j] if j < len(references[i]) else None for i in rows]
        for j in range(longest)
    ]
    wanted = sacrebleu.corpus_bleu([texts[i] for i in rows], streams).score / 100
    weight = None if weights is None else np.array(weights)
    assert bleu(texts, references, weight) == pytest.approx(wanted)


@given(st.lists(st.text(max_size=12), min_size=1, max_size=4))
def test_a_perfect_text_scores_one(texts):
    others = [[text, "something else"] for text in texts]
    assert chrf(texts, others, None) == 1
    assert 0 <= chrf([text + "a" for text in texts], others, None) <= 1


def test_chrf_is_the_mean_of_sacrebleus():
    texts = ["a b c d e", "the cat sat on it", "我在学习", ""]
    references = [["a b c d f"], ["a cat", "a cat sat on it"], ["我们在学习"], ["b"]]
    wanted = [
        max(sacrebleu.sentence_chrf(text, [r]).score for r in known) / 100
        for text, known in zip(texts, references, strict=True)
    ]
    assert chrf(texts, references, None) == pytest.approx(np.mean(wanted))
    weight = np.array([1, 2, 0, 3])
    assert chrf(texts, references, weight) == pytest.approx(
        np.average(wanted, weights=weight)
    )


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("我们今天在学校学习中文", "我们今天在家里学习中文"),
        ("これは私の新しい本です", "これは私の古い本です"),
        ("ฉันกำลังเรียนภาษาไทย", "ฉันกำลังเรียนภาษาจีน"),
    ],
)
def test_bleu_of_scripts_without_spaces_compares_characters(text, other):
    assert bleu([text], [[text]], None) == pytest.approx(1)
    assert 0.1 < bleu([text], [[other]], None) < 0.95


def test_score_is_chrf_of_predictions(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        predicted, references = network.predict(X), [[y] for y in Y]
        assert network.score(X, Y) == pytest.approx(chrf(predicted, references, None))
        weight = np.arange(len(X))
        assert network.bleu(X, Y, weight) == pytest.approx(
            bleu(predicted, references, weight)
        )


def test_parameters_of_prediction_take_effect_at_once():
    network = Translator(max_iter=1, **SMALL).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        longest = max(map(len, network.set_params(max_length=3).predict(X)))
        assert longest <= 3
        network.set_params(max_length=50, beam_size=1)
        assert network.sample(X, temperature=0) == network.predict(X)


def test_a_resumed_network_keeps_its_form():
    network = Translator(max_iter=1, warm_start=True, **SMALL).fit(X, Y)
    for changed in ({"decoder_size": 6}, {"decoder_dropout": 0.1}, {"unit": "word"}):
        with pytest.raises(ParameterError, match=next(iter(changed))):
            clone_of(network).set_params(**changed).fit(X, Y)
    losses = [
        clone_of(network).set_params(label_smoothing=s).fit(X, Y).loss_curve_[1]
        for s in (0.0, 0.5)
    ]
    assert losses[0] != losses[1]


def clone_of(fitted):
    return pickle.loads(pickle.dumps(fitted))


@pytest.mark.parametrize(
    "wrong",
    [
        *({"temperature": v} for v in (-1, np.nan, "hot", None, True)),
        *({"top_k": v} for v in (0, 1.5, "all")),
        *({"top_p": v} for v in (0, 1.1, np.nan, -0.5)),
        {"random_state": "now"},
    ],
)
def test_wrong_arguments_are_refused_by_name(network, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ParameterError, match=f"{name}.*{value}"):
        network.sample(X, **wrong)


def test_arguments_may_be_numbers_of_numpy(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        drawn = {"temperature": 0.5, "top_k": 3, "top_p": 0.5, "random_state": 0}
        types = np.float32, np.int64, np.float64, np.int64
        numpys = {k: t(v) for (k, v), t in zip(drawn.items(), types, strict=True)}
        assert network.sample(X, **drawn) == network.sample(X, **numpys)
        assert network.predict(X, n_best=np.int64(1)) == network.predict(X, n_best=1)


def test_methods_before_fit_raise_not_fitted_error():
    network = Translator(**SMALL)
    for method in (network.predict, network.sample, network.attention):
        with pytest.raises(NotFittedError):
            method(X)
    for method in (network.score_samples, network.bleu, network.score):
        with pytest.raises(NotFittedError):
            method(X, Y)


@pytest.mark.parametrize("unit", ["char", "word", "bpe"])
def test_only_what_was_learnt_is_written(unit):
    """Drawn nearly uniformly: only units of the targets, and only whole characters."""
    y = ["rosé", "日本", "😀 ñ", "rosé 日"] * 6
    network = Translator(
        **SMALL | {"unit": unit}, max_tokens=(260 if unit == "bpe" else 3)
    )
    if unit == "char":
        network.set_params(max_tokens=Translator().max_tokens)
    network.set_params(max_iter=1, max_length=7).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        texts = network.sample(X * 20, temperature=50, random_state=0)
        texts += network.predict(X, prefix=["Ω"] * len(X))
    if unit == "bpe":  # the bytes that were learnt make other characters too
        assert "\ufffd" not in "".join(texts)
    else:
        assert set("".join(texts)) <= set("".join(y)) | {"Ω"}
    assert len("".join(texts)) > 100


# Padding and attention ------------------------------------------------------------------


def test_padding_changes_nothing_forward_or_backward(network):
    net, task = network.network_, network.task_
    samples = network.encoder_.encode(X[:4])
    clean = samples.take(torch.arange(4))
    target = task.encode(Y[:4])[torch.arange(4)]
    garbage = torch.where(
        torch.arange(clean.x.shape[1]) >= clean.lengths[:, None], 5, clean.x
    )
    other = torch.where(target.mask(), target.values, 6)
    gradients, losses = [], []
    for x, values in ((clean.x, target.values), (garbage, other)):
        net.zero_grad()
        batch = Batch(x, lengths=clean.lengths, target=replace(target, values=values))
        loss = task.loss(net, batch)
        loss.backward()
        losses.append(loss.item())
        gradients.append([p.grad.clone() for p in net.parameters()])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    for one, two in zip(*gradients, strict=True):
        torch.testing.assert_close(one, two, atol=1e-6, rtol=1e-4)


def test_attention_weights_sum_to_one_over_the_real_steps(network):
    weights = network.attention(["abc", "a", ""], ["cba", "", "abab"])
    assert [s.shape for s in weights] == [(4, 4), (1, 2), (5, 1)]
    for s in weights:
        np.testing.assert_allclose(s.sum(1), 1, atol=1e-5)


def test_cells_of_a_picture_are_a_grid(pictures):
    network = ImageCaptioner(n_filters=(4,), decoder_size=8, max_iter=1, random_state=0)
    X, y = pictures
    (weights,) = network.fit(X, y).attention(X[:1], ["left"])
    assert weights.ndim == 3
    rows, columns = weights.shape[1:]
    assert columns > rows
    np.testing.assert_allclose(weights.sum((1, 2)), 1, atol=1e-5)
    pytest.importorskip("matplotlib").use("Agg")
    display = AttentionDisplay.from_estimator(network, X[0], text="left")
    assert len(display.axes_) == len(display.written) == 2


# The estimators -------------------------------------------------------------------------


def test_wrong_targets_are_named():
    network = Translator(max_iter=1, **SMALL)
    for y, words in (
        (None, "None"),
        (["a"] * 23 + [3], "target of sample 23.*3"),
        (["a"] * 23 + [None], "target of sample 23.*None"),
        ([["a", "b"]] * 24, "target of sample 0.*list"),
        (pd.DataFrame({"one": Y, "two": Y}), "frame with 2 columns"),
        (dict(enumerate(Y)), "dict"),
        ("abc", "single text"),
        (["a"] * 23, "23"),
    ):
        with pytest.raises(ValueError, match=words):
            network.fit(X, y)
    with pytest.raises(DataError, match="Sample 1"):
        network.fit(["a", 3], ["a", "b"])
    with pytest.raises(DataError, match="single text"):
        network.fit("abc", ["a"])


@pytest.mark.parametrize(
    "container",
    [
        lambda texts: pd.DataFrame({"text": texts}),
        lambda texts: pd.Series(texts, index=range(5, 5 + len(texts))),
        lambda texts: pl.DataFrame({"text": texts}),
        lambda texts: pa.table({"text": texts}),
        pa.array,
        lambda texts: np.array(texts, dtype=object)[:, None],
        tuple,
    ],
)
def test_columns_of_texts_are_lists_of_texts(network, container):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        assert network.predict(container(X[:6])) == network.predict(X[:6])
    likely = network.score_samples(X, Y)
    assert (network.score_samples(container(X), container(Y)) == likely).all()


def test_a_wrong_prefix_is_named(network):
    for prefix, words in (
        ("a", "prefix is a single text"),
        (["a", None], "prefix of sample 1.*None"),
        (["a"], "1 texts for 2 samples"),
    ):
        with pytest.raises(DataError, match=words):
            network.predict(["abc", "ca"], prefix=prefix)


def test_a_lone_surrogate_is_read_or_named():
    half = ["a\udc80b", *X[1:]]
    network = Translator(max_iter=1, **SMALL).fit(half, half)
    assert np.isfinite(network.score_samples(["\ud800"], ["\ud801"])).all()
    network = Translator(**SMALL | {"unit": "bpe"}, max_iter=1)
    with pytest.raises(DataError, match=r"Sample 0 .*surrogate.*character 1"):
        network.fit(half, Y)
    with pytest.raises(DataError, match=r"target of sample 0 .*surrogate"):
        network.fit(X, half)


def test_both_normal_forms_are_the_same_sentence():
    composed = ["rosé", "café", "é"] * 8
    network = Translator(max_iter=1, **SMALL).fit(composed, composed)
    apart = [unicodedata.normalize("NFD", text) for text in composed]
    assert (
        network.score_samples(apart, composed)
        == network.score_samples(composed, composed)
    ).all()


def test_words_of_texts_without_spaces_give_a_warning():
    network = Translator(**SMALL | {"unit": "word"}, max_iter=1)
    with pytest.warns(DataWarning, match="without spaces"):
        network.fit(X, ["我们在学习"] * len(X))


def test_grid_search_copies_and_early_stopping():
    network = Translator(max_iter=2, **SMALL)
    search = GridSearchCV(network, {"decoder_size": [6, 8]}, cv=2).fit(X, Y)
    assert search.best_params_["decoder_size"] in (6, 8)
    network.set_params(early_stopping=True).fit(X, Y)
    assert len(network.validation_scores_) == network.n_iter_
    again = pickle.loads(pickle.dumps(network))
    assert again.score(X, Y) == network.score(X, Y)
    embed = again.network_.head.embed
    assert again.network_.head.logits.tied[0] is embed


@pytest.mark.parametrize("unit", ["word", "bpe"])
def test_other_units(unit):
    network = Translator(**SMALL | {"unit": unit}, max_iter=1).fit(X, Y)
    assert np.isfinite(network.score_samples(X, Y)).all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        predicted = network.predict(X, prefix=Y)
    assert all(text.startswith(y) for text, y in zip(predicted, Y, strict=True))


def test_one_of_several_captions_is_learnt_at_a_time():
    rows = Ragged.of([torch.tensor([i]) for i in range(5)])
    choices = AlternativeTargets(rows, torch.tensor([1, 3, 1]))
    drawn = torch.stack(
        [choices[torch.tensor([2, 1])].values[:, 0] for _ in range(300)]
    )
    assert (drawn[:, 0] == 4).all()
    counts = torch.bincount(drawn[:, 1], minlength=5)
    assert counts[[0, 4]].sum() == 0 and (counts[1:4] > 60).all()


def test_captions_may_be_several(pictures):
    X, y = pictures
    several = [[text, f"the {text}"] for text in y]
    network = ImageCaptioner(n_filters=(4,), decoder_size=8, max_iter=2, random_state=0)
    network.fit(X, several)
    assert 0 <= network.score(X, several) <= 1
    with pytest.raises(DataError, match="Sample 0 has 2"):
        network.score_samples(X, several)
    with pytest.raises(DataError, match="sample 1"):
        network.fit(X, [y[0], [], *y[2:]])


# Exactly solvable problems --------------------------------------------------------------


@pytest.mark.slow
def test_strings_are_reversed():
    rng = np.random.default_rng(0)

    def strings(n):
        return [
            "".join(rng.choice(list("abcdefgh"), rng.integers(5, 9))) for _ in range(n)
        ]

    X, unseen = strings(1500), strings(300)
    network = Translator(unit="char", max_iter=25, random_state=0, **MEDIUM)
    network.fit(X, [x[::-1] for x in X])
    right = [x[::-1] == y for x, y in zip(unseen, network.predict(unseen), strict=True)]
    assert np.mean(right) >= 0.99


@pytest.mark.slow
def test_written_dates_become_iso_dates():
    rng = np.random.default_rng(1)
    forms = ["%d %B %Y", "%B %d, %Y", "%d/%m/%Y"]
    days = [date(1900, 1, 1) + timedelta(int(d)) for d in rng.permutation(73_000)]
    X = [day.strftime(forms[i % 3]) for i, day in enumerate(days[:3_500])]
    y = [day.isoformat() for day in days[:3_500]]
    network = Translator(unit="char", max_iter=14, random_state=0, **MEDIUM)
    network.fit(X[:3_000], y[:3_000])
    assert network.predict(X[3_000:]) == y[3_000:]
