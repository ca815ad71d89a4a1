"""Classes and scores of texts, beside TF-IDF of words and characters with a linear model.

Each case is read from LAMINA_DATA. Every tenth sample, and of the Bible every tenth chapter,
is in the test set; all estimators have default parameters, but the regularisation of the
linear models, which is chosen by cross-validation within the training samples.
"""

import io
import tarfile
from collections.abc import Callable
from functools import partial

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union

from benchmarks.accuracy import Network, ours, scored
from benchmarks.runner import store
from lamina import (
    CNNClassifier,
    CNNRegressor,
    DNNClassifier,
    DNNRegressor,
    RNNClassifier,
    RNNRegressor,
)
from lamina.datasets import fetch_bible
from lamina.datasets.source import Source, find
from lamina.datasets.texts import BROWN

HUTTO = Source(
    "text",
    "hutto_ICWSM_2014.tar.gz",
    "d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa",
    "https://github.com/cjhutto/vaderSentiment",
)
FILES = {
    "tweets": "tweets",
    "movies": "movieReviewSnippets",
    "amazon": "amazonReviewSnippets",
    "nyt": "nytEditorialSnippets",
}
Split = tuple[list[str], np.ndarray, list[str], np.ndarray]


def split(X: list[str], y: np.ndarray) -> list[Split]:
    """Every tenth sample, from the first on, is in the test set."""
    test = np.arange(len(X)) % 10 == 0
    train, tested = np.flatnonzero(~test), np.flatnonzero(test)
    return [([X[i] for i in train], y[~test], [X[i] for i in tested], y[test])]


def scores(name: str) -> tuple[list[str], np.ndarray]:
    """Texts with the mean of twenty human ratings from -4 to 4."""
    with tarfile.open(find(HUTTO)) as archive:
        file = archive.extractfile(f"hutto_ICWSM_2014/{FILES[name]}_GroundTruth.txt")
        lines = io.TextIOWrapper(file, "utf8", "replace").read().split("\n")
    rows = [line.rstrip("\r").split("\t", 2) for line in lines if line.strip()]
    return [row[2] for row in rows], np.array([float(row[1]) for row in rows])


def signs(name: str) -> list[Split]:
    X, y = scores(name)
    return split(X, np.where(y > 0, "positive", "other"))


def genres() -> list[Split]:
    """The sentences of the Brown corpus, and the 15 genres of their files."""
    with tarfile.open(find(BROWN)) as archive:
        texts = {
            member.name.rpartition("/")[2]: archive.extractfile(member).read().decode()
            for member in archive
            if member.isfile()
        }
    genre = dict(line.split() for line in texts["cats.txt"].splitlines() if line)
    X, y = [], []
    for name in sorted(genre):
        for line in filter(str.strip, texts[name].splitlines()):
            X.append(" ".join(word.rpartition("/")[0] for word in line.split()))
            y.append(genre[name])
    return split(X, np.array(y))


def books() -> list[Split]:
    """The verses of the Bible, and the 66 books."""
    parts = []
    for subset in ("train", "test"):
        verses = fetch_bible(subset=subset)
        books = [r.rpartition(" ")[0] for r in verses.reference]
        kept = [i for i, text in enumerate(verses.data) if text.strip()]
        parts += [[verses.data[i] for i in kept], np.array([books[i] for i in kept])]
    return [tuple(parts)]


def linear(model: object, grid: dict) -> Network:
    """TF-IDF of words and pairs of them, and of 2 to 5 characters, with a linear model."""

    def make(seed: int) -> object:
        del seed
        features = make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True),
        )
        return make_pipeline(features, GridSearchCV(model, grid, cv=3))

    return make


CLASSIFIERS = {
    "DNN": ours(DNNClassifier),
    "CNN": ours(CNNClassifier),
    "RNN": ours(RNNClassifier),
    "TF-IDF": linear(LogisticRegression(max_iter=200), {"C": [1, 4, 16]}),
}
REGRESSORS = {
    "DNN": ours(DNNRegressor),
    "CNN": ours(CNNRegressor),
    "RNN": ours(RNNRegressor),
    "TF-IDF": linear(Ridge(), {"alpha": [0.25, 1, 4]}),
}
CASES: dict[str, tuple[Callable[[], list[Split]], dict[str, Network]]] = {
    **{name: (partial(signs, name), CLASSIFIERS) for name in FILES},
    **{
        f"{name}-score": (lambda name=name: split(*scores(name)), REGRESSORS)
        for name in FILES
    },
    "genres": (genres, CLASSIFIERS),
    "books": (books, CLASSIFIERS),
}


def main(names: list[str]) -> None:
    """Print and store the scores of these cases, or of all."""
    for case in names or CASES:
        samples, contenders = CASES[case]
        figures = {name: scored(samples, make) for name, make in contenders.items()}
        print(f"\n{case}")
        for name, values in figures.items():
            each = " ".join(f"{score:.4f}" for score in values["scores"])
            loss = values["log_loss"]
            shown = "" if loss is None else f"  log loss {loss:.4f}"
            print(
                f"  {name:8} {values['mean']:.4f}  {each}{shown}  "
                f"{values['seconds']:6.1f} s"
            )
        store("texts", case, figures)
