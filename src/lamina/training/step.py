"""One step of training: the gradients of a batch, cut to a length, and along them.

A small network keeps a GPU waiting for Python. So there the work of such a step is
recorded once for each shape of batch, as a CUDA graph, and repeated from then on.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from lamina.batch import Batch
from lamina.bodies.base import Body
from lamina.seeding import current_generator
from lamina.training.gradients import Gradients
from lamina.training.optimizers import Optimizer, Rate, clip

WORTH_RECORDING = 1e9
"""Multiplications of a forward pass up to which steps are recorded: a GPU takes less time
for them than Python takes to ask for them, and what is recorded keeps its memory."""
N_BEFORE = 10
"""Steps of a shape that are done before one is recorded: libraries set up what they need,
and `BatchNorm` counts no further."""
Work = Callable[[], Tensor]


@dataclass
class Step:
    """(batch, learning rate) -> the loss that the batch had before the step."""

    gradients: Gradients
    optimizer: Optimizer
    params: list[nn.Parameter]
    longest: float | None
    """Gradients longer than this are cut to it."""

    def __call__(self, batch: Batch, rate: Rate) -> Tensor:
        loss = self.gradients(batch)
        if self.longest is not None:
            clip(self.params, self.longest)
        self.optimizer.step(rate)
        return loss


class Recorder(Protocol):
    """What a device offers to repeat work with."""

    def aside(self, work: Work) -> Tensor:
        """Do the work where it will be recorded."""
        ...

    def record(self, work: Work) -> Work:
        """What does this work again on the same memory; recording alone does nothing."""
        ...


class Graphs:
    """CUDA graphs, a Recorder."""

    def __init__(self, device: torch.device) -> None:
        self.stream = torch.cuda.Stream()
        self.generator = current_generator(device)

    def aside(self, work: Work) -> Tensor:
        main = torch.cuda.current_stream()
        self.stream.wait_stream(main)
        with torch.cuda.stream(self.stream):
            loss = work()
        main.wait_stream(self.stream)
        return loss.clone()

    def record(self, work: Work) -> Work:
        graph, stream = torch.cuda.CUDAGraph(), self.stream
        if self.generator is not None:
            # Each replay draws new numbers.
            graph.register_generator_state(self.generator)
        # Other threads may go on using the GPU.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            loss = work()

        def replay() -> Tensor:
            graph.replay()
            return loss.clone()

        return replay


@dataclass
class Repeated:
    """The work for batches of one shape."""

    step: Step
    recorder: Recorder
    rate: Tensor
    batch: Batch
    """The memory in which the work looks for its batch, as for its learning rate."""
    n_done: int = 0
    again: Work | None = None

    def __call__(self, parts: dict[str, Tensor]) -> Tensor:
        for name, part in parts.items():
            getattr(self.batch, name).copy_(part)
        self.n_done += 1
        if self.n_done <= N_BEFORE:
            return self.recorder.aside(self._work)
        if self.again is None:
            self.again = self._recorded()
        return self.again()

    def _recorded(self) -> Work:
        try:
            return self.recorder.record(self._work)
        except RuntimeError as error:
            warnings.warn(
                f"Training goes on, but its steps cannot be recorded on this GPU and stay "
                f"slower than they could be: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
            return lambda: self.recorder.aside(self._work)

    def _work(self) -> Tensor:
        return self.step(self.batch, self.rate)


@dataclass
class Recorded:
    """A step that repeats what was recorded of earlier ones on batches of the same shape."""

    step: Step
    recorder: Recorder
    rate: Tensor
    works: dict[Any, Repeated] = field(default_factory=dict)

    def __call__(self, batch: Batch, rate: float) -> Tensor:
        self.rate.fill_(rate)
        parts = _parts(batch)
        if parts is None:
            return self.step(batch, self.rate)
        shape = tuple((name, part.shape, part.dtype) for name, part in parts.items())
        if shape not in self.works:
            memory = {name: part.clone() for name, part in parts.items()}
            kept = replace(batch, **memory)
            self.works[shape] = Repeated(self.step, self.recorder, self.rate, kept)
        return self.works[shape](parts)


def fastest(
    step: Step, body: Body, device: torch.device, work: float
) -> Callable[..., Tensor]:
    """The step, as it takes least time on this device; `work` as in `Training`."""
    small = device.type == "cuda" and work <= WORTH_RECORDING
    if not small or not body.has_static_steps:
        return step
    rate = torch.zeros((), device=device)
    return Recorded(step, Graphs(rate.device), rate)


def _parts(batch: Batch) -> dict[str, Tensor] | None:
    """The tensors of a batch, or None if more than their shapes decides what is done."""
    found = {f.name: getattr(batch, f.name) for f in fields(batch)}
    parts = {name: part for name, part in found.items() if part is not None}
    if "lengths" in parts or "resets_state" in parts:
        return None
    return parts if all(isinstance(p, Tensor) for p in parts.values()) else None
