"""Language models: likelihoods, carried states, generated texts."""

import itertools
import os
import pickle
import unicodedata

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lamina import LanguageModel
from lamina.batch import BEGIN, END, CarriedState
from lamina.codec import Codec
from lamina.encoders.texts.documents import Documents, read_documents
from lamina.exceptions import DataError, DataWarning, ParameterError
from lamina.nn.language import Stepper
from lamina.nn.losses import weighted_mean
from lamina.training.loader import Loader
from lamina.units import Words

TEXTS = ["a rose is a rose", "", "is it", "a", "a rose by any other name is a name"] * 4
UNITS = ["char", "word", "bpe"]
ANY_TEXT = st.text(
    st.characters() | st.sampled_from("\u0301\ud800\udfff\u200d\u093f\ufe0f' _"),
    max_size=20,
)
"""Texts of all characters, those among them that are no letters by themselves."""


def network(**params):
    small = {"unit": "char", "hidden_size": 12, "window": 8, "max_iter": 3}
    return LanguageModel(**({"random_state": 0} | small | params))


def fitted(unit="char", **params):
    size = {"word": 3, "bpe": 260}.get(unit)
    if size is not None:
        params = {"max_tokens": size} | params
    return network(unit=unit, **params).fit(TEXTS)


@pytest.fixture(scope="module", params=UNITS)
def each(request):
    return fitted(request.param)


@pytest.fixture(scope="module")
def chars():
    return fitted(learning_rate_init=0.02, max_iter=20)


def numbered(lengths, window):
    """Documents of these many steps whose tokens are all different."""
    lengths = torch.tensor(lengths)
    flat = torch.arange(int((lengths + 1).sum())) + 1
    return Documents(flat, lengths, window)


# Windows --------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=12),
    st.integers(1, 9),
    st.integers(1, 7),
    st.none() | st.integers(0, 5),
)
def test_an_epoch_reads_every_step_once_and_rows_continue(lengths, window, size, seed):
    documents = numbered(lengths, window)
    windows = documents.in_training()
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    seen, before = [], []
    for rows in windows.batches(size, generator):
        assert 1 <= len(rows) <= size
        batch = windows.take(rows)
        assert int(batch.lengths.max()) <= window
        now = []
        for i, (x, n) in enumerate(zip(batch.x, batch.lengths.tolist(), strict=True)):
            pairs = list(zip(x[:n].tolist(), x[1 : n + 1].tolist(), strict=True))
            assert not x[n + 1 :].any()
            if not batch.resets_state[i]:
                assert pairs[0][0] == before[i][-1][1]
            seen += pairs
            now.append(pairs)
        before = now
    ends = set((documents.starts + documents.lengths + 1).tolist())
    tokens = documents.flat.tolist()
    wanted = [(t, t + 1) for t in tokens if t not in ends]
    assert sorted(seen) == wanted


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 9))
def test_a_window_belongs_to_its_document(lengths, window):
    windows = numbered(lengths, window).in_training()
    weight = torch.arange(len(lengths)).float()[windows.sample_index]
    n_rows = [-(-n // window) for n in lengths]
    assert weight.tolist() == np.repeat(range(len(lengths)), n_rows).tolist() * 2


def test_a_single_long_text_fills_every_row():
    windows = numbered([1000], 10).in_training()
    batches = windows.batches(8, torch.Generator().manual_seed(0))
    assert [len(rows) for rows in batches] == [8] * 12 + [4]
    begins = [windows.take(rows).resets_state.any().item() for rows in batches]
    assert begins == [True] + [False] * 12


def test_documents_of_similar_length_are_batched_together():
    lengths = torch.randint(1, 60, (2000,), generator=torch.Generator().manual_seed(0))
    windows = numbered(lengths.tolist(), 60).in_training()
    batches = windows.batches(16, torch.Generator().manual_seed(0))
    n_read = sum(windows.take(rows).x[:, 1:].numel() for rows in batches)
    assert n_read < 1.25 * int(lengths.sum())


# Units ----------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.sampled_from(UNITS[:2]))
def test_every_text_is_restored_from_its_units(text, unit):
    codec = Codec(unit, 4_000).fit(["a rose", "is"])
    numbers = codec.token_ids(text)
    assert codec.text(numbers) == text
    assert min(numbers, default=END + 1) > END
    assert codec.text_of_outputs(codec.outputs(text)) == text


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_words_concatenate_to_the_text_and_keep_combining_marks(text):
    pieces = Words().split(text)
    assert Words().join(pieces) == text
    for before, piece in itertools.pairwise(pieces):
        is_mark = unicodedata.category(piece[0]).startswith("M")
        assert not is_mark or before[-1].isspace()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("हिन्दी में लिखो", ["हिन्दी", " में", " लिखो"]),
        ("cafe\u0301 it\u2019s", ["cafe\u0301", " it\u2019s"]),
        ("❤\ufe0f ok", ["❤\ufe0f", " ok"]),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"],
        ),
        ("it's 3,5%", ["it's", " 3", ",", "5", "%"]),
    ],
)
def test_words_have_their_marks(text, words):
    assert Words().split(text) == words


def test_every_text_is_restored_from_its_byte_pairs():
    codec = fitted("bpe").encoder_.codec
    for text in ("a rosé", "\u4e2d\u6587 😀", ""):
        assert codec.text(codec.token_ids(text)) == text


# Likelihoods ----------------------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS[:2])
def test_likelihoods_of_all_short_texts_are_a_distribution(unit):
    model = network(unit=unit, max_iter=30, learning_rate_init=0.03, max_tokens=4_000)
    if unit == "word":
        model.set_params(max_tokens=2)
    else:
        model.set_params(max_tokens=LanguageModel().max_tokens)
    model.fit(["a", "b", "a b", "b a", "", "a a", "ab"] * 4)
    alphabet = "ab "
    totals = []
    for n in range(7):
        texts = ["".join(t) for t in itertools.product(alphabet, repeat=n)]
        totals.append(np.exp(model.score_samples(texts)).sum())
    assert 0.8 < sum(totals) <= 1 + 1e-6


def test_steps_of_the_stepper_are_the_likelihood(each):
    stepper, texts = Stepper(each.network_), ["a rose is", "any zoo", ""]
    for text, log_p in zip(texts, each.score_samples(texts), strict=True):
        after, state = stepper.start(1)
        total = 0.0
        for number in [*each.encoder_.codec.token_ids(text), END]:
            assert after.exp().sum() == pytest.approx(1, abs=1e-5)
            total += after[0, number - END].item()
            after, state = stepper.step(torch.tensor([number - END]), state)
        assert total == pytest.approx(log_p, abs=1e-4)


@pytest.mark.parametrize("cell", ["gru", "rnn", "lstm"])
def test_reading_a_text_is_the_same_as_reading_its_steps(cell):
    stepper = Stepper(fitted(cell=cell, n_layers=2).network_)
    tokens = torch.randint(1, 5, (3, 300), generator=torch.Generator().manual_seed(0))
    log_p, state = stepper.start(3)
    at_once, _ = stepper.read(tokens, state)
    for column in tokens.T:
        log_p, state = stepper.step(column, state)
    torch.testing.assert_close(log_p, at_once, atol=1e-4, rtol=0)


def test_states_can_be_selected(chars):
    stepper = Stepper(chars.network_)
    _, state = stepper.start(2)
    tokens = torch.tensor([1, 2])
    _, state = stepper.step(tokens, state)
    rows = torch.tensor([1, 1, 0])
    after, _ = stepper.step(torch.tensor([3, 3, 3]), stepper.select(state, rows))
    straight, _ = stepper.step(torch.tensor([3, 3]), state)
    torch.testing.assert_close(after, straight[rows], atol=1e-6, rtol=0)


def test_single_samples_have_the_results_of_a_batch(each):
    texts = ["a rose is a rose", "", "zoo " * 200, "by"]
    for method in (each.score_samples, each.predict_proba, each.transform):
        single = np.concatenate([method([text]) for text in texts])
        np.testing.assert_allclose(method(texts), single, rtol=1e-5, atol=1e-5)


def test_carried_windows_train_on_the_likelihood_of_whole_documents():
    """With a row for each document none is split: the losses add up to the whole."""
    model = fitted(dropout=0.0)
    texts = ["a rose is a rose is a rose", "any other name", "a rose by a name" * 3]
    documents = model.encoder_.encode(texts)
    body_and_head, task = model.network_.train(), model.task_
    windows = documents.in_training()
    firsts = set(windows.first.tolist())
    total, n_steps, carried = 0.0, 0, CarriedState()
    for row in range(len(windows)):  # each batch is a single window
        number = row + len(windows) * (row in firsts)
        batch = windows.take(torch.tensor([number]))
        batch.carried = carried
        n = int(batch.lengths.sum())
        total += task.loss(body_and_head, batch).item() * n
        n_steps += n
    body_and_head.eval()
    assert n_steps == int(documents.lengths.sum())
    assert -total == pytest.approx(model.score_samples(texts).sum(), rel=1e-5)


def test_padding_changes_nothing_forward_or_backward():
    model = fitted(dropout=0.0)
    net, samples = model.network_.train(), model.encoder_.encode(["a rose", "is", ""])
    clean = samples.take(torch.arange(3))
    steps = torch.arange(clean.x.shape[1])
    garbage = torch.where(steps > clean.lengths[:, None], 5, clean.x)
    gradients = []
    for x in (clean.x, garbage):
        net.zero_grad()
        loss = model.task_.loss(net, type(clean)(x, lengths=clean.lengths))
        loss.backward()
        gradients.append([p.grad.clone() for p in net.parameters()])
    net.eval()
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
    methods = (model.task_.predict, model.task_.following, model.task_.features)
    for method in methods:
        with torch.inference_mode():
            one = method(net, clean)
            other = method(net, type(clean)(garbage, lengths=clean.lengths))
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_score_is_bits_per_character_and_the_end_counts(each):
    bits = each.score_samples(TEXTS) / np.log(2)
    n_characters = sum(len(t) + 1 for t in TEXTS)
    assert each.score(TEXTS) == pytest.approx(bits.sum() / n_characters)
    weight = np.arange(len(TEXTS))
    repeated = [t for t, w in zip(TEXTS, weight, strict=True) for _ in range(w)]
    assert each.score(TEXTS, sample_weight=weight) == pytest.approx(
        each.score(repeated), rel=1e-5
    )


def test_perplexity_is_per_unit(each):
    n_units = sum(len(each.encoder_.codec.units.split(t)) + 1 for t in TEXTS)
    wanted = np.exp(-each.score_samples(TEXTS).sum() / n_units)
    assert each.perplexity(TEXTS) == pytest.approx(wanted)


def test_unseen_text_has_a_likelihood(each):
    log_p = each.score_samples(["ñ", "😀 zzz", "\u0000"])
    assert np.isfinite(log_p).all() and (log_p < -1).all()


def test_sample_weight_is_repetition():
    texts = ["a rose is a rose", "is it a", "by any name"]
    params = {"batch_size": 50, "shuffle": False, "dropout": 0.0, "window": 50}
    weighted = network(**params).fit(texts, sample_weight=[2, 1, 0])
    repeated = network(**params).fit([texts[0], texts[0], texts[1]])
    np.testing.assert_allclose(
        weighted.predict_proba(["a r"]), repeated.predict_proba(["a r"]), atol=1e-5
    )
    assert weighted_mean(torch.ones(2), None) == 1


# Generation -----------------------------------------------------------------------------


def test_frequencies_of_drawn_units_are_their_probabilities(chars):
    n, prompt = 4000, "a ro"
    for temperature in (1.0, 0.5):
        drawn = chars.generate(
            [prompt] * n, max_length=1, temperature=temperature, random_state=0
        )
        p = chars.predict_proba([prompt])[0] ** (1 / temperature)
        learnt = {"<end>", *"".join(TEXTS)}
        p *= [unit in learnt for unit in chars.vocabulary_]  # digits are never written
        p /= p.sum()
        for unit, wanted in zip(chars.vocabulary_, p, strict=True):
            if len(unit) == 1:
                frequency = sum(text == unit for text in drawn) / n
                assert frequency == pytest.approx(
                    wanted, abs=4.5 * (wanted / n) ** 0.5 + 1e-3
                )


def test_generation_at_temperature_0_takes_the_most_likely_unit(chars):
    text = "a ro"
    for _ in range(5):
        unit = chars.generate(text, max_length=1, temperature=0)
        assert chars.predict([text]) == [unit or "<end>"]
        assert chars.generate(text, max_length=1, top_k=1) == unit
        text += unit


def test_prompts_of_unequal_length_are_read_together(each):
    prompts = ["a rose is", "", "is zoo", "a"]
    single = [each.generate(p, max_length=12, temperature=0) for p in prompts]
    assert each.generate(prompts, max_length=12, temperature=0) == single


def test_a_streamed_text_is_the_same(each):
    drawn = {"max_length": 30, "random_state": 3}
    text = each.generate("a ", **drawn)
    assert "".join(each.generate("a ", stream=True, **drawn)) == text
    assert each.generate("a ", **drawn) == text
    texts = each.generate(["a ", "is"], **drawn)
    pieces = zip(*each.generate(["a ", "is"], stream=True, **drawn), strict=True)
    assert ["".join(p) for p in pieces] == texts


def test_a_text_ends_before_a_stop(chars):
    drawn = [{"max_length": 80, "random_state": seed} for seed in range(20)]
    drawn = next(how for how in drawn if len(chars.generate("a", **how)) > 8)
    text = chars.generate("a", **drawn)
    stop = text[5:7]
    wanted = text[: text.find(stop)]
    assert chars.generate("a", stop=stop, **drawn) == wanted
    assert (
        "".join(chars.generate("a", stop=["#", stop], stream=True, **drawn)) == wanted
    )


@pytest.mark.parametrize("unit", UNITS)
def test_only_what_was_learnt_is_written(unit):
    """Drawn nearly uniformly: only units of the texts, and only whole characters."""
    texts = ["rosé", "日本", "😀 ñ", "rosé 日"] * 3
    size = {"word": 3, "bpe": 262}.get(unit, 4_000)
    model = network(unit=unit, max_tokens=size, max_iter=1).fit(texts)
    how = {"temperature": 50.0, "random_state": 0, "max_length": 9}
    drawn = model.generate(["", "Ωü"] * 100, **how)
    streamed = list(model.generate(["", "Ωü"] * 100, stream=True, **how))
    assert ["".join(pieces) for pieces in zip(*streamed, strict=True)] == drawn
    assert "\ufffd" not in "".join(drawn)
    assert len("".join(drawn)) > 100
    if unit != "bpe":  # whose bytes make other characters too
        assert set("".join(drawn)) <= set("".join(texts))
    assert all(unit != "<0>" for unit in model.predict(["", "r", "Ω"]))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_bytes_that_may_follow_make_whole_characters(byte_pairs, data):
    """Against Python's own decoder, which says where a sequence of bytes goes wrong."""
    codec, written, state = byte_pairs, [], 0
    for _ in range(data.draw(st.integers(0, 12))):
        allowed = np.flatnonzero(codec.may_follow[state][1:]) + 1
        written.append(int(data.draw(st.sampled_from(allowed.tolist()))))
        state = codec.state_of(written[-1:], state)
    text = codec.text_of_outputs(written)
    assert "\ufffd" not in text
    assert codec.may_follow[state, 0] == (state == 0)
    text.encode("utf8")


@pytest.fixture(scope="module")
def byte_pairs():
    every = "".join(map(chr, [*range(0, 0xD800, 97), *range(0xE000, 0x110000, 4001)]))
    return Codec("bpe", 300).fit([every.replace("\ufffd", "")])


@pytest.mark.parametrize(
    "wrong",
    [
        *({"max_length": v} for v in (0, 1.5, None)),
        *({"temperature": v} for v in (-1, np.nan, "hot")),
        *({"top_k": v} for v in (0, 2.0)),
        *({"top_p": v} for v in (0, 1.5)),
        *({"stop": v} for v in ("", [""], 3)),
    ],
)
def test_wrong_arguments_are_refused_by_name(chars, wrong):
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        chars.generate("a", **wrong)


# The estimator --------------------------------------------------------------------------


def test_one_text_a_path_and_a_list_are_documents(tmp_path):
    page = tmp_path / "page.txt"
    page.write_text("a rosé", encoding="utf8")
    assert read_documents(page) == read_documents("a rosé") == ["a rosé"]
    assert read_documents([page, "b"]) == ["a rosé", "b"]
    for wrong, words in (
        ([], "empty"),
        ([3], "Sample 0"),
        (["a", None], "Sample 1.*None"),
        (["a", float("nan")], "Sample 1.*nan"),
        ([b"a"], "Sample 0.*decode"),
        (3, "not a list of texts"),
        ({"a": "b"}, "dict"),
        ((text for text in "ab"), "only once"),
    ):
        with pytest.raises(DataError, match=words):
            read_documents(wrong)
    with pytest.raises(DataError, match="cannot be read"):
        read_documents(tmp_path / "absent.txt")
    with pytest.raises(DataError, match="empty texts only"):
        network().fit(["", ""])


@given(st.text(alphabet=st.sampled_from("a\r\n \ufeff\u2028é"), max_size=12))
def test_a_file_has_the_text_that_was_written(tmp_path_factory, text):
    page = tmp_path_factory.mktemp("pages") / "page.txt"
    page.write_bytes(text.encode("utf8"))
    assert read_documents(page) == [text.removeprefix("\ufeff")]
    page.write_bytes(text.encode("utf-8-sig"))
    assert read_documents(page) == [text]


def test_only_regular_files_of_utf_8_are_read(tmp_path):
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    latin = tmp_path / "latin.txt"
    latin.write_bytes("é".encode("latin1"))
    for path, words in (
        (pipe, "not a regular file"),
        (tmp_path, "not a regular file"),
        (tmp_path / "absent.txt", "no such file"),
        (latin, "UTF-8"),
    ):
        with pytest.raises(DataError, match=f"Sample 1 .*{path.name}.*{words}"):
            read_documents(["a", path])


def test_a_text_that_names_a_file_gives_a_warning(tmp_path):
    page = tmp_path / "page.txt"
    page.write_text("a rose")
    for X in (str(page), ["a", str(page)]):
        with pytest.warns(DataWarning, match=r"pathlib\.Path"):
            assert read_documents(X)[-1] == str(page)
    assert read_documents(str(tmp_path / "absent.txt"))


def test_another_normal_form_gives_a_warning():
    model = network().fit(["café", "é"] * 4)
    with pytest.warns(DataWarning, match="normal form"):
        apart = model.score_samples([unicodedata.normalize("NFD", "café")])
    assert apart < model.score_samples(["café"])


def test_a_frame_of_texts_is_its_column_of_texts(chars):
    frame = pd.DataFrame({"text": ["a rose", "is"], "n": [1, 2]})
    likely = chars.score_samples(["a rose", "is"])
    assert (chars.score_samples(frame[["text"]]) == likely).all()
    assert (chars.score_samples(frame["text"]) == likely).all()
    with pytest.raises(DataError, match=r"2 columns.*text"):
        chars.score_samples(frame)


def test_targets_are_refused():
    with pytest.raises(DataError, match="y"):
        network().fit(["a", "b"], ["c", "d"])


def test_the_same_seed_is_the_same_network():
    one, other = fitted(), fitted()
    assert (one.score_samples(TEXTS) == other.score_samples(TEXTS)).all()
    assert fitted(random_state=1).score(TEXTS) != one.score(TEXTS)


def test_two_passes_at_a_time_do_not_share_their_states():
    model = fitted(dropout=0.0)
    samples = model.encoder_.encode(TEXTS).in_training()
    net = model.network_.train()

    def loader():
        return Loader(samples, None, None, batch_size=3, shuffle=False)

    def loss(batch):
        return model.task_.loss(net, batch).item()

    single = [loss(batch) for batch in loader()]
    pairs = [
        (loss(one), loss(other)) for one, other in zip(loader(), loader(), strict=True)
    ]
    net.eval()
    assert pairs == [(value, value) for value in single]


def test_a_loaded_model_gives_the_same_likelihoods():
    model = fitted()
    again = pickle.loads(pickle.dumps(model))
    assert (again.score_samples(TEXTS) == model.score_samples(TEXTS)).all()
    assert again.network_.head.tied[0] is again.network_.body.embed


def test_early_stopping_scores_held_out_documents():
    model = network(early_stopping=True, max_iter=4).fit(TEXTS)
    assert len(model.validation_scores_) == model.n_iter_
    X_val = ["a rose", "is it"]
    model = network(early_stopping=True).fit(TEXTS, X_val=X_val)
    assert model.best_validation_score_ == pytest.approx(model.score(X_val), rel=1e-5)
    with pytest.raises(DataError, match="only one"):
        network(early_stopping=True).fit("a rose is a rose")


def test_partial_fit_resumes_training():
    model = network()
    for _ in range(30):
        model.partial_fit(TEXTS)
    assert model.n_iter_ == 30
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_a_very_long_text_is_scored_in_pieces(chars):
    text = "a rose is a rose " * 3000
    assert chars.score([text]) > -3


@pytest.mark.slow
def test_a_grammar_is_learnt_to_its_entropy():
    """A Markov chain of two symbols: bits at the entropy of the chain."""
    rng = np.random.default_rng(0)
    stay = {"a": 0.9, "b": 0.6}

    def text(n):
        symbols = ["a"]
        for u in rng.random(n - 1):
            here = symbols[-1]
            symbols.append(here if u < stay[here] else "ab"[here == "a"])
        return "".join(symbols)

    def entropy(p):
        return -p * np.log2(p) - (1 - p) * np.log2(1 - p)

    frequency = 0.4 / (0.4 + 0.1)  # of "a"
    bits = frequency * entropy(0.9) + (1 - frequency) * entropy(0.6)
    model = LanguageModel(
        unit="char", hidden_size=16, window=32, max_iter=30, random_state=0
    )
    model.set_params(learning_rate_init=0.03)
    model.fit(text(40_000))
    new = text(20_000)
    true = -model.score(new)
    assert true == pytest.approx(bits, abs=0.03)


@pytest.mark.slow
def test_copies_are_generated_exactly():
    """xx: the second half follows from the first, and has no loss."""
    rng = np.random.default_rng(0)
    halves = ["".join(rng.choice(list("abcd"), 3)) for _ in range(2000)]
    model = LanguageModel(
        unit="char", hidden_size=64, max_iter=60, random_state=0, dropout=0.0
    )
    model.set_params(learning_rate_init=0.01)
    model.fit([half + half for half in halves])
    new = ["".join(t) for t in itertools.product("abcd", repeat=3)]
    bits = -model.score_samples([half + half for half in new]) / np.log(2)
    assert bits.mean() == pytest.approx(6, abs=0.2)
    assert BEGIN < END
