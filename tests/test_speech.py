"""Speech recognition: texts of tones, alignments, padding, refusals."""

import pickle
import wave
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from lamina import LanguageModel, SpeechRecognizer
from lamina.batch import Batch
from lamina.exceptions import DataError
from lamina.tasks.errors import error_rate

RATE = 4_000
PITCHES = {"a": 300, "b": 700, "c": 1200, " ": 0}


def said(text, rng, seconds=0.1):
    """A tone for each letter; silence after it, for a space, and at both ends."""
    t = np.arange(int(RATE * seconds)) / RATE
    sounds = t < 0.6 * seconds
    parts = [np.sin(2 * np.pi * PITCHES[c] * t) * sounds * 0.3 for c in f" {text} "]
    wave = np.concatenate(parts)
    return (wave + 0.01 * rng.normal(size=len(wave))).astype(np.float32)


def recordings(n, seed=0):
    rng = np.random.default_rng(seed)
    words = [
        ["".join(rng.choice(list("abc"), rng.integers(1, 4))) for _ in range(3)]
        for _ in range(n)
    ]
    texts = [" ".join(w[: rng.integers(1, 4)]) for w in words]
    return [said(text, rng) for text in texts], texts


def network(**params):
    small = {"hidden_size": 24, "n_layers": 1, "n_filters": 16, "stride": 2}
    return SpeechRecognizer(
        **{"sampling_rate": RATE, "random_state": 0} | small | params
    )


X, Y = recordings(200)


@pytest.fixture(scope="module")
def fitted():
    return network(max_iter=20, learning_rate_init=0.01, masking=False).fit(X, Y)


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_error_rates_are_edit_distances(unit):
    def distance(a, b):
        row = list(range(len(b) + 1))
        for i, x in enumerate(a, 1):
            last, row[0] = row[0], i
            for j, y in enumerate(b, 1):
                last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
        return row[-1]

    truth = ["the cat sat", "a", "", "on it on"]
    transcripts = ["the cat sit there", "", "oh no", "on on"]
    if unit == "words":
        truth[0], transcripts[3] = "the  cat\tsat", "on\non"
    cut = str.split if unit == "words" else list
    pairs = list(zip(truth, transcripts, strict=True))
    for weight in (None, np.array([1.0, 0, 2, 0.5])):
        w = np.ones(4) if weight is None else weight
        wrong = sum(
            v * distance(cut(a), cut(b)) for v, (a, b) in zip(w, pairs, strict=True)
        )
        n = sum(v * len(cut(a)) for v, a in zip(w, truth, strict=True))
        assert error_rate(unit, truth, transcripts, weight) == pytest.approx(wrong / n)


def test_tones_are_learnt_with_their_times(fitted):
    X_new, y_new = recordings(20, seed=1)
    assert fitted.score(X_new, y_new) > 0.9
    assert fitted.score(X_new, y_new) == pytest.approx(
        1 - fitted.word_error_rate(X_new, y_new)
    )
    assert fitted.character_error_rate(X_new, y_new) < 0.05
    for text, words in zip(y_new, fitted.timestamps(X_new, y_new), strict=True):
        assert [word for word, _, _ in words] == text.split()
        at = 0.1  # the silence before
        for word, start, end in words:
            assert at - 0.1 < start < end < at + 0.1 * len(word) + 0.1
            at += 0.1 * (len(word) + 1)


def test_a_search_is_no_worse_and_follows_a_language_model(fitted):
    wide = clone(fitted).set_params(beam_size=6).fit(X, Y)
    X_new, _ = recordings(10, seed=2)
    paths = wide.score_samples(X_new, wide.predict(X_new))
    greedy = wide.score_samples(X_new, fitted.predict(X_new))
    assert (paths >= greedy - 1e-3).all()
    only_a = LanguageModel(
        unit="char", hidden_size=8, max_iter=60, learning_rate_init=0.03
    )
    only_a.set_params(random_state=0).fit(["aaaa aaa aa", "aaa"] * 10)
    biased = clone(wide).set_params(
        language_model=FrozenEstimator(only_a), language_weight=20.0
    )
    assert set("".join(biased.fit(X, Y).predict(X_new))) <= set("a ")
    assert pickle.loads(pickle.dumps(biased)).predict(X_new) == biased.predict(X_new)
    with pytest.raises(ValueError, match="language_weight"):
        network(language_weight=0.9).fit(X, Y)
    with pytest.raises(ValueError, match="fitted"):
        network(language_model=LanguageModel(unit="char")).fit(X, Y)
    of_words = LanguageModel(unit="word", hidden_size=8, max_iter=1).fit(Y)
    with pytest.raises(ValueError, match="unit='word'"):
        network(language_model=FrozenEstimator(of_words)).fit(X, Y)


def test_likelihoods_are_sums_over_paths(fitted):
    likely = fitted.score_samples(X[:5], Y[:5])
    assert (likely <= 0).all() and (likely > -20).all()
    single = [
        fitted.score_samples([x], [y])[0] for x, y in zip(X[:5], Y[:5], strict=True)
    ]
    np.testing.assert_allclose(likely, single, atol=1e-4)
    assert fitted.score_samples(X[:1], ["a" * 500])[0] == -np.inf


@pytest.mark.parametrize("same_length", [False, True])
def test_texts_that_do_not_fit_are_refused_by_number_before_training(same_length):
    sounds = [np.resize(x, 5200) for x in X] if same_length else X
    model = network(max_iter=1, shuffle=False)
    with pytest.raises(DataError, match=r"sample 150, 'aaaaaaaa.*needs 199 steps"):
        model.fit(sounds, [*Y[:150], "a" * 100, *Y[151:]])
    assert not hasattr(model, "network_")


def test_time_stamps_end_with_the_recording_and_never_before_they_start(fitted):
    for n in (1, 90, 400, 1203):
        sound = X[0][:n]
        for (_, start, end), *_ in filter(None, fitted.timestamps([sound], ["a"])):
            assert 0 <= start < end <= n / RATE
    with pytest.raises(DataError, match=r"sample 1, 'a{79}\.\.\., needs 199 steps"):
        fitted.timestamps(X[:2], [Y[0], "a" * 100])


def test_steps_are_ten_milliseconds_on_average():
    rate, seconds = 22_050, 20
    t = np.arange(rate * seconds) / rate
    late = [np.where(t >= at, np.sin(2 * np.pi * 700 * t), 0.0) for at in (1, 19)]
    model = network(sampling_rate=rate, max_iter=1, stride=1)
    first, second = late
    model.fit([first, second] * 4, ["a", "a"] * 4)
    samples = model.encoder_.encode(model.encoder_.read(late))
    for x, at in zip(samples.take(torch.arange(2)).x, (1, 19), strict=True):
        onset = int((x.mean(1) > x.mean()).nonzero()[0])
        # A window of 25 ms contains the sound before the start of its step.
        assert at - 0.035 < onset * 0.01 <= at + 0.01


@pytest.mark.parametrize("unit", ["char", "word", "bpe"])
def test_unseen_characters_are_refused_or_count_as_errors(unit, fitted):
    model = fitted if unit == "char" else network(max_iter=1, unit=unit).fit(X, Y)
    for method in (model.timestamps, model.score_samples):
        with pytest.raises(DataError, match=r"sample 1, 'a z', has the character 'z'"):
            method(X[:2], ["a", "a z"])
    spelled = model.score(X[:2], ["z z z z z z z z", "z"])
    assert spelled <= model.score(X[:2], Y[:2])
    network(max_iter=1, unit=unit).fit(X[:20], Y[:20], X_val=X[:2], y_val=["z", "a"])


def test_new_characters_in_a_resumed_fit_are_refused():
    model = network(max_iter=1).fit(X, Y)
    with pytest.raises(DataError, match=r"sample 2, 'a z', has the character 'z'"):
        model.partial_fit(X[:3], ["a", "b", "a z"])


def test_characters_of_several_bytes_are_one_in_time_stamps():
    texts = ["\u00e9\u4e2d", "\u4e2d"] * 10
    sounds = [said("a b", np.random.default_rng(i)) for i in range(20)]
    model = network(max_iter=1, unit="bpe", max_tokens=256).fit(sounds, texts)
    words = model.timestamps(sounds[:2], texts[:2])
    assert [[word for word, _, _ in row] for row in words] == [[t] for t in texts[:2]]
    for row in model.timestamps(sounds):
        assert all(start < end for _, start, end in row)


def test_methods_before_fit_raise_not_fitted_error():
    for method in ("score", "score_samples", "word_error_rate", "character_error_rate"):
        with pytest.raises(NotFittedError):
            getattr(network(), method)(X[:2], Y[:2])
    for y in (None, Y[:2]):
        with pytest.raises(NotFittedError):
            network().timestamps(X[:2], y)


def test_parameters_of_the_search_take_effect_at_once(fitted):
    X_new, _ = recordings(10, seed=2)
    greedy = fitted.predict(X_new)
    only_a = LanguageModel(
        unit="char", hidden_size=8, max_iter=60, learning_rate_init=0.03, random_state=0
    ).fit(["aaaa aaa aa", "aaa"] * 10)
    changed = pickle.loads(pickle.dumps(fitted))
    changed.set_params(
        beam_size=6, language_model=FrozenEstimator(only_a), language_weight=20.0
    )
    assert set("".join(changed.predict(X_new))) <= set("a ")
    changed.set_params(language_weight=0.0)
    wide = changed.predict(X_new)
    changed.set_params(language_model=None)
    with pytest.raises(ValueError, match="language_weight"):
        changed.predict(X_new)
    changed.set_params(language_weight=0.5)
    assert changed.predict(X_new) == wide
    assert changed.set_params(beam_size=1).predict(X_new) == greedy


def test_the_level_of_a_recording_has_no_effect_on_transcripts(fitted):
    X_new, y_new = recordings(20, seed=3)
    expected = fitted.predict(X_new)
    assert fitted.score(X_new, y_new) > 0.9
    for factor in (0.03, 0.25, 2.0):
        assert fitted.predict([factor * x for x in X_new]) == expected


def test_silence_is_an_empty_text():
    rng = np.random.default_rng(0)
    silent = [0.01 * rng.normal(size=1000).astype(np.float32) for _ in range(20)]
    model = network(max_iter=20, learning_rate_init=0.01).fit(X + silent, Y + [""] * 20)
    assert model.predict(silent[:3]) == ["", "", ""]
    assert model.timestamps(silent[:1]) == [[]]
    assert np.isfinite(network(max_iter=1).fit(silent, [""] * 20).loss_curve_).all()


def test_files_of_another_rate_are_the_same(tmp_path, fitted):
    paths = []
    for i, x in enumerate(X[:4]):
        stereo = np.stack([x, x], 1).repeat(2, 0)  # at twice the rate
        paths.append(tmp_path / f"{i}.wav")
        with wave.open(str(paths[-1]), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(2 * RATE)
            file.writeframes((stereo * 32767).astype("<i2").tobytes())
    assert fitted.predict(paths) == fitted.predict(X[:4])


def test_padding_changes_nothing_forward_or_backward(fitted):
    net, task = fitted.network_, fitted.task_
    clean = fitted.encoder_.encode(fitted.encoder_.read(X[:4])).take(torch.arange(4))
    target = task.encode(Y[:4])[torch.arange(4)]
    more = torch.cat([clean.x, torch.zeros(4, 7, clean.x.shape[2])], 1)
    padded = torch.arange(more.shape[1]) >= clean.lengths[:, None]
    garbage = torch.where(padded[..., None], 1e3, more)
    other = torch.where(target.mask(), target.values, 2)
    results = []
    for x, values in ((clean.x, target.values), (garbage, other)):
        net.zero_grad()
        batch = Batch(x, lengths=clean.lengths, target=replace(target, values=values))
        loss = task.loss(net, batch)
        loss.backward()
        results.append([loss.detach(), *(p.grad.clone() for p in net.parameters())])
    for one, two in zip(*results, strict=True):
        torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-3)


def test_other_units_and_wrong_targets():
    model = network(max_iter=1, unit="bpe").fit(X, Y)
    assert all(isinstance(text, str) for text in model.predict(X[:3]))
    with pytest.raises(DataError, match="sample 1"):
        network().fit(X, [Y[0], 3, *Y[2:]])
    with pytest.raises(DataError, match="None"):
        network().fit(X)
