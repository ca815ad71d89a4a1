"""What an RNN forgets and an LSTM keeps; a table, and a picture in out/.

Two numbers among 400 are marked, and their sum is wanted (Hochreiter & Schmidhuber 1997).
A state that each step multiplies loses what was marked long ago; an LSTM adds to its cells
and keeps it, if its gates start open enough: PyTorch's start closes them half, each step.
"""

import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
import torch
from torch import Tensor, nn

from lamina import RNNRegressor
from lamina.nn.recurrent import RecurrentLayer

mpl.use("Agg")
SECONDS = float(os.environ.get("SECONDS", "60"))
"""The most that a network may train."""
STEPS, WIDTH, EPOCHS, BATCH = 400, 32, 20, 25
RNN, PLAIN, OURS = "plain RNN", "LSTM as PyTorch starts it", "LSTM"


def main() -> None:
    """Train, print and draw."""
    from matplotlib import pyplot

    train, test = adding(1_000, seed=0), adding(500, seed=1)
    errors = {
        RNN: ours("rnn", train, test),
        PLAIN: plain(train, test),
        OURS: ours("lstm", train, test),
    }
    print("mean squared error of the sum, on new sequences (.167: always the mean)")
    for name, curve in errors.items():
        print(f"  {name:26} {curve[-1]:.4f} after {len(curve)} epochs")
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name, trace in traces().items():
        axes[0].semilogy(range(STEPS), trace.clip(1e-12), label=name)
    axes[0].set(
        title="What is left of a step, before training",
        xlabel="steps ago",
        ylabel="slope of the last state, as a share of the nearest",
    )
    for name, curve in errors.items():
        axes[1].semilogy(range(1, len(curve) + 1), curve, label=name)
    axes[1].set(
        title="Adding two of 400 numbers", xlabel="epoch", ylabel="squared error"
    )
    axes[0].legend()
    path = Path("out") / "memory.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=100)
    print(f"What is left, and what is learnt: {path}")


def adding(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (n, 400, 2) of numbers and marks, one in each half; and the sums."""
    rng = np.random.default_rng(seed)
    X = np.zeros((n, STEPS, 2), np.float32)
    X[:, :, 0] = rng.random((n, STEPS))
    for half in np.split(np.arange(STEPS), 2):
        X[np.arange(n), rng.choice(half, n), 1] = 1
    return X, X.prod(2).sum(1)


def ours(cell: str, train: tuple, test: tuple) -> list[float]:
    """Squared errors on the test after each epoch."""
    network = RNNRegressor(
        cell=cell,
        hidden_size=WIDTH,
        n_layers=1,
        bidirectional=False,
        dropout=0.0,
        learning_rate_init=0.01,
        batch_size=BATCH,
        max_iter=EPOCHS,
        max_time=SECONDS,
        random_state=0,
    )
    network.fit(*train, X_val=test[0], y_val=test[1])
    return [(1 - score) * float(test[1].var()) for score in network.validation_scores_]


def plain(train: tuple, test: tuple) -> list[float]:
    """The same with the layer and the optimizer that PyTorch has."""
    torch.manual_seed(0)
    (X, y), (X_test, y_test) = (map(torch.from_numpy, part) for part in (train, test))
    lstm, out = nn.LSTM(2, WIDTH, batch_first=True), nn.Linear(WIDTH, 1)

    def answer(x: Tensor) -> Tensor:
        return 1 + out(lstm(x)[0].mean(1))[:, 0]

    weights = [*lstm.parameters(), *out.parameters()]
    optimizer = torch.optim.Adam(weights, 0.01)
    n_steps = EPOCHS * len(X) // BATCH
    pace = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.01, total_steps=n_steps, pct_start=0.1
    )
    errors = []
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad()
            (answer(X[rows]) - y[rows]).square().mean().backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            pace.step()
        with torch.inference_mode():
            errors.append(float((answer(X_test) - y_test).square().mean()))
    return errors


def traces() -> dict[str, np.ndarray]:
    """Of each kind: how steep the last state is in each step before it."""
    torch.manual_seed(0)
    layers = {
        RNN: nn.RNN(2, WIDTH, batch_first=True),
        PLAIN: nn.LSTM(2, WIDTH, batch_first=True),
        OURS: RecurrentLayer("lstm", 2, WIDTH, False, STEPS),
    }
    found = {}
    for name, layer in layers.items():
        x = torch.rand(8, STEPS, 2, requires_grad=True)
        h = layer(x, None) if name == OURS else layer(x)[0]
        (slope,) = torch.autograd.grad(h[:, -1].sum(), x)
        size = slope.norm(dim=(0, 2)).flip(0).numpy()
        found[name] = size / size[0]
    return found


if __name__ == "__main__":
    main()
