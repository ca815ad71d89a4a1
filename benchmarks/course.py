"""What the course states but cannot measure while its pages are built.

A DNN and a CNN on 10,000 and 60,000 pictures of Fashion-MNIST (LAMINA_DATA), with three
seeds, to docs/course/measured.json. `docs/course/plot_2_cnn.py` trains the same networks on
fewer pictures.
"""

import json
from pathlib import Path

import numpy as np

from benchmarks.runner import machine_line
from lamina import CNNClassifier, DNNClassifier
from lamina.datasets import fetch_fashion

PATH = Path(__file__).parents[1] / "docs" / "course" / "measured.json"
SEEDS = (0, 1, 2)
EPOCHS = {10_000: {"DNN": 30, "CNN": 10}, 60_000: {"DNN": 10, "CNN": 3}}
"""By the number of pictures: of many pictures fewer epochs are as many gradient steps."""
NETWORKS = {
    "DNN": DNNClassifier(hidden_layer_sizes=(128, 128), n_members=1, batch_size=64),
    "CNN": CNNClassifier(n_filters=(16, 32, 64), batch_size=64),
}
FIGURES = ("network", "pictures", "seed", "epochs", "parameters", "train", "test")
"""What a row has; the last two are accuracies."""


def main(names: list[str]) -> None:
    """Measure what is not stored yet, of all networks or of those that are named."""
    stored = {"machine": machine_line(), "fashion": []}
    if PATH.exists():
        stored = json.loads(PATH.read_text())
    known = {tuple(row[k] for k in FIGURES[:4]) for row in stored["fashion"]}
    for seed in SEEDS:
        for n, epochs in EPOCHS.items():
            for name in names or NETWORKS:
                if (name, n, seed, epochs[name]) in known:
                    continue
                row = measure(name, n, seed, epochs[name])
                stored["fashion"].append(dict(zip(FIGURES, row, strict=True)))
                print(stored["fashion"][-1], flush=True)
                PATH.write_text(json.dumps(stored, indent=1) + "\n")


def measure(name: str, n: int, seed: int, epochs: int) -> tuple:
    """Train on n pictures, drawn by the seed; the values of FIGURES."""
    X, y = fetch_fashion(return_X_y=True)
    test = fetch_fashion(subset="test", return_X_y=True)
    rows = np.random.default_rng(seed).permutation(len(X))[:n]
    network = NETWORKS[name].set_params(max_iter=epochs, random_state=seed)
    parts = [shaped(name, *part) for part in ((X[rows], y[rows]), test)]
    network.fit(*parts[0])
    scores = (network.score(*part) for part in parts)
    return name, n, seed, epochs, network.n_parameters_, *scores


def shaped(name: str, X: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pictures, which are rows of pixels for a DNN; and the labels."""
    return X.reshape(len(X), -1) if name == "DNN" else X, y
