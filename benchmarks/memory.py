"""The adding problem (Hochreiter & Schmidhuber 1997): two numbers among 400 are marked.

Their sum is wanted; who always answers 1 has a mean squared error of .167. Beside ours the
same network as plain PyTorch users write it, which reads its last states; all see the same
sequences, for the same time.
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
    """Sequences (n, 400, 2) of numbers and marks, one in each half; and the sums."""
    rng, rows = np.random.default_rng(seed), np.arange(n)
    X = np.zeros((n, STEPS, 2), np.float32)
    X[:, :, 0] = rng.random((n, STEPS))
    half = STEPS // 2
    marks = rng.integers(0, half, n), rng.integers(half, STEPS, n)
    for mark in marks:
        X[rows, mark, 1] = 1
    return X, sum(X[rows, mark, 0] for mark in marks)


class Plain(nn.Module):
    """Two layers that read both ways, started by PyTorch; the last state of each way."""

    def __init__(self, kind: type, width: int = 128):
        super().__init__()
        self.rnn = kind(2, width, 2, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        ahead, back = self.rnn(x)[0].chunk(2, -1)
        return self.out(torch.cat([ahead[:, -1], back[:, 0]], 1))[:, 0]


def plain(kind: type, train: tuple, test: tuple, seconds: float) -> dict[str, float]:
    """Adam at 1e-3, falling along a cosine."""
    torch.manual_seed(0)
    X, y = map(torch.from_numpy, train)
    y_mean, y_std = y.mean(), y.std()
    model = Plain(kind)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    start, n_steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for rows in torch.randperm(len(X)).split(BATCH):
            share = (time.perf_counter() - start) / seconds
            if share >= 1:
                break
            optimizer.param_groups[0]["lr"] = 1e-3 * 0.5 * (1 + np.cos(np.pi * share))
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
