"""Texts written for sentences and pictures: likelihoods, attention, jobs learnt exactly."""

import pickle
import warnings
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
import sacrebleu
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV

from lamina import CNNClassifier, ImageCaptioner, Translator
from lamina.batch import Batch
from lamina.exceptions import DataError, DataWarning, ParameterError
from lamina.inspection import plot_attention
from lamina.ragged import Choices, Ragged
from lamina.tasks.bleu import bleu

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


def test_found_texts_have_the_likelihood_of_the_model(network):
    sentences = X[:6]
    found = network._outputs(sentences, network._ask("search", width=4))
    n_found = 0
    for i, ranked in enumerate(found):
        for h in ranked:
            text = network.task_.codec.text(h.tokens)
            # Digits that make no character are a text that is spelled otherwise.
            if h.ended and network.task_.codec.numbers(text) == h.tokens:
                n_found += 1
                (log_p,) = network.score_samples([sentences[i]], [text])
                assert h.log_p == pytest.approx(log_p, abs=1e-3)
    assert n_found > 3


def test_one_by_one_is_in_batches(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        together = network.predict(X[:6])
        assert [network.predict([x])[0] for x in X[:6]] == together
    likely = network.score_samples(X[:6], Y[:6])
    alone = [
        network.score_samples([x], [y])[0] for x, y in zip(X[:6], Y[:6], strict=True)
    ]
    np.testing.assert_allclose(likely, alone, atol=1e-4)


def test_texts_are_ranked_and_begin_as_asked(network):
    found = network.predict(["abc", "ca"], n_best=3)
    assert [len(texts) for texts in found] == [3, 3]
    assert network.predict(["abc", "ca"]) == [texts[0] for texts in found]
    found = network.predict(["abc", "ca"], n_best=2, prefix=["bc", ""])
    assert all(text.startswith("bc") for text in found[0])
    with pytest.raises(ParameterError, match="n_best"):
        network.predict(["a"], n_best=0)


def test_any_text_has_a_likelihood(network):
    log_p = network.score_samples(["abc", "ñ", "z"], ["ñandú", "😀", ""])
    assert np.isfinite(log_p).all() and (log_p < 0).all()


def test_what_is_drawn_hangs_on_the_seed(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        one = network.sample(X, random_state=1)
        assert one == network.sample(X, random_state=1)
        assert one != network.sample(X, random_state=2)
        greedy = clone(network).set_params(beam_size=1).fit(X, Y)
        assert greedy.sample(X, temperature=0) == greedy.predict(X)


def test_cut_texts_are_told():
    network = Translator(max_iter=1, max_length=2, **SMALL).fit(X, Y)
    with pytest.warns(DataWarning, match="cut"):
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


def test_score_is_bleu_of_predictions(network):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        wanted = bleu(network.predict(X), [[y] for y in Y], None)
    assert network.score(X, Y) == pytest.approx(wanted)


# Padding and attention ------------------------------------------------------------------


def test_padding_changes_nothing_forward_or_backward(network):
    net, task = network.network_, network.task_
    samples = network.encoder_.encode(X[:4])
    clean = samples.take(torch.arange(4))
    target = task.encode(Y[:4])[torch.arange(4)]
    garbage = torch.where(
        torch.arange(clean.x.shape[1]) >= clean.lengths[:, None], 5, clean.x
    )
    other = torch.where(target.real(), target.values, 6)
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


def test_shares_sum_to_one_over_the_real_steps(network):
    shares = network.attention(["abc", "a", ""], ["cba", "", "abab"])
    assert [s.shape for s in shares] == [(4, 4), (1, 2), (5, 1)]
    for s in shares:
        np.testing.assert_allclose(s.sum(1), 1, atol=1e-5)


def test_cells_of_a_picture_are_a_grid(pictures):
    network = ImageCaptioner(n_filters=(4,), decoder_size=8, max_iter=1, random_state=0)
    X, y = pictures
    (shares,) = network.fit(X, y).attention(X[:1], ["left"])
    assert shares.ndim == 3
    rows, columns = shares.shape[1:]
    assert columns > rows
    np.testing.assert_allclose(shares.sum((1, 2)), 1, atol=1e-5)
    assert len(plot_attention(network, X[0], "left").axes) == 2


# The estimators -------------------------------------------------------------------------


def test_wrong_targets_are_named():
    network = Translator(max_iter=1, **SMALL)
    for y, words in (
        (None, "None"),
        (["a"] * 23 + [3], "sample 23"),
        ("abc", "single text"),
        (["a"] * 23, "23"),
    ):
        with pytest.raises(ValueError, match=words):
            network.fit(X, y)
    with pytest.raises(DataError, match="Sample 1"):
        network.fit(["a", 3], ["a", "b"])
    with pytest.raises(DataError, match="single text"):
        network.fit("abc", ["a"])


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
        found = network.predict(X, prefix=Y)
    assert all(text.startswith(y) for text, y in zip(found, Y, strict=True))


def test_one_of_several_captions_is_learnt_at_a_time():
    rows = Ragged.of([torch.tensor([i]) for i in range(5)])
    choices = Choices(rows, torch.tensor([1, 3, 1]))
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


def test_a_fitted_classifier_is_where_the_captioner_starts(pictures):
    X, y = pictures
    classifier = CNNClassifier(n_filters=(4,), max_iter=3, random_state=0).fit(X, y)
    network = ImageCaptioner(
        encoder=FrozenEstimator(classifier),
        decoder_size=8,
        max_iter=1,
        learning_rate_init=1e-9,
        random_state=0,
    )
    network.fit(X, y)
    ours = dict(network.network_.body.network.named_parameters())
    for name, p in classifier.network_.body.named_parameters():
        torch.testing.assert_close(ours[name], p, atol=1e-5, rtol=1e-4)
    clone(network).fit(X, y)
    with pytest.raises(ValueError, match="fitted"):
        clone(network.set_params(encoder=classifier)).fit(X, y)
    with pytest.raises(ParameterError, match="n_filters"):
        network.set_params(n_filters=(3,)).fit(X, y)


# Exact jobs -----------------------------------------------------------------------------


@pytest.mark.slow
def test_strings_are_reversed():
    rng = np.random.default_rng(0)

    def strings(n):
        return [
            "".join(rng.choice(list("abcdefgh"), rng.integers(5, 16))) for _ in range(n)
        ]

    X, unseen = strings(3000), strings(300)
    network = Translator(unit="char", max_iter=60, random_state=0, **MEDIUM)
    network.fit(X, [x[::-1] for x in X])
    right = [x[::-1] == y for x, y in zip(unseen, network.predict(unseen), strict=True)]
    assert np.mean(right) >= 0.99


@pytest.mark.slow
def test_written_dates_become_iso_dates():
    rng = np.random.default_rng(1)
    forms = ["%d %B %Y", "%B %d, %Y", "%d/%m/%Y"]
    days = [date(1900, 1, 1) + timedelta(int(d)) for d in rng.permutation(73_000)]
    X = [day.strftime(forms[i % 3]) for i, day in enumerate(days[:6_000])]
    y = [day.isoformat() for day in days[:6_000]]
    network = Translator(unit="char", max_iter=20, random_state=0, **MEDIUM)
    network.fit(X[:5_500], y[:5_500])
    assert network.predict(X[5_500:]) == y[5_500:]
