"""One step of training: compute the gradients of a batch, clip them, update the weights.

With a small network a GPU waits for Python. So its step is captured once for each shape of
batch, as a CUDA graph, and replayed from then on.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Protocol

import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.nn.body import Body
from lamina.seeding import current_generator
from lamina.training.gradients import Gradients
from lamina.training.optimizers import LearningRate, Optimizer, clip

MAX_MACS_CAPTURED = 1e12
"""Multiply-accumulates of a forward pass up to which steps are captured. Such steps were
1.04 to 6.7 times as fast on an H100 (docs/engine.md); a captured step keeps its memory."""
N_WARM_UP = 10
"""Steps of a shape before one is captured: libraries allocate what they need, and the
momentum of `BatchNorm` is constant from then on."""
TrainStep = Callable[[Batch, float], Tensor]
"""(batch, learning rate) -> the loss of the batch before the step."""
StaticStep = Callable[[], Tensor]
"""A step that reads its batch and learning rate from the same memory each time."""
Shape = tuple[tuple[str, torch.Size, torch.dtype], ...]
"""Name, shape and type of each tensor of a batch."""


@dataclass
class Step:
    """(batch, learning rate) -> the loss of the batch before the step."""

    gradients: Gradients
    optimizer: Optimizer
    max_norm: float | None
    """Gradients of a larger norm are scaled down to it."""

    def __call__(self, batch: Batch, rate: LearningRate) -> Tensor:
        loss = self.gradients(batch)
        if self.max_norm is not None:
            clip(self.gradients.weights.gradients, self.max_norm)
        self.optimizer.step(rate)
        return loss


class Capture(Protocol):
    """How a device captures steps and replays them."""

    def warm_up(self, step: StaticStep) -> Tensor:
        """Run a step on the stream where it will be captured."""
        ...

    def capture(self, step: StaticStep) -> StaticStep:
        """A function that replays this step; capturing it does not run it."""
        ...


class Graphs:
    """CUDA graphs, a `Capture`."""

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream()
        self.generator = current_generator(device)

    def warm_up(self, step: StaticStep) -> Tensor:
        main = torch.cuda.current_stream()
        self.stream.wait_stream(main)
        with torch.cuda.stream(self.stream):
            loss = step()
        main.wait_stream(self.stream)
        return loss.clone()

    def capture(self, step: StaticStep) -> StaticStep:
        graph, stream = torch.cuda.CUDAGraph(), self.stream
        if self.generator is not None:
            # Each replay draws new numbers.
            graph.register_generator_state(self.generator)
        # Other threads may use the GPU meanwhile.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            loss = step()

        def replay() -> Tensor:
            graph.replay()
            return loss.clone()

        return replay


@dataclass
class ShapeSteps:
    """The steps on batches of one shape."""

    step: Step
    capture: Capture
    rate: Tensor
    batch: Batch
    """The memory from which the step reads its batch, as `rate` is for its learning rate."""
    n_steps: int = 0
    replay: StaticStep | None = None

    def __call__(self, parts: dict[str, Tensor]) -> Tensor:
        for name, part in parts.items():
            getattr(self.batch, name).copy_(part)
        self.n_steps += 1
        if self.n_steps <= N_WARM_UP:
            return self.capture.warm_up(self._static_step)
        if self.replay is None:
            self.replay = self._captured()
        return self.replay()

    def _captured(self) -> StaticStep:
        try:
            return self.capture.capture(self._static_step)
        except RuntimeError as error:
            warnings.warn(
                f"Training continues, but its steps cannot be captured on this GPU "
                f"and are slower: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
            return lambda: self.capture.warm_up(self._static_step)

    def _static_step(self) -> Tensor:
        return self.step(self.batch, self.rate)


@dataclass
class CapturedStep:
    """A step that replays one captured on an earlier batch of the same shape."""

    step: Step
    capture: Capture
    rate: Tensor
    shapes: dict[Shape, ShapeSteps] = field(default_factory=dict)

    def __call__(self, batch: Batch, rate: float) -> Tensor:
        self.rate.fill_(rate)
        parts = _parts(batch)
        if parts is None:
            return self.step(batch, self.rate)
        shape = tuple((name, part.shape, part.dtype) for name, part in parts.items())
        if shape not in self.shapes:
            memory = {name: part.clone() for name, part in parts.items()}
            kept = replace(batch, **memory)
            self.shapes[shape] = ShapeSteps(self.step, self.capture, self.rate, kept)
        return self.shapes[shape](parts)


def fastest(step: Step, body: Body, device: torch.device, n_macs: float) -> TrainStep:
    """The faster form of the step on this device; `n_macs` as in `Training`."""
    small = device.type == "cuda" and n_macs <= MAX_MACS_CAPTURED
    if not small or not body.has_static_steps:
        return step
    rate = torch.zeros((), device=device)
    return CapturedStep(step, Graphs(rate.device), rate)


def _parts(batch: Batch) -> dict[str, Tensor] | None:
    """The tensors of a batch; None if the step depends on more than their shapes."""
    values = {f.name: getattr(batch, f.name) for f in fields(batch)}
    if values.pop("bags"):
        return None
    parts = {name: value for name, value in values.items() if value is not None}
    if "lengths" in parts or "resets_state" in parts:
        return None
    return parts if all(isinstance(p, Tensor) for p in parts.values()) else None
