"""Captions of emoji: BLEU and word F1 on emoji whose base is not in the training set.

Baselines: the caption of the nearest image by pixels, and the most frequent caption.
"""

import time
from collections import Counter

import numpy as np
import sacrebleu
from sklearn.neighbors import NearestNeighbors

from lamina import ImageCaptioner
from lamina.datasets import fetch_emoji

Figures = dict[str, dict[str, float]]


def emoji(seconds: float) -> Figures:
    """Colour images of 64 x 64 pixels; every fifth base is in the test set."""
    X, y = fetch_emoji(return_X_y=True)
    X_test, y_test = fetch_emoji(subset="test", return_X_y=True)
    y, y_test = list(map(str, y)), list(map(str, y_test))
    network = ImageCaptioner(max_time=seconds, random_state=0)
    start = time.perf_counter()
    network.fit(X, y)
    fit_s = time.perf_counter() - start
    neighbors = NearestNeighbors(n_neighbors=1)
    neighbors.fit(X.reshape(len(X), -1).astype(float))
    nearest = neighbors.kneighbors(
        X_test.reshape(len(X_test), -1).astype(float), return_distance=False
    )
    ((frequent, _),) = Counter(y).most_common(1)
    return {
        "lamina": quality(network.predict(X_test), y_test)
        | {
            "seconds": fit_s,
            "epochs": network.n_iter_,
            "parameters": network.n_parameters_,
        },
        "nearest picture": quality([y[i] for (i,) in nearest], y_test),
        "most frequent caption": quality([frequent] * len(y_test), y_test),
    }


def quality(texts: list[str], references: list[str]) -> dict[str, float]:
    """Corpus BLEU, and the mean F1 of the words of each caption."""
    pairs = zip(texts, references, strict=True)
    return {
        "BLEU": sacrebleu.corpus_bleu(texts, [references]).score,
        "word F1": float(
            np.mean([word_f1(text, reference) for text, reference in pairs])
        ),
    }


def word_f1(text: str, reference: str) -> float:
    """Harmonic mean of precision and recall of the words, with repetitions."""
    predicted, true = Counter(text.split()), Counter(reference.split())
    n_correct = (predicted & true).total()
    return 2 * n_correct / max(predicted.total() + true.total(), 1)
