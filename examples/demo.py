"""Four networks on data sets that ship with lamina; a table, and a figure in out/."""

import time
from pathlib import Path

import matplotlib as mpl
from sklearn.callback import ProgressBar
from sklearn.metrics import ConfusionMatrixDisplay

from lamina import CNNClassifier, DNNClassifier, RNNClassifier
from lamina.datasets import load_adult, load_fashion, load_japanese_vowels
from lamina.inspection import HistoryDisplay

mpl.use("Agg")
SECONDS = 30
"""Time limit of each fit, to which the schedule is scaled."""
COMMON = {"max_time": SECONDS, "random_state": 0}
NETWORKS = [
    ("DNN", "census (table)", load_adult, DNNClassifier(max_iter=8, **COMMON)),
    ("CNN", "fashion (images)", load_fashion, CNNClassifier(max_iter=10, **COMMON)),
    (
        "RNN",
        "vowels (ragged)",
        load_japanese_vowels,
        RNNClassifier(cell="rnn", **COMMON),
    ),
    ("LSTM", "vowels (ragged)", load_japanese_vowels, RNNClassifier(**COMMON)),
]


def main() -> None:
    """Train, print and plot."""
    rows, fitted = [], {}
    for name, what, load, network in NETWORKS:
        X, y = load(return_X_y=True)
        held_out = load(subset="test", return_X_y=True)
        print(f"{name} on {what}: {len(X)} samples", flush=True)
        start = time.perf_counter()
        network.set_callbacks(ProgressBar()).fit(
            X, y, X_val=held_out[0], y_val=held_out[1]
        )
        seconds = time.perf_counter() - start
        fitted[name] = (network, *held_out)
        rows.append((name, what, network, seconds, network.score(*held_out)))
    print(
        f"\n{'network':8} {'data':18} {'parameters':>10} {'seconds':>8} {'held out':>9}"
    )
    for name, what, network, seconds, score in rows:
        print(
            f"{name:8} {what:18} {network.n_parameters_:>10,} {seconds:>8.1f} {score:>9.3f}"
        )
    print(f"\nLearning curves and a confusion matrix: {draw(fitted)}")


def draw(fitted: dict) -> Path:
    """Learning curves of all networks, and the confusion matrix of the CNN."""
    from matplotlib import pyplot

    figure = pyplot.figure(figsize=(15, 8), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1))
    for ax, (name, (network, _, _)) in zip(
        left.subplots(2, 2).flat, fitted.items(), strict=True
    ):
        display = HistoryDisplay.from_estimator(network, ax=ax)
        display.ax_.set_title(f"{name} ({type(network).__name__})")
    network, X, y = fitted["CNN"]
    names = load_fashion().target_names
    ax = right.subplots()
    ConfusionMatrixDisplay.from_estimator(
        network, X, y, display_labels=names, xticks_rotation=45, colorbar=False, ax=ax
    )
    ax.set_title("CNN on held-out images")
    path = Path("out") / "demo.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=80)
    return path


if __name__ == "__main__":
    main()
