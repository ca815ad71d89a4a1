"""Independent parts of a layer, each computed on a core of its own.

A recurrence makes many small products, one after the other, and no product is worth
sharing. Its directions and its samples know nothing of one another: a thread that takes
some of them through all steps never waits. Meanwhile torch itself must keep to one
thread, for its idle ones spin, and would take the cores away: see `spread_over`.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Barrier
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from lamina.process import THREADS

Part = Callable[[Tensor], Tensor]
CORES: ContextVar[int] = ContextVar("cores", default=1)


@contextmanager
def spread_over(n_cores: int) -> Iterator[None]:
    """Inside, parts are spread over so many cores, and torch itself keeps to one."""
    token = CORES.set(n_cores)
    try:
        with THREADS.at(1):
            yield
    finally:
        CORES.reset(token)


def run_parts(
    parts: Sequence[Part], inputs: Sequence[Tensor], modules: Sequence[nn.Module]
) -> list[Tensor]:
    """`part(x)` for each part and its input; gradients reach x and its module's weights."""
    n_threads = min(CORES.get(), len(parts))
    if n_threads == 1 or any(x.is_cuda for x in inputs):
        return [part(x) for part, x in zip(parts, inputs, strict=True)]
    weights = [list(module.parameters()) for module in modules]
    flat = [w for group in weights for w in group]
    # Known here only: inside of a Function torch never records.
    trains = torch.is_grad_enabled()
    how = trains, n_threads, len(inputs)
    return list(_Parts.apply(parts, weights, how, *inputs, *flat))


class _Parts(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        parts: Sequence[Part],
        weights: list[list[Tensor]],
        how: tuple[bool, int, int],
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        trains, n_threads, n_inputs = how
        trains = trains and any(ctx.needs_input_grad)
        needs = ctx.needs_input_grad[3 : 3 + n_inputs]
        inputs = [
            x.detach().requires_grad_(need and trains)
            for x, need in zip(tensors[:n_inputs], needs, strict=True)
        ]
        autocast = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

        def run(part: Part, x: Tensor) -> Tensor:
            # What a thread may and how it computes is its own affair in torch.
            with (
                torch.set_grad_enabled(trains),
                torch.autocast("cpu", autocast[1], enabled=autocast[0]),
            ):
                return part(x)

        outputs = list(workers(n_threads).map(run, parts, inputs))
        ctx.kept = inputs, outputs, weights, n_threads
        return tuple(output.detach() for output in outputs)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Any, ...]:
        inputs, outputs, weights, n_threads = ctx.kept

        def run(x: Tensor, output: Tensor, group: list[Tensor], slope: Tensor) -> Any:
            wanted = [t for t in (x, *group) if t.requires_grad]
            # Given slopes, torch would first import sympy for a third of a second.
            product = (output * slope).sum()
            found = iter(torch.autograd.grad(product, wanted, retain_graph=True))
            return [next(found) if t.requires_grad else None for t in (x, *group)]

        found = list(
            workers(n_threads).map(run, inputs, outputs, weights, grad_outputs)
        )
        to_inputs = [gradients[0] for gradients in found]
        to_weights = [g for gradients in found for g in gradients[1:]]
        return (None, None, None, *to_inputs, *to_weights)


@cache
def workers(n: int, name: str = "parts") -> ThreadPoolExecutor:
    """`n` threads that compute on one core each; they wait until they are asked again."""
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(n, f"lamina {name}", torch.set_num_threads, (1,))
    all_started = Barrier(n)
    list(pool.map(lambda _: all_started.wait(), range(n)))
    # A thread's own count is also what torch gives to threads that start later.
    torch.set_num_threads(before)
    return pool


if hasattr(os, "register_at_fork"):  # a forked child has none of these threads
    os.register_at_fork(after_in_child=workers.cache_clear)
