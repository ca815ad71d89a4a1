"""Recurrent networks: one layer, the mean over the real steps, a linear layer.

Each library uses its own initial weights, and none clips gradients. The scores after two
epochs depend on the initial weights; the amount of computation is equal.
"""

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from benchmarks.contenders import lamina
from benchmarks.problem import EQUAL, Problem, split
from benchmarks.runner import run_suite

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Network(nn.Module):
    """Padded x (B, T, C) and lengths (B,) -> logits; packed or not."""

    def __init__(self, cell, shape, n_classes, packs):
        super().__init__()
        n_channels, width, bidirectional = shape
        self.rnn = CELLS[cell](
            n_channels, width, batch_first=True, bidirectional=bidirectional
        )
        self.out = nn.Linear(width * (1 + bidirectional), n_classes)
        self.packs = packs

    def forward(self, x, lengths):
        if self.packs:
            packed = pack_padded_sequence(x, lengths, True, enforce_sorted=False)
            h, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        else:
            h = self.rnn(x)[0]
        real = (torch.arange(h.shape[1]) < lengths[:, None])[..., None]
        return self.out((h * real).sum(1) / lengths[:, None])


def plain(problem: Problem, packs: bool):
    """PyTorch with the fused Adam; batches are random and padded."""
    samples = [torch.from_numpy(x) for x in problem.X]
    tests = [torch.from_numpy(x) for x in problem.X_test]
    lengths, y = torch.tensor([len(x) for x in samples]), torch.from_numpy(problem.y)
    test_lengths = torch.tensor([len(x) for x in tests])

    def run() -> float:
        model = problem.module(packs)
        optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
        for _ in range(problem.n_epochs):
            for rows in torch.randperm(len(samples)).split(problem.batch_size):
                x = pad_sequence([samples[i] for i in rows.tolist()], batch_first=True)
                loss = F.cross_entropy(model(x, lengths[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        with torch.inference_mode():
            logits = model(pad_sequence(tests, batch_first=True), test_lengths)
        return float((logits.argmax(1).numpy() == problem.y_test).mean())

    return run


CONTENDERS = {
    "lamina": lamina,
    "torch, packed": partial(plain, packs=True),
    "torch, padded": partial(plain, packs=False),
}


def ours(cell, width, bidirectional, batch_size, n_epochs):
    from lamina import RNNClassifier

    return RNNClassifier(
        cell=cell,
        hidden_size=width,
        n_layers=1,
        bidirectional=bidirectional,
        batch_size=batch_size,
        max_iter=n_epochs,
        **EQUAL,
    )


def problem(
    cell: str, lengths: tuple[int, int], n_channels: int, width: int, bi: bool
) -> Problem:
    """Four classes: which of four noisy channels oscillates, each at its own frequency."""
    rng = np.random.default_rng(0)
    n, n_test, batch_size, n_epochs = 640, 128, 64, 2
    if not bi:
        batch_size = 20
    y = rng.integers(0, 4, n + n_test)
    X = []
    for label in y:
        steps = np.arange(rng.integers(lengths[0], lengths[1] + 1))
        x = 0.7 * rng.standard_normal((len(steps), n_channels))
        x[:, label] += 0.4 + np.sin(steps / (2 + label) + rng.random() * 6)
        X.append(x)
    return Problem(
        *split(standardised(X), y, n_test),
        n_epochs,
        batch_size,
        module=partial(Network, cell, (n_channels, width, bi), 4),
        ours=partial(ours, cell, width, bi, batch_size, n_epochs),
    )


def standardised(X: list[np.ndarray]) -> list[np.ndarray]:
    """The standardisation of lamina's encoder, so that all networks see equal values."""
    steps = np.concatenate(X)
    return [((x - steps.mean(0)) / steps.std(0)).astype(np.float32) for x in X]


SHAPES = {
    "bidirectional 128, length 20-100": ((20, 100), 32, 128, True),
    "bidirectional 128, length 40-200": ((40, 200), 64, 128, True),
    "one direction 200, length 35": ((35, 35), 200, 200, False),
}
CASES = {
    f"{cell} {shape}": partial(problem, cell, *values)
    for cell in CELLS
    for shape, values in SHAPES.items()
}


def main(names: list[str]) -> None:
    run_suite("recurrent", names or list(CASES), list(CONTENDERS), {})
