"""Steps of training on a GPU: plain, as CUDA graphs, and PyTorch's, plain and compiled.

The seconds of a step are the difference of two fits of unequal length, so that neither
starting nor capturing counts; what they cost is in a column of its own. All compute in the
same number type: python -m benchmarks gpu [CASE ...], on a machine with an NVIDIA GPU.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.problem import EQUAL, PLAIN
from benchmarks.runner import store
from lamina import CNNClassifier, DNNClassifier, RNNClassifier
from lamina.training import step

N_ROUNDS = 3
N_BATCHES = 20
EPOCHS = 4, 24
Contender = Callable[[int], None]
"""Train for this number of epochs."""


@dataclass(frozen=True)
class Case:
    """A network on `N_BATCHES` batches of samples of this shape, with 10 classes."""

    shape: tuple[int, ...]
    batch_size: int
    ours: Any
    module: Callable[[], nn.Module] | None
    """The same network in PyTorch; None if it is not a few lines."""
    compiles: bool = False
    """Whether the compiler changes it: cuDNN's recurrent layers stay as they are."""

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(0)
        n_samples = N_BATCHES * self.batch_size
        X = rng.standard_normal((n_samples, *self.shape), dtype=np.float32)
        return X, np.arange(n_samples) % 10


def dense(*widths: int, batch_size: int) -> Case:
    n_inputs, *hidden = widths

    def module() -> nn.Module:
        layers, n_in = [], n_inputs
        for n_out in hidden:
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
            n_in = n_out
        return nn.Sequential(*layers, nn.Linear(n_in, 10))

    ours = DNNClassifier(hidden_layer_sizes=tuple(hidden), **PLAIN, **EQUAL)
    return Case((n_inputs,), batch_size, ours, module, compiles=True)


class Recurrent(nn.Module):
    """x (B, T, C) -> logits by the mean of the hidden states."""

    def __init__(self, cell: type, n_channels: int, width: int):
        super().__init__()
        self.rnn = cell(n_channels, width, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.rnn(x)[0].mean(1))


def recurrent(cell: str, width: int, batch_size: int) -> Case:
    layer = {"lstm": nn.LSTM, "gru": nn.GRU}[cell]
    ours = RNNClassifier(
        cell=cell, hidden_size=width, n_layers=1, bidirectional=True, **EQUAL
    )
    module = partial(Recurrent, layer, 32, width)
    return Case((60, 32), batch_size, ours, module)


def images(side: int, batch_size: int, **params: Any) -> Case:
    return Case((side, side, 3), batch_size, CNNClassifier(**params, **EQUAL), None)


CASES = {
    "20-100-10, batches of 200": dense(20, 100, batch_size=200),
    "784-512-512-10, 256": dense(784, 512, 512, batch_size=256),
    "784-2048-2048-10, 256": dense(784, 2048, 2048, batch_size=256),
    "784-4096-4096-10, 512": dense(784, 4096, 4096, batch_size=512),
    "table, defaults, 256": Case((20,), 256, DNNClassifier(random_state=0), None),
    "32 x 32 pictures, defaults, 64": images(32, 64),
    "32 x 32 pictures, defaults, 256": images(32, 256),
    "64 x 64 pictures, 64-128-256, 128": images(64, 128, n_filters=(64, 128, 256)),
    "LSTM 128, 60 steps, 64": recurrent("lstm", 128, 64),
    "LSTM 512, 60 steps, 64": recurrent("lstm", 512, 64),
    "GRU 128, 60 steps, 64": recurrent("gru", 128, 64),
}


def lamina(case: Case, precision: str, max_macs: float) -> Contender:
    """Ours; steps of a network of up to `max_macs` are captured."""
    X, y = case.data()

    def train(n_epochs: int) -> None:
        step.MAX_MACS_CAPTURED = max_macs
        params = {"batch_size": case.batch_size, "max_iter": n_epochs}
        case.ours.set_params(**params, device="cuda", precision=precision).fit(X, y)

    return train


def pytorch(case: Case, precision: str, compiles: bool) -> Contender:
    """PyTorch with the data on the GPU and its fused Adam."""
    X, y = (torch.from_numpy(a).cuda() for a in case.data())
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]

    def train(n_epochs: int) -> None:
        assert case.module is not None
        module = case.module().cuda()
        run = torch.compile(module, mode="reduce-overhead") if compiles else module
        optimizer = torch.optim.Adam(module.parameters(), 1e-3, fused=True)
        for _ in range(n_epochs):
            for rows in torch.randperm(len(X), device="cuda").split(case.batch_size):
                with torch.autocast("cuda", dtype, dtype != torch.float32):
                    loss = nn.functional.cross_entropy(run(X[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return train


def contenders(case: Case, precision: str) -> dict[str, Contender]:
    ours = {
        "lamina, graphs": lamina(case, precision, np.inf),
        "lamina, plain": lamina(case, precision, 0),
    }
    if case.module is None:
        return ours
    theirs = {"PyTorch": pytorch(case, precision, compiles=False)}
    if case.compiles:
        theirs["PyTorch, compiled"] = pytorch(case, precision, compiles=True)
    return ours | theirs


def seconds(train: Contender, n_epochs: int) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    train(n_epochs)
    torch.cuda.synchronize()
    return time.perf_counter() - start


def measured(train: Contender) -> dict[str, float]:
    """Microseconds of a step; seconds of a short fit, the first and later ones."""
    short, long = EPOCHS
    first = seconds(train, short)
    runs = [(seconds(train, short), seconds(train, long)) for _ in range(N_ROUNDS)]
    n_steps = (long - short) * N_BATCHES
    return {
        "step_us": median(b - a for a, b in runs) / n_steps * 1e6,
        "short_fit_s": median(a for a, _ in runs),
        "first_fit_s": first,
    }


def main(names: list[str]) -> None:
    """Measure these cases, or all."""
    torch.set_float32_matmul_precision("high")
    device = torch.cuda.get_device_name()
    print(f"{device}, torch {torch.__version__}\n{'':46}step us   short s   first s")
    for name in names or CASES:
        for precision in ("float32", "bfloat16"):
            figures = {}
            for contender, train in contenders(CASES[name], precision).items():
                figures[contender] = result = measured(train)
                label = f"{name}, {precision}: {contender}"
                line = "{step_us:9.0f}{short_fit_s:10.3f}{first_fit_s:10.2f}"
                print(f"{label:60}" + line.format(**result), flush=True)
            store("gpu", f"{name}, {precision}", figures, device=device)
