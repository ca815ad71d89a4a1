"""The layers of a network, the course of its training, and the time of a prediction."""

import platform
from importlib.metadata import version
from itertools import islice
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import sklearn
import torch
from torch import nn

import lamina
from lamina.estimators.base import NeuralEstimator
from lamina.inputs import Indexable
from lamina.inspection import HistoryDisplay
from lamina.reporting.autos import parameters
from lamina.reporting.blocks import Block, Cell, Facts, Paragraph, Section, Table
from lamina.reporting.figures import figure_of
from lamina.reporting.results import Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LAYERS = 60
MAX_TIMED = 256
"""Samples that are predicted together to time many of them."""
N_TIMED = 3
"""Predictions of which the fastest counts."""


def network(estimator: NeuralEstimator) -> Section:
    """The layers with values that are trained, and the parameters of the estimator."""
    model = estimator.network_
    layers = [(name, m) for name, m in model.named_modules() if _n_values(m)]
    rows: list[list[Cell]] = [
        [name, _layer(module), _n_values(module)]
        for name, module in islice(layers, MAX_LAYERS)
    ]
    facts = Facts(
        [
            ("Body", type(model.body).__name__),
            ("Task", type(estimator.task_).__name__),
            ("Trainable values", int(estimator.n_parameters_)),
            ("Features of a step", int(model.body.width)),
        ]
    )
    header = ["Layer", "Kind", "Values"]
    blocks: list[Block] = [facts, Table("Layers with trained values", header, rows)]
    if len(layers) > MAX_LAYERS:
        blocks.append(Paragraph(f"And {len(layers) - MAX_LAYERS} further layers."))
    return Section("Network", [*blocks, *parameters(estimator)])


def _n_values(module: nn.Module) -> int:
    """The trainable values of a module itself, without those of its parts."""
    own = module.parameters(recurse=False)
    return sum(p.numel() for p in own if p.requires_grad)


def _layer(module: nn.Module) -> str:
    shapes = [
        " \N{MULTIPLICATION SIGN} ".join(map(str, p.shape))
        for p in module.parameters(recurse=False)
    ]
    return f"{type(module).__name__}, {'; '.join(shapes[:2])}" + (
        " …" if len(shapes) > 2 else ""
    )


def training(estimator: NeuralEstimator) -> Section:
    """The losses of the epochs."""
    facts: list[tuple[str, Cell]] = [
        ("Epochs", int(estimator.n_iter_)),
        ("Lowest training loss", float(estimator.best_loss_)),
    ]
    caption = "Mean training loss of each epoch"
    losses, scores = estimator.loss_curve_, estimator.validation_scores_
    if scores is not None:
        best = estimator.best_validation_score_
        facts.append(("Best validation score", None if best is None else float(best)))
        caption += ", and the score on validation samples, whose scale is on the right"
    if scores is not None and len(scores) != len(losses):
        caption += "; the search for the number of epochs had other epochs than the fit"

    def draw(ax: "Axes") -> None:
        HistoryDisplay.from_estimator(estimator, ax=ax)

    return Section("Training", [Facts(facts), figure_of(draw, caption + ".")])


def speed(results: Results) -> Section:
    """The time of a sample, for one and for many, without the time of reading X."""
    n_many = min(len(results), MAX_TIMED)
    rows: list[list[Cell]] = []
    for n in dict.fromkeys((1, n_many)):
        plain = results.rows(np.arange(n))
        seconds = min(_seconds(results, plain) for _ in range(N_TIMED))
        rows.append([n, 1_000 * seconds / n, n / seconds])
    note = (
        f"The fastest of {N_TIMED} predictions on {platform.machine()}, "
        f"with torch.get_num_threads() = "
        f"{torch.get_num_threads()}. Samples were read before; files are "
        f"decoded in this time. It is the only part of a report that differs from call to "
        f"call."
    )
    header = ["Samples at a time", "Milliseconds per sample", "Samples per second"]
    return Section(
        "Speed", [Table("Time of a prediction", header, rows), Paragraph(note)]
    )


def _seconds(results: Results, plain: Indexable) -> float:
    start = perf_counter()
    results.outputs_of(plain)
    return perf_counter() - start


def versions() -> Section:
    """The software that computed the report."""
    pairs: list[tuple[str, Cell]] = [
        ("lamina", lamina.__version__),
        ("Python", platform.python_version()),
        ("torch", torch.__version__),
        ("scikit-learn", sklearn.__version__),
        ("numpy", np.__version__),
        ("matplotlib", version("matplotlib")),
        ("System", f"{platform.system()} {platform.machine()}"),
    ]
    return Section("Versions", [Facts(pairs)])
