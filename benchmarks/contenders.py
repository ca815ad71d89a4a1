"""The contenders: each maps a problem to a function that trains a network once.

The function returns the accuracy on the test samples; each call starts from other initial
weights if the library draws them in a fit. Imports are within functions, so that the
process of a contender loads only its own library.
"""

import copy
import os
import warnings
from collections.abc import Callable
from itertools import count

import numpy as np

from benchmarks.problem import Problem

Run = Callable[[], float]


def lamina(problem: Problem) -> Run:
    problem.ours()  # imports
    X, X_test = problem.X, problem.X_test
    if isinstance(X, np.ndarray) and X.ndim == 4:  # images have channels last here
        X, X_test = (np.ascontiguousarray(np.moveaxis(x, 1, 3)) for x in (X, X_test))

    seeds = count()

    def run() -> float:
        network = problem.ours().set_params(random_state=next(seeds))
        return network.fit(X, problem.y).score(X_test, problem.y_test)

    return run


def scikit_learn(problem: Problem, tol: float = 0.0, alpha: float = 0.0) -> Run:
    from sklearn.neural_network import MLPClassifier

    seeds = count()

    def run() -> float:
        network = MLPClassifier(
            mlp_widths(problem),
            batch_size=problem.batch_size,
            max_iter=problem.n_epochs,
            n_iter_no_change=10_000,
            tol=tol,
            alpha=alpha,
            random_state=next(seeds),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.fit(problem.X, problem.y)
        return network.score(problem.X_test, problem.y_test)

    return run


def mlp_widths(problem: Problem) -> tuple[int, ...]:
    """The widths of the hidden layers."""
    layers = [m for m in problem.module() if hasattr(m, "out_features")]
    return tuple(layer.out_features for layer in layers[:-1])


def torch_indexed(problem: Problem) -> Run:
    """PyTorch at its best: no DataLoader, the fused Adam, channels_last for images."""
    import torch

    X, y = torch.from_numpy(problem.X), torch.from_numpy(problem.y)

    def run() -> float:
        model = problem.module()
        if X.ndim == 4:
            model = model.to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
        for _ in range(problem.n_epochs):
            for rows in torch.randperm(len(X)).split(problem.batch_size):
                x = X[rows]
                if x.ndim == 4:
                    x = x.contiguous(memory_format=torch.channels_last)
                loss = torch.nn.functional.cross_entropy(model(x), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return _torch_accuracy(model, problem)

    return run


def torch_loader(problem: Problem) -> Run:
    """PyTorch as in its tutorials."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    data = TensorDataset(torch.from_numpy(problem.X), torch.from_numpy(problem.y))

    def run() -> float:
        model = problem.module()
        optimizer = torch.optim.Adam(model.parameters(), 1e-3)
        criterion = torch.nn.CrossEntropyLoss()
        for _ in range(problem.n_epochs):
            for x, y in DataLoader(data, problem.batch_size, shuffle=True):
                optimizer.zero_grad()
                criterion(model(x), y).backward()
                optimizer.step()
        return _torch_accuracy(model, problem)

    return run


def skorch(problem: Problem) -> Run:
    import torch
    from skorch import NeuralNetClassifier

    def run() -> float:
        network = NeuralNetClassifier(
            problem.module(),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            optimizer__fused=True,
            lr=1e-3,
            max_epochs=problem.n_epochs,
            batch_size=problem.batch_size,
            iterator_train__shuffle=True,
            train_split=None,
            verbose=0,
        )
        network.fit(problem.X, problem.y)
        return network.score(problem.X_test, problem.y_test)

    return run


def lightning(problem: Problem) -> Run:
    import logging

    import torch
    from lightning.pytorch import LightningModule, Trainer
    from torch.utils.data import DataLoader, TensorDataset

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    data = TensorDataset(torch.from_numpy(problem.X), torch.from_numpy(problem.y))

    class Wrapped(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = problem.module()

        def training_step(self, batch, _):
            x, y = batch
            return torch.nn.functional.cross_entropy(self.model(x), y)

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 1e-3, fused=True)

    def run() -> float:
        wrapped = Wrapped()
        trainer = Trainer(
            max_epochs=problem.n_epochs, accelerator="cpu", barebones=True
        )
        loader = DataLoader(data, problem.batch_size, shuffle=True)
        trainer.fit(wrapped, loader)
        return _torch_accuracy(wrapped.model, problem)

    return run


def _keras(backend: str) -> Callable[[Problem], Run]:
    def contender(problem: Problem) -> Run:
        os.environ["KERAS_BACKEND"] = backend
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import keras

        model = problem.keras(keras)
        model.compile(
            optimizer=keras.optimizers.Adam(1e-3),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        start = copy.deepcopy(model.get_weights())

        # The compiled program is reused by later fits; only the first one compiles.
        def run() -> float:
            model.set_weights(start)
            model.fit(
                problem.X,
                problem.y,
                batch_size=problem.batch_size,
                epochs=problem.n_epochs,
                verbose=0,
            )
            logits = model.predict(problem.X_test, batch_size=1024, verbose=0)
            return float(np.mean(logits.argmax(1) == problem.y_test))

        return run

    return contender


def _torch_accuracy(model, problem: Problem) -> float:
    import torch

    model.eval()
    X = torch.from_numpy(problem.X_test)
    # All images in one batch would not fit into the cache.
    parts = X.split(problem.batch_size) if X.ndim == 4 else [X]
    with torch.inference_mode():
        logits = torch.cat([model(part) for part in parts])
    return float((logits.argmax(1).numpy() == problem.y_test).mean())


CONTENDERS: dict[str, Callable[[Problem], Run]] = {
    "lamina": lamina,
    "scikit-learn": scikit_learn,
    "torch, indexed": torch_indexed,
    "torch, DataLoader": torch_loader,
    "skorch": skorch,
    "Lightning": lightning,
    "Keras, JAX": _keras("jax"),
    "Keras, TensorFlow": _keras("tensorflow"),
}
