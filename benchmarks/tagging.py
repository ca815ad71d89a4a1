"""Parts of speech in the Brown corpus, beside a conditional random field on word shapes."""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pycrfsuite

from lamina import SequenceTagger
from lamina.datasets import fetch_brown

Sentences = list[list[str]]
Contender = tuple[Callable[[Sentences], Sentences], dict[str, float]]
"""A function that predicts, and the amount of training."""
SIMPLE = re.compile(r"(.[^-+*]*)")
"""A tag without suffixes: up to the first of -, + and * after its first character."""


def brown(seconds: float) -> dict[str, dict[str, float]]:
    """Every tenth sentence is in the test set; default parameters."""
    train, test = (read(subset) for subset in ("train", "test"))
    return compare(train, test, seconds)


def read(subset: str) -> tuple[Sentences, Sentences]:
    X, y = fetch_brown(subset=subset, return_X_y=True)
    return X, [[SIMPLE.match(tag)[1] for tag in tags] for tags in y]


def compare(train: tuple, test: tuple, seconds: float) -> dict[str, dict[str, float]]:
    known = {word for words in train[0] for word in words}
    contenders: dict[str, Callable] = {"lamina": by_network, "crfsuite": by_features}
    figures = {}
    for name, label in contenders.items():
        start = time.perf_counter()
        predict, effort = label(*train, seconds)
        spent = time.perf_counter() - start
        figures[name] = accuracies(test, predict(test[0]), known) | effort
        figures[name]["seconds"] = spent
        figures[name]["predicting"] = time.perf_counter() - start - spent
    return figures


def accuracies(test: tuple, predicted: Sentences, known: set[str]) -> dict[str, float]:
    rows = zip(*test, predicted, strict=True)
    steps = [(w in known, a == b) for row in rows for w, a, b in zip(*row, strict=True)]
    new = [right for is_known, right in steps if not is_known]
    return {
        "accuracy": sum(right for _, right in steps) / len(steps),
        "unknown words": sum(new) / len(new),
    }


def by_network(X: Sentences, y: Sentences, seconds: float) -> Contender:
    network = SequenceTagger(max_time=seconds, random_state=0).fit(X, y)
    return network.predict, {"epochs": network.n_iter_}


def by_features(X: Sentences, y: Sentences, seconds: float) -> Contender:
    """L-BFGS has no time limit; its number of iterations takes about 20 minutes."""
    n_iterations = round(seconds / 12)
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"c1": 0.1, "c2": 1e-3, "max_iterations": n_iterations})
    for words, tags in zip(X, y, strict=True):
        trainer.append(features(words), tags)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
    effort = {"iterations": n_iterations}
    return lambda X: [tagger.tag(features(words)) for words in X], effort


def features(words: list[str]) -> list[list[str]]:
    """Features of each word: itself, prefixes, suffixes, shape and neighbours."""
    lower = ["<begin>", *map(str.lower, words), "<end>"]
    return [
        [
            "bias",
            f"word={word}",
            *(f"{at}={lower[i + 1 + at]}" for at in (-1, 0, 1)),
            *(f"suffix={lower[i + 1][-n:]}" for n in (1, 2, 3)),
            *(f"prefix={lower[i + 1][:n]}" for n in (1, 2, 3)),
            f"title={word.istitle()}",
            f"upper={word.isupper()}",
            f"digit={any(map(str.isdigit, word))}",
            f"hyphen={'-' in word}",
            f"first={i == 0}",
        ]
        for i, word in enumerate(words)
    ]
