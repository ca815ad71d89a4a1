"""Dense networks: the same layers, batches, epochs and Adam for all contenders.

All start from the same distribution: weights uniform by Glorot & Bengio (2010), biases 0.
That is the default of Keras and lamina; PyTorch's modules are initialised so. scikit-learn
draws biases as well. No contender clips gradients.
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.contenders import CONTENDERS as ALL
from benchmarks.problem import EQUAL, PLAIN, Problem, split
from benchmarks.runner import run_suite

CONTENDERS = ALL
SHAPES = {
    "20-100-3": (2_000, 200, 20),
    "64-100-10": (10_000, 200, 10),
    "100-256-256-10": (60_000, 256, 2),
    "784-512-512-10": (60_000, 256, 1),
}
"""Rows, batch size and epochs, by the widths of the layers."""


def problem(widths: tuple[int, ...], n: int, batch_size: int, n_epochs: int) -> Problem:
    n_inputs, *hidden, n_classes = widths
    rng = np.random.default_rng(0)
    n_test = n // 5
    X = rng.standard_normal((n + n_test, n_inputs)).astype(np.float32)
    scores = X @ rng.standard_normal((n_inputs, n_classes))
    y = (scores + 2 * rng.standard_normal(scores.shape)).argmax(1)
    products = sum(a * b for a, b in pairwise(widths))
    return Problem(
        *split(X, y, n_test),
        n_epochs,
        batch_size,
        module=partial(module, widths),
        keras=partial(keras_model, widths),
        ours=partial(ours, hidden, batch_size, n_epochs),
        flops=n_epochs * n * (6.0 * products - 2 * widths[0] * widths[1]),
    )


def module(widths):
    from torch import nn

    layers = [nn.Linear(widths[0], widths[1])]
    for a, b in pairwise(widths[1:]):
        layers += [nn.ReLU(), nn.Linear(a, b)]
    for linear in layers[::2]:
        nn.init.xavier_uniform_(linear.weight)
        nn.init.zeros_(linear.bias)
    return nn.Sequential(*layers)


def keras_model(widths, keras):
    layers = [keras.Input((widths[0],))]
    layers += [keras.layers.Dense(w, activation="relu") for w in widths[1:-1]]
    return keras.Sequential([*layers, keras.layers.Dense(widths[-1])])


def ours(hidden, batch_size, n_epochs):
    from lamina import DNNClassifier

    return DNNClassifier(
        hidden_layer_sizes=tuple(hidden),
        batch_size=batch_size,
        max_iter=n_epochs,
        **PLAIN,
        **EQUAL,
    )


def _case(name: str) -> Callable[[], Problem]:
    widths = tuple(map(int, name.split("-")))
    return partial(problem, widths, *SHAPES[name])


CASES = {name: _case(name) for name in SHAPES}


def main(names: list[str]) -> None:
    flops = {name: make().flops for name, make in CASES.items()}
    run_suite("dense", names or list(CASES), list(CONTENDERS), flops)
