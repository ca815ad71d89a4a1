"""Reports: their contents against scikit-learn's, and their form."""

import base64
import functools
import html
import io
import operator
import re
import sys
import wave
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn import metrics
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

import lamina
from lamina import (
    CNNClassifier,
    DNNClassifier,
    DNNRegressor,
    Forecaster,
    LanguageModel,
    RNNClassifier,
    SequenceTagger,
    SpeechRecognizer,
    Translator,
)
from lamina.exceptions import DataError, MissingExtraError, ParameterError
from lamina.reporting.autos import AUTO
from lamina.testing import EXAMPLES, all_estimators
from lamina.testing.examples import examples_for

VOID = {"meta", "link", "img", "input", "br"}
FAST = {"n_resamples": 5, "n_examples": 2, "n_explained": 5, "measure_speed": False}
SCRIPT = "<script>alert('x')</script>"


class Page(HTMLParser):
    """The elements of a report: tables by caption, terms, references and texts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.references = [], [], []
        self.tables, self.terms, self.texts = {}, [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        self.references += [
            attrs[k] for k in ("src", "href", "xlink:href") if k in attrs
        ]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.table = []
        if tag == "tr":
            self.table.append([])
        if tag in ("td", "th"):
            self.table[-1].append("")
        if tag == "data":
            self.table_value(attrs["value"])
        if tag in ("dt", "dd"):
            self.terms.append("")

    def table_value(self, value):
        if self.open and ("td" in self.open or "th" in self.open):
            self.table[-1][-1] = float(value)
        elif "dd" in self.open:
            self.terms[-1] = float(value)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "table":
            self.tables[self.caption] = self.table

    def handle_data(self, data):
        self.texts.append(data)
        if "caption" in self.open:
            self.caption = data
        elif self.open and self.open[-1] == "dt":
            self.terms[-1] += data.strip()
        elif "data" in self.open:
            return
        elif "dd" in self.open:
            self.terms[-1] += data.strip()
        elif ("td" in self.open or "th" in self.open) and data.strip():
            self.table[-1][-1] += data

    def score(self, name):
        """Value, lower and upper bound of a score."""
        rows = self.tables["Scores on the test samples"]
        (row,) = [row for row in rows if row[0] == name]
        return [value if isinstance(value, float) else None for value in row[1:4]]

    def table_of(self, caption):
        (table,) = [t for name, t in self.tables.items() if name.startswith(caption)]
        return table

    def fact(self, term):
        return self.terms[self.terms.index(term) + 1]


def report(*args, **kwargs):
    return lamina.report(*args, **{**FAST, **kwargs})


def page_of(*args, **kwargs):
    return Page(report(*args, **kwargs).html)


def cases():
    for name, public in all_estimators():
        for data in examples_for(public()):
            yield pytest.param(public, data, id=f"{name}-{data.name}")


def fitted(public, data, **params):
    network = public(max_iter=2, random_state=0, **data.params, **params)
    if public is Forecaster:
        network.set_params(horizon=3, quantiles=(0.9, 0.1))
    return network.fit(data.X, data.target(network))


@pytest.fixture(scope="module")
def labels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.6, 0.6])]
    return DNNClassifier(max_iter=6, random_state=0).fit(X[:60], y[:60]), X[60:], y[60:]


@pytest.mark.slow
@pytest.mark.parametrize(("public", "data"), list(cases()))
def test_every_estimator_has_a_report(public, data):
    network = fitted(public, data)
    y = data.target(network)
    page = page_of(network, data.X, y)
    titles = {t.strip() for t in page.texts}
    assert {"Scores", "Worst mistakes", "Data", "Network"} <= titles
    is_explained = isinstance(network, ClassifierMixin | RegressorMixin)
    assert ("Attributions" in titles) == is_explained
    assert {"Training", "Versions"} <= titles
    refers = [r for r in page.references if not r.startswith(("data:", "#"))]
    assert refers == []
    anchors = {a["id"] for _, a in page.tags if "id" in a}
    assert {r[1:] for r in page.references if r.startswith("#")} <= anchors
    first = page.tables["Scores on the test samples"][1]
    assert first[1] == pytest.approx(network.score(data.X, y))


def test_ids_are_unique_and_pictures_have_texts(labels):
    page = page_of(*labels)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert all(a.get("aria-label") for tag, a in page.tags if tag == "svg")
    assert not any(tag == "script" for tag, _ in page.tags)


def test_scores_are_those_of_scikit_learn(labels):
    network, X, y = labels
    p, predicted = network.predict_proba(X), network.predict(X)
    page = page_of(network, X, y, n_resamples=100)
    wanted = {
        "Accuracy": metrics.accuracy_score(y, predicted),
        "Balanced accuracy": metrics.balanced_accuracy_score(y, predicted),
        "F1, mean of the labels": metrics.f1_score(y, predicted, average="macro"),
        "ROC AUC, one against the rest": metrics.roc_auc_score(y, p, multi_class="ovr"),
        "Log loss": metrics.log_loss(y, p),
    }
    for name, value in wanted.items():
        got, low, high = page.score(name)
        assert got == pytest.approx(value)
        assert low <= got <= high


def test_confusion_and_scores_by_label_are_those_of_scikit_learn(labels):
    network, X, y = labels
    predicted, page = network.predict(X), page_of(*labels)
    _, *rows = page.table_of("Confusion matrix")
    counts = np.array([row[1:] for row in rows])
    np.testing.assert_array_equal(counts, metrics.confusion_matrix(y, predicted))
    wanted = metrics.classification_report(y, predicted, output_dict=True)
    for label, *values in page.table_of("Scores by label")[1:]:
        assert values == pytest.approx(list(wanted[label].values()))
    of_labels = {row[0]: row[1] for row in page.table_of("Labels")[1:]}
    assert of_labels == dict(zip(*np.unique(y, return_counts=True), strict=True))


def test_a_search_may_have_more_epochs_than_the_fit(labels):
    _, X, y = labels
    y = np.random.default_rng(0).permutation(y)  # what is learnt soon gets worse
    params = {"hidden_layer_sizes": (16,), "learning_rate_init": 0.03}
    network = DNNClassifier(**params, random_state=0).fit(X, y)
    assert len(network.validation_scores_) != len(network.loss_curve_)
    page = page_of(network, X, y)
    assert page.fact("Epochs") == network.n_iter_
    assert page.fact("Best validation score") == pytest.approx(
        network.best_validation_score_
    )


def test_several_outputs_of_labels():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    indicators = (X > 0).astype(int)
    network = DNNClassifier(max_iter=3, random_state=0).fit(X, indicators)
    page = page_of(network, X, indicators)
    assert page.score("All labels right")[0] == network.score(X, indicators)
    means = (network.predict(X) == indicators).mean(0)
    of_outputs = [row[1] for row in page.table_of("Accuracy of each output")[1:]]
    assert of_outputs == pytest.approx(means)
    names = np.where(indicators[:, :2] == 1, "yes", "no")
    network = DNNClassifier(max_iter=3, random_state=0).fit(X, names)
    page = page_of(network, X, names)
    assert page.score("All labels right")[0] == network.score(X, names)


def test_scores_of_regressors_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X[:, 0] + 0.1 * rng.normal(size=80)
    network = DNNRegressor(max_iter=5, random_state=0).fit(X[:40], y[:40])
    page, predicted = page_of(network, X[40:], y[40:]), network.predict(X[40:])
    wanted = {
        "R²": metrics.r2_score(y[40:], predicted),
        "Mean absolute error": metrics.mean_absolute_error(y[40:], predicted),
        "Root mean squared error": metrics.root_mean_squared_error(y[40:], predicted),
    }
    for name, value in wanted.items():
        assert page.score(name)[0] == pytest.approx(value)


def test_quantiles_and_several_targets():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    quantiles = {"loss": "quantile", "quantiles": (0.9, 0.5), "max_iter": 2}
    network = DNNRegressor(**quantiles, random_state=0).fit(X, X[:, 0])
    page = page_of(network, X, X[:, 0])
    below = (X[:, 0] <= network.predict(X)[:, 0]).mean()
    assert page.score("Targets below the quantile 0.9")[0] == pytest.approx(below)
    network = DNNRegressor(max_iter=2, random_state=0).fit(X, X[:, :2])
    page = page_of(network, X, X[:, :2])
    r2 = metrics.r2_score(X[:, :2], network.predict(X), multioutput="raw_values")
    assert [row[1] for row in page.table_of("Scores of each target")[1:]] == (
        pytest.approx(r2)
    )


def test_a_planted_mistake_is_the_first(labels):
    network, X, y = labels
    p = network.predict_proba(X)
    row = int(p.max(1).argmax())
    wrong = y.copy()
    wrong[row] = network.classes_[p[row].argmin()]
    page = page_of(network, X, wrong)
    titles = [t for t in page.texts if t.startswith("Sample ")]
    assert titles[0] == f"Sample {row}"


def test_steps_of_taggers():
    data = EXAMPLES["tokens"]
    network = fitted(SequenceTagger, data)
    y = data.target(network)
    page = page_of(network, data.X, y)
    pairs = zip(y, network.predict(data.X), strict=True)
    right = [[t == p for t, p in zip(*pair, strict=True)] for pair in pairs]
    value = page.score("Accuracy of the steps")[0]
    assert value == pytest.approx(np.mean(functools.reduce(operator.iadd, right, [])))
    whole = page.score("Samples without a mistake")[0]
    assert whole == pytest.approx(np.mean([all(r) for r in right]))


def test_forecasts():
    t = np.arange(60)
    X = [10 + i + np.sin(t * 2 * np.pi / 6 + i) for i in range(4)]
    network = Forecaster(horizon=4, max_iter=2, season=6, random_state=0).fit(
        [x[:56] for x in X]
    )
    truth = np.array([x[56:] for x in X])
    errors = np.abs(truth - network.predict([x[:56] for x in X]))
    for page in (
        page_of(network, X),
        page_of(network, [x[:56] for x in X], truth),
    ):
        assert page.score("Mean absolute error")[0] == pytest.approx(errors.mean())
        by_step = [row[1] for row in page.table_of("Mean absolute error by step")[1:]]
        assert by_step == pytest.approx(errors.mean(0))
        naive = np.array([x[50:54] for x in X])
        of_season = page.score("Mean absolute error of the season before")[0]
        assert of_season == pytest.approx(np.abs(truth - naive).mean())


def test_language_models():
    texts = EXAMPLES["documents"].X
    network = LanguageModel(max_iter=2, unit="char", random_state=0).fit(texts)
    page = page_of(network, texts)
    assert page.score("Perplexity per unit")[0] == pytest.approx(
        network.perplexity(texts)
    )
    with pytest.raises(DataError, match="takes no y_test"):
        report(network, texts, texts)


def test_error_rates_of_speech():
    data = EXAMPLES["waveforms"]
    network = fitted(SpeechRecognizer, data)
    y = data.target(network)
    page = page_of(network, data.X, y)
    rate = network.word_error_rate(data.X, y)
    assert page.score("Word error rate")[0] == pytest.approx(rate)
    characters = network.character_error_rate(data.X, y)
    assert page.score("Character error rate")[0] == pytest.approx(characters)


def test_similarity_of_translations():
    X, y = ["one two", "two three", "three one"] * 6, ["a b", "b c", "c a"] * 6
    network = Translator(max_iter=2, unit="word", random_state=0).fit(X, y)
    page = page_of(network, X, y)
    assert page.score("BLEU of the corpus")[0] == pytest.approx(network.bleu(X, y))


def test_hostile_strings_are_text():
    labels = np.array([SCRIPT, '"><img src=x onerror=alert(1)>', "$\\frac{"])
    rng = np.random.default_rng(0)
    X = pd.DataFrame({SCRIPT: rng.normal(size=30), "$\\sqrt": labels[[0, 1, 2] * 10]})
    y = labels[[0, 1, 2, 2, 1, 0] * 5]
    network = DNNClassifier(max_iter=2, random_state=0).fit(X, y)
    page = page_of(network, X, y, title=SCRIPT, n_examples=20)
    assert not any(tag == "script" for tag, _ in page.tags)
    assert not any("onerror" in attrs for _, attrs in page.tags)
    assert all(attrs["src"].startswith("data:") for t, attrs in page.tags if t == "img")
    assert SCRIPT in page.texts
    assert {row[0] for row in page.table_of("Labels")[1:]} == set(labels)
    tokens = [[SCRIPT, "b"], ["a", "</ruby>"]] * 5
    tags = [[SCRIPT, "x"], ["x", "<mark>"]] * 5
    network = SequenceTagger(max_iter=1, random_state=0).fit(tokens, tags)
    page = page_of(network, tokens, tags)
    assert not any(tag == "script" for tag, _ in page.tags)
    assert SCRIPT in page.texts


def test_hostile_texts_are_text():
    texts = [SCRIPT, "</p><h1>title</h1>", "a & b", "\x00 &lt;"] * 5
    network = RNNClassifier(max_iter=1, random_state=0).fit(texts, [0, 1] * 10)
    page = page_of(network, texts, [1, 0] * 10, n_examples=20)
    assert sum(tag == "h1" for tag, _ in page.tags) == 1
    assert not any(tag == "script" for tag, _ in page.tags)


def test_mistakes_are_heard_and_seen():
    data = EXAMPLES["waveforms"]
    network = fitted(CNNClassifier, data)
    wrong = np.roll(network.predict(data.X), 1)
    wrong[0] = next(c for c in network.classes_ if c != network.predict(data.X[:1])[0])
    page = page_of(network, data.X, wrong)
    players = [a for tag, a in page.tags if tag == "audio"]
    row = int(re.search(r"\d+", players[0]["aria-label"])[0])
    with wave.open(io.BytesIO(decoded(players[0]["src"]))) as sound:
        frames = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        assert sound.getframerate() == data.params["sampling_rate"]
    np.testing.assert_allclose(frames / 32767, data.X[row], atol=1e-4)


def test_pictures_have_the_values_of_the_images():
    rng = np.random.default_rng(0)
    X = rng.integers(256, size=(20, 8, 6, 3)).astype(np.uint8)
    y = np.arange(20) % 2
    network = CNNClassifier(max_iter=1, n_filters=(4,), random_state=0).fit(X, y)
    page = page_of(network, X, 1 - network.predict(X))
    picture = next(a for tag, a in page.tags if tag == "img")
    row = int(re.search(r"\d+", picture["alt"])[0])
    pixels = np.asarray(Image.open(io.BytesIO(decoded(picture["src"]))))
    np.testing.assert_array_equal(pixels[..., :3], X[row])


def decoded(uri):
    return base64.b64decode(uri.partition(",")[2])


def test_equal_arguments_give_equal_reports(labels):
    assert report(*labels).html == report(*labels).html
    assert report(*labels, random_state=1).html != report(*labels).html
    text = LanguageModel(max_iter=1, unit="char", random_state=0).fit(["one two"] * 4)
    assert report(text, ["one two"]).html == report(text, ["one two"]).html


def test_speed_is_measured_unless_it_is_not(labels):
    assert "Milliseconds per sample" in report(*labels, measure_speed=True).html
    assert "Milliseconds per sample" not in report(*labels).html


def test_report_is_saved_and_framed(labels, tmp_path):
    result = report(*labels)
    result.save(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf8") == result.html
    frame = result._repr_html_()
    framed = html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1])
    assert framed.replace('<base href="about:srcdoc">', "") == result.html


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_examples": 0}, "'n_examples' must be int >= 1. Got 0"),
        ({"n_resamples": 1.5}, "'n_resamples' must be int >= 1. Got 1.5"),
        ({"confidence_level": 95}, r"must be float in \(0, 1\). Got 95"),
        ({"future": [1]}, "future is for forecasters"),
    ],
)
def test_arguments_are_checked(labels, arguments, message):
    with pytest.raises(ParameterError, match=message):
        lamina.report(*labels, **arguments)


def test_estimators_are_checked(labels):
    _, X, y = labels
    with pytest.raises(ParameterError, match="this is a LogisticRegression"):
        lamina.report(LogisticRegression().fit(X, y), X, y)
    with pytest.raises(NotFittedError):
        lamina.report(DNNClassifier(), X, y)
    with pytest.raises(DataError, match="y_test is None"):
        lamina.report(labels[0], X)


def test_matplotlib_is_an_extra(labels, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"lamina\[plot\]"):
        lamina.report(*labels)


@pytest.mark.parametrize("container", ["frame", "dict", "sparse", "list"])
def test_tables_in_any_container(labels, container):
    _, X, y = labels
    from scipy import sparse

    X = {
        "frame": lambda: pd.DataFrame(X, columns=["u", "v", "w"]),
        "dict": lambda: dict(zip("uvw", X.T, strict=True)),
        "sparse": lambda: sparse.csr_array(X),
        "list": X.tolist,
    }[container]()
    network = DNNClassifier(max_iter=1, random_state=0).fit(X, y)
    page = page_of(network, X, y)
    assert "Mean absolute contributions" in " ".join(page.texts)


@pytest.mark.parametrize(("name", "public"), list(all_estimators()))
def test_every_auto_is_explained(name, public):
    params = public().get_params(deep=False)
    autos = {key for key, value in params.items() if isinstance(value, str)}
    autos = {key for key in autos if params[key] == "auto"}
    assert autos <= set(AUTO)
    network = fitted(public, examples_for(public())[0])
    assert all(AUTO[key](network) for key in autos)
