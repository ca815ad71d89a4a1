"""Captions of images of two clothes side by side, with the attention for each word.

The images are composed of those of `load_fashion`; the test uses other clothes than the
training.
"""

import os
from pathlib import Path

import matplotlib as mpl
import numpy as np

from lamina import ImageCaptioner
from lamina.datasets import load_fashion
from lamina.inspection import AttentionDisplay

mpl.use("Agg")
SECONDS = float(os.environ.get("SECONDS", "25"))
KINDS = ["trouser", "pullover", "sandal", "bag"]


def pairs(subset: str, n: int) -> tuple[np.ndarray, list[str]]:
    """Images of two clothes side by side, and their captions."""
    rng = np.random.default_rng(0)
    fashion = load_fashion(subset=subset)
    names = np.array(fashion.target_names)[fashion.target]
    rows = rng.choice(np.flatnonzero(np.isin(names, KINDS)), (n, 2))
    captions = [f"a {names[i]} beside a {names[j]}" for i, j in rows]
    images = np.concatenate([fashion.data[rows[:, 0]], fashion.data[rows[:, 1]]], 2)
    return images, captions


def main() -> None:
    """Train, predict and plot."""
    X, y = pairs("train", 2_000)
    X_test, y_test = pairs("test", 200)
    network = ImageCaptioner(n_filters=(16, 32, 64), decoder_size=64, max_time=SECONDS)
    network.set_params(random_state=0).fit(X, y)
    captions = network.predict(X_test)
    for caption, reference in zip(captions[:5], y_test, strict=False):
        print(f"{caption:36} ({reference})")
    accuracy = np.mean([a == b for a, b in zip(captions, y_test, strict=True)])
    print(f"fraction of correct captions: {accuracy:.3f}")
    Path("out").mkdir(exist_ok=True)
    display = AttentionDisplay.from_estimator(network, X_test[0])
    display.figure_.savefig("out/captions.png", dpi=100)
    print("Attention for each word: out/captions.png")


if __name__ == "__main__":
    main()
