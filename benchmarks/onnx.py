"""Rows per second of exported dense networks 64-100-10, by one thread.

`lamina.onnx.Predictor`, our own `predict_proba`, and scikit-learn's MLPClassifier with a
scaler, converted by skl2onnx and run by onnxruntime without any validation of inputs.
"""

import platform
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import onnx
import onnxruntime

from benchmarks.problem import PLAIN
from benchmarks.runner import machine_line, store
from lamina import DNNClassifier
from lamina.onnx import Predictor

N_FEATURES, N_CLASSES, HIDDEN = 64, 10, (100,)
SIZES = (1, 64, 10_000)
SECONDS, ROUNDS = 0.5, 5
Predict = Callable[[np.ndarray], object]


def main(names: list[str]) -> None:
    del names
    rng = np.random.default_rng(0)
    X = rng.standard_normal((max(SIZES), N_FEATURES)).astype(np.float32)
    y = rng.integers(N_CLASSES, size=len(X))
    contenders = {}
    with tempfile.TemporaryDirectory() as folder:
        network = DNNClassifier(
            hidden_layer_sizes=HIDDEN, max_iter=2, n_threads=1, random_state=0, **PLAIN
        ).fit(X[:2000], y[:2000])
        path = Path(folder) / "lamina.onnx"
        start = time.perf_counter()
        network.to_onnx(path)
        print(
            f"{machine_line()}\nonnx {onnx.__version__}, onnxruntime "
            f"{onnxruntime.__version__}, Python {platform.python_version()}"
        )
        print(f"export: {time.perf_counter() - start:.3f} s")
        contenders["Predictor"] = Predictor(path).predict_proba
        contenders["lamina"] = network.predict_proba
        contenders |= converted(X[:2000], y[:2000])
        report({n: compare(contenders, X[:n]) for n in SIZES})


def converted(X: np.ndarray, y: np.ndarray) -> dict[str, Predict]:
    """scikit-learn's network by onnxruntime; nothing where skl2onnx is not installed."""
    try:
        import skl2onnx
    except ImportError:
        print("skl2onnx: not available")
        return {}
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    network = MLPClassifier(hidden_layer_sizes=HIDDEN, max_iter=2, random_state=0)
    with warnings.catch_warnings(action="ignore"):
        pipeline = make_pipeline(StandardScaler(), network).fit(X, y)
    options = {id(pipeline): {"zipmap": False}}
    model = skl2onnx.to_onnx(pipeline, X[:1], options=options)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), settings, providers=["CPUExecutionProvider"]
    )
    print(f"skl2onnx {skl2onnx.__version__}")
    return {"skl2onnx": lambda rows: session.run(["probabilities"], {"X": rows})}


def compare(contenders: dict[str, Predict], X: np.ndarray) -> dict[str, float]:
    """The median rows per second of each, in the order A B A B."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, predict in contenders.items():
            rates[name].append(rate(predict, X))
    return {name: median(values) for name, values in rates.items()}


def rate(predict: Predict, X: np.ndarray) -> float:
    """Rows per second of repeated calls."""
    predict(X)
    start, n_calls = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        predict(X)
        n_calls += 1
    return n_calls * len(X) / (time.perf_counter() - start)


def report(rates: dict[int, dict[str, float]]) -> None:
    """Print rows per second, and store them."""
    print(f"{'rows a call':>12}" + "".join(f"{name:>14}" for name in rates[1]))
    for n, of_size in rates.items():
        print(f"{n:12,}" + "".join(f"{value:14,.0f}" for value in of_size.values()))
        figures = {k: {"rows_per_s": round(v)} for k, v in of_size.items()}
        store("onnx", f"{n} rows", figures, onnxruntime=onnxruntime.__version__)
