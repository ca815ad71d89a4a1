"""Recognition of connected digits; error rates, and a figure in out/."""

import os
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np

from lamina import SpeechRecognizer
from lamina.datasets import load_spoken_digits
from lamina.inspection import TranscriptDisplay

mpl.use("Agg")
SECONDS = float(os.environ.get("SECONDS", "25"))
"""Time limit of the fit, to which the schedule is scaled."""
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
N_TRAIN, N_TEST = 300, 60


def main() -> None:
    """Train, print and plot."""
    X, y = connected(N_TRAIN, "train", seed=0)
    X_test, y_test = connected(N_TEST, "test", seed=1)
    network = SpeechRecognizer(sampling_rate=8000, max_time=SECONDS, random_state=0)
    start = time.perf_counter()
    network.fit(X, y)
    print(f"{network.n_iter_} epochs in {time.perf_counter() - start:.0f} s")
    for truth, text in zip(y_test[:5], network.predict(X_test[:5]), strict=True):
        print(f"  spoken {truth!r}\n  predicted {text!r}")
    print(f"word error rate {network.word_error_rate(X_test, y_test):.3f}")
    print(f"character error rate {network.character_error_rate(X_test, y_test):.3f}")
    display = TranscriptDisplay.from_estimator(network, X_test[0], text=y_test[0])
    path = Path("out") / "speech.png"
    path.parent.mkdir(exist_ok=True)
    display.figure_.savefig(path, dpi=100)
    print(f"Times of the words: {path}")


def connected(n: int, subset: str, seed: int) -> tuple[list[np.ndarray], list[str]]:
    """Strings of two to four digits, each by one speaker, with pauses between them."""
    rng, digits = np.random.default_rng(seed), load_spoken_digits(subset=subset)
    X, y = [], []
    for _ in range(n):
        speaker = rng.choice(digits.speaker)
        rows = np.flatnonzero(digits.speaker == speaker)
        rows = rng.choice(rows, rng.integers(2, 5))
        parts = [pause(rng)]
        for row in rows:
            parts += [digits.data[row], pause(rng)]
        X.append(np.concatenate(parts))
        y.append(" ".join(WORDS[digits.target[row]] for row in rows))
    return X, y


def pause(rng: np.random.Generator) -> np.ndarray:
    """1/20 to 1/5 of a second of weak noise."""
    return rng.normal(0, 1e-3, rng.integers(400, 1600)).astype(np.float32)


if __name__ == "__main__":
    main()
