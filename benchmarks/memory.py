"""The adding problem (Hochreiter & Schmidhuber 1997): two values among 400 are marked.

The target is their sum; the constant prediction 1 has a mean squared error of .167.
Baseline: a network of the same size in plain PyTorch that uses the last states, trained on
the same sequences for the same time.
"""

import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamina import RNNRegressor

Figures = dict[str, dict[str, float]]
STEPS, N_TRAIN, N_TEST, BATCH = 400, 1_000, 1_000, 25


def adding(seconds: float) -> Figures:
    """Default parameters, and with a plain RNN in place of the LSTM."""
    train, test = problem(N_TRAIN, seed=0), problem(N_TEST, seed=1)
    figures = {}
    for cell in ("lstm", "rnn"):
        network = RNNRegressor(cell=cell, max_time=seconds, random_state=0)
        start = time.perf_counter()
        network.fit(*train)
        figures[f"lamina, {cell}"] = {
            "MSE": float(np.mean((network.predict(test[0]) - test[1]) ** 2)),
            "seconds": time.perf_counter() - start,
            "epochs": network.n_iter_,
            "parameters": network.n_parameters_,
        }
    for kind in (nn.LSTM, nn.RNN):
        figures[f"PyTorch {kind.__name__}"] = plain(kind, train, test, seconds)
    return figures


def problem(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (n, 400, 2) of values and marks, one mark in each half; and the sums."""
    rng, rows = np.random.default_rng(seed), np.arange(n)
    X = np.zeros((n, STEPS, 2), np.float32)
    X[:, :, 0] = rng.random((n, STEPS))
    half = STEPS // 2
    marks = rng.integers(0, half, n), rng.integers(half, STEPS, n)
    for mark in marks:
        X[rows, mark, 1] = 1
    return X, sum(X[rows, mark, 0] for mark in marks)


class Plain(nn.Module):
    """Two bidirectional layers initialised by PyTorch; the last state of each direction."""

    def __init__(self, kind: type, width: int = 128):
        super().__init__()
        self.rnn = kind(2, width, 2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        forward, backward = self.rnn(x)[0].chunk(2, -1)
        return self.out(torch.cat([forward[:, -1], backward[:, 0]], 1))[:, 0]


def plain(kind: type, train: tuple, test: tuple, seconds: float) -> dict[str, float]:
    """Adam with a cosine schedule from 1e-3."""
    torch.manual_seed(0)
    X, y = map(torch.from_numpy, train)
    y_mean, y_std = y.mean(), y.std()
    model = Plain(kind)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    start, n_steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for rows in torch.randperm(len(X)).split(BATCH):
            progress = (time.perf_counter() - start) / seconds
            if progress >= 1:
                break
            lr = 1e-3 * 0.5 * (1 + np.cos(np.pi * progress))
            optimizer.param_groups[0]["lr"] = lr
            loss = F.mse_loss(model(X[rows]), (y[rows] - y_mean) / y_std)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            n_steps += 1
    with torch.inference_mode():
        parts = [model(part) for part in torch.from_numpy(test[0]).split(200)]
    predicted = (torch.cat(parts) * y_std + y_mean).numpy()
    return {
        "MSE": float(np.mean((predicted - test[1]) ** 2)),
        "seconds": seconds,
        "epochs": n_steps * BATCH / len(X),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
