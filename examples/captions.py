"""Pictures of two things side by side, described in words; and where the network looks.

The pictures are put together from clothes that ship with lamina; the test shows clothes
that were in no training picture.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np

from lamina import ImageCaptioner
from lamina.datasets import load_fashion
from lamina.inspection import plot_attention

mpl.use("Agg")
KINDS = ["trouser", "pullover", "sandal", "bag"]


def pairs(subset: str, n: int) -> tuple[np.ndarray, list[str]]:
    """Two pictures beside one another, and what can be seen."""
    rng = np.random.default_rng(0)
    fashion = load_fashion(subset=subset)
    names = np.array(fashion.target_names)[fashion.target]
    pool = np.flatnonzero(np.isin(names, KINDS))
    chosen = rng.choice(pool, (n, 2))
    captions = [f"a {names[i]} beside a {names[j]}" for i, j in chosen]
    return np.concatenate(
        [fashion.data[chosen[:, 0]], fashion.data[chosen[:, 1]]], 2
    ), captions


def main() -> None:
    """Learn, describe, draw."""
    X, y = pairs("train", 2_000)
    X_test, y_test = pairs("test", 200)
    network = ImageCaptioner(n_filters=(16, 32, 64), decoder_size=64, max_time=25)
    network.set_params(random_state=0).fit(X, y)
    found = network.predict(X_test)
    for caption, wanted in zip(found[:5], y_test, strict=False):
        print(f"{caption:36} ({wanted})")
    right = np.mean([a == b for a, b in zip(found, y_test, strict=True)])
    print(f"captions that are all right: {right:.3f}")
    Path("out").mkdir(exist_ok=True)
    plot_attention(network, X_test[0]).savefig("out/captions.png", dpi=100)
    print("What was looked at for each word: out/captions.png")


if __name__ == "__main__":
    main()
