"""Prediction of one row, 200 times, and of 100,000 rows, by dense networks 64-100-10.

All are trained for two epochs on 2,000 rows. Keras predicts many rows by `predict` and one
by `predict_on_batch`, its fastest methods; plain PyTorch and Keras do not validate inputs.
"""

import os
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.contenders import Run
from benchmarks.dense import keras_model, module, ours
from benchmarks.problem import Problem
from benchmarks.runner import run_suite

WIDTHS = (64, 100, 10)
Predict = Callable[[np.ndarray], np.ndarray]


def rows(n: int) -> Problem:
    """2,000 rows to learn from, and n to predict."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000 + n, WIDTHS[0])).astype(np.float32)
    y = (X @ rng.standard_normal((WIDTHS[0], WIDTHS[-1]))).argmax(1)
    return Problem(
        X[:2000],
        y[:2000],
        X[2000:],
        y[2000:],
        n_epochs=2,
        batch_size=200,
        module=partial(module, WIDTHS),
        keras=partial(keras_model, WIDTHS),
        ours=partial(ours, WIDTHS[1:-1], 200, 2),
    )


CASES = {"1 row, 200 times": partial(rows, 1), "100,000 rows": partial(rows, 100_000)}


def repeated(fitted: Callable[[Problem], Predict], problem: Problem) -> Run:
    """Predict the test rows, a single one 200 times."""
    predict = fitted(problem)
    n_times = 200 if len(problem.X_test) == 1 else 1

    def run() -> float:
        for _ in range(n_times):
            y = predict(problem.X_test)
        return float((y == problem.y_test).mean())

    return run


def lamina(problem: Problem) -> Predict:
    return problem.ours().fit(problem.X, problem.y).predict


def scikit_learn(problem: Problem) -> Predict:
    from sklearn.neural_network import MLPClassifier

    warnings.simplefilter("ignore")
    network = MLPClassifier(WIDTHS[1:-1], max_iter=2, random_state=0)
    return network.fit(problem.X, problem.y).predict


def plain_torch(problem: Problem) -> Predict:
    """A module trained by skorch, called without it."""
    import torch

    model = _skorch(problem).module_.eval()

    def predict(X: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(X)).argmax(1).numpy()

    return predict


def skorch(problem: Problem) -> Predict:
    return _skorch(problem).predict


def keras(backend: str, problem: Problem) -> Predict:
    os.environ["KERAS_BACKEND"] = backend
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras

    model = problem.keras(keras)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss)
    model.fit(problem.X, problem.y, batch_size=200, epochs=2, verbose=0)

    def predict(X: np.ndarray) -> np.ndarray:
        if len(X) == 1:
            return model.predict_on_batch(X).argmax(1)
        return model.predict(X, batch_size=4096, verbose=0).argmax(1)

    return predict


def _skorch(problem: Problem):
    import torch
    from skorch import NeuralNetClassifier

    network = NeuralNetClassifier(
        problem.module(),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        max_epochs=2,
        batch_size=200,
        iterator_valid__batch_size=4096,
        train_split=None,
        verbose=0,
    )
    return network.fit(problem.X, problem.y)


CONTENDERS = {
    "lamina": partial(repeated, lamina),
    "scikit-learn": partial(repeated, scikit_learn),
    "torch": partial(repeated, plain_torch),
    "skorch": partial(repeated, skorch),
    "Keras, JAX": partial(repeated, partial(keras, "jax")),
    "Keras, TensorFlow": partial(repeated, partial(keras, "tensorflow")),
}


def main(names: list[str]) -> None:
    run_suite("predict", names or list(CASES), list(CONTENDERS), {})
