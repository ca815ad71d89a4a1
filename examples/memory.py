"""Long-term memory of an RNN and of LSTMs; a table, and a figure in out/.

Two of 400 values are marked, and the target is their sum (Hochreiter & Schmidhuber 1997).
The gradient of a plain RNN vanishes over many steps. An LSTM keeps it if its forget gates
are initially open; PyTorch's initialisation makes them about half closed.
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
"""Time limit of each fit of lamina."""
STEPS, WIDTH, EPOCHS, BATCH = 400, 32, 20, 25
RNN, PLAIN, OURS = "plain RNN", "LSTM, PyTorch's initialisation", "LSTM"


def main() -> None:
    """Train, print and plot."""
    from matplotlib import pyplot

    train, test = adding(1_000, seed=0), adding(500, seed=1)
    errors = {
        RNN: ours("rnn", train, test),
        PLAIN: plain(train, test),
        OURS: ours("lstm", train, test),
    }
    print("mean squared error of the sum, on new sequences (predicting the mean: .167)")
    for name, curve in errors.items():
        print(f"  {name:30} {curve[-1]:.4f} after {len(curve)} epochs")
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    for name, norms in gradient_norms().items():
        axes[0].semilogy(range(STEPS), norms.clip(1e-12), label=name)
    axes[0].set(
        title="Gradient of the last state, before training",
        xlabel="steps before the last",
        ylabel="norm of the gradient, relative to the last step",
    )
    for name, curve in errors.items():
        axes[1].semilogy(range(1, len(curve) + 1), curve, label=name)
    axes[1].set(
        title="Adding two of 400 values", xlabel="epoch", ylabel="squared error"
    )
    axes[0].legend()
    path = Path("out") / "memory.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=100)
    print(f"Gradients and learning curves: {path}")


def adding(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (n, 400, 2) of values and marks, one mark in each half; and the sums."""
    rng = np.random.default_rng(seed)
    X = np.zeros((n, STEPS, 2), np.float32)
    X[:, :, 0] = rng.random((n, STEPS))
    for half in np.split(np.arange(STEPS), 2):
        X[np.arange(n), rng.choice(half, n), 1] = 1
    return X, X.prod(2).sum(1)


def ours(cell: str, train: tuple, test: tuple) -> list[float]:
    """Mean squared errors on the test set after each epoch."""
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
    """The same with PyTorch's layer and optimizer."""
    torch.manual_seed(0)
    (X, y), (X_test, y_test) = (map(torch.from_numpy, part) for part in (train, test))
    lstm, out = nn.LSTM(2, WIDTH, batch_first=True), nn.Linear(WIDTH, 1)

    def predict(x: Tensor) -> Tensor:
        return 1 + out(lstm(x)[0].mean(1))[:, 0]

    weights = [*lstm.parameters(), *out.parameters()]
    optimizer = torch.optim.Adam(weights, 0.01)
    n_steps = EPOCHS * len(X) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.01, total_steps=n_steps, pct_start=0.1
    )
    errors = []
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(X)).split(BATCH):
            optimizer.zero_grad()
            (predict(X[rows]) - y[rows]).square().mean().backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
        with torch.inference_mode():
            errors.append(float((predict(X_test) - y_test).square().mean()))
    return errors


def gradient_norms() -> dict[str, np.ndarray]:
    """(400,) the norm of the gradient of the last state, by steps before it."""
    torch.manual_seed(0)
    layers = {
        RNN: nn.RNN(2, WIDTH, batch_first=True),
        PLAIN: nn.LSTM(2, WIDTH, batch_first=True),
        OURS: RecurrentLayer("lstm", 2, WIDTH, False, STEPS),
    }
    norms = {}
    for name, layer in layers.items():
        x = torch.rand(8, STEPS, 2, requires_grad=True)
        h = layer(x, None) if name == OURS else layer(x)[0]
        (gradient,) = torch.autograd.grad(h[:, -1].sum(), x)
        norm = gradient.norm(dim=(0, 2)).flip(0).numpy()
        norms[name] = norm / norm[0]
    return norms


if __name__ == "__main__":
    main()
