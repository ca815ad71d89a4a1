"""The memory that a fit needs at least, compared with that of the machine.

An operating system that gives out more memory than it has ends the process later, without an
error that could be caught.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from textwrap import shorten
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from lamina.batch import Spec
from lamina.exceptions import ParameterError
from lamina.numeric import is_integer, real
from lamina.params import Params, Use, declared

BYTES_PER_WEIGHT = 16
"""A weight in float32, its gradient, and the two moments of Adam."""
FACTORIES = ("empty", "zeros", "ones", "rand", "randn", "full")
"""Functions of torch that make a tensor of a shape."""
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
OUT_OF_MEMORY = re.compile(
    "out of memory|can't allocate memory|not enough memory", re.I
)
N_SHOWN = 3


def memory_of(device: torch.device) -> int:
    """Bytes of memory of a device; of the CPU, what the container may use."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[1]
    if not hasattr(os, "sysconf"):
        return sys.maxsize
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = CONTAINER_LIMIT.read_text().strip() if CONTAINER_LIMIT.exists() else "max"
    return min(total, int(limit)) if limit.isdecimal() else total


@contextmanager
def bounded_memory(
    params: Params, spec: Spec, batch_size: int, device: torch.device
) -> Iterator[None]:
    """A context in which a network is built if it can be trained on the device.

    `ParameterError` names the sizes to lower if a batch, or the network, is too large.
    """
    memory = _Memory(params, memory_of(device))
    shape = batch_size, spec.max_length, spec.n_channels
    memory.refuse_beyond(4 * prod(shape), f"A batch of {shape} values")
    with memory:
        yield


class _Memory(TorchFunctionMode):
    """Adds up the sizes of all tensors before they are made."""

    def __init__(self, params: Params, n_available: int):
        super().__init__()
        self.params, self.n_available, self.n_bytes = params, n_available, 0

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        del types
        kwargs = kwargs or {}
        if func.__name__ in FACTORIES:
            shape = kwargs.get("size", args[0] if args else ())
            shape = tuple(shape if isinstance(shape, Sequence) else args)
            self.n_bytes += BYTES_PER_WEIGHT * prod(shape)
            self.refuse_beyond(self.n_bytes, f"A network with weights {shape}")
        return func(*args, **kwargs)

    def refuse_beyond(self, n_bytes: int, what: str) -> None:
        """Raise `ParameterError` if `what` takes more bytes than there are."""
        if n_bytes > self.n_available:
            raise ParameterError(
                f"{what} needs at least {real(n_bytes) / 1e9:.3g} GB of memory in "
                f"training, and there are {self.n_available / 1e9:.3g} GB; "
                f"{_remedy(self.params)}."
            )


@contextmanager
def memory_errors(params: Params) -> Iterator[None]:
    """Turn a failed allocation into a `ParameterError` that names the sizes."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not OUT_OF_MEMORY.search(str(error)):
            raise
        raise ParameterError(
            f"The memory does not suffice ({shorten(str(error), 200)}); "
            f"{_remedy(params)}."
        ) from error


def _remedy(params: Params) -> str:
    """Lower the greatest of the parameters that determine the shapes of a network."""
    sizes = {}
    for declaration in declared(type(params)):
        value = getattr(params, declaration.name)
        numbers = value if isinstance(value, list | tuple) else [value]
        is_chosen = declaration.use is Use.FROZEN and not declaration.is_default(value)
        if is_chosen and numbers and all(map(is_integer, numbers)):
            sizes[f"{declaration.name}={value!r}"] = max(numbers)
    largest = sorted(sizes, key=lambda name: -sizes[name])[:N_SHOWN]
    chosen = f"lower {' or '.join(largest)}, or " if largest else ""
    return f"{chosen}reduce batch_size, or the columns, categories or steps of X"
