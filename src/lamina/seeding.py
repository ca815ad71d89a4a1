"""`random_state` -> the generators of one fit; those of the process are not used.

While a fit builds and trains its network, `random_stream` sets thread-local generators,
one for each device. Layers of lamina pass `current_generator` to the operators that draw.
Operators that are called without a generator, in `torch.nn` or in a user's body, get it by
`every_draw_from_stream`.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from torch._ops import OpOverload
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from lamina.process import numpy_computes

CPU = torch.device("cpu")
INITIALISERS = ("uniform_", "normal_", "random_", "bernoulli_", "kaiming_uniform_")
"""Operators that draw initial weights."""
RANDOM_LAYERS = (
    nn.modules.dropout._DropoutNd,
    nn.FractionalMaxPool2d,
    nn.FractionalMaxPool3d,
    nn.MultiheadAttention,
    nn.RReLU,
)
"""Layers of `torch.nn`, beside recurrent ones, that draw random numbers in training."""


def seed_from(random_state: int | np.random.RandomState | None) -> int:
    """A seed for this call; a RandomState advances, as in scikit-learn.

    None draws entropy from the operating system, not from numpy's global generator.
    """
    if random_state is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    return int(random_state)


def spawn(seed: int, n: int) -> list[int]:
    """`n` independent seeds from one."""
    return [int(s) for s in np.random.SeedSequence(seed).generate_state(n)]


class Generators(dict[torch.device, torch.Generator]):
    """Generators by device, created on first use, all from one seed."""

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    @cached_property
    def bits(self) -> np.random.SFC64:
        """What gives random bits on a CPU: in half of the time of torch's generator."""
        return np.random.SFC64(self.seed)

    def state(self) -> dict[str, Any]:
        """What determines all later draws."""
        torch_states = {str(d): g.get_state() for d, g in self.items()}
        return {"bits": self.bits.state, "torch": torch_states}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue with the draws that followed a `state`."""
        self.bits.state = state["bits"]
        for device, values in state["torch"].items():
            self[torch.device(device)].set_state(values)

    def __missing__(self, device: torch.device) -> torch.Generator:
        self[device] = torch.Generator(device).manual_seed(self.seed)
        return self[device]


_current: ContextVar[Generators | None] = ContextVar("generators", default=None)


@contextmanager
def random_stream(seed: int) -> Iterator[Generators]:
    """Within it, and in this thread, `current_generator` returns generators of `seed`."""
    generators = Generators(seed)
    with drawing_from(generators):
        yield generators


@contextmanager
def drawing_from(generators: Generators | None) -> Iterator[None]:
    """Within it, and in this thread, `current_generator` returns these generators."""
    token = _current.set(generators)
    try:
        yield
    finally:
        _current.reset(token)


def part_streams(n: int) -> list[Generators | None]:
    """Generators for each of `n` parts of a batch; None of none, outside of a fit."""
    generators = _current.get()
    if n == 1 or generators is None:
        return [generators] * n
    return [Generators(seed) for seed in spawn(generators.seed, n)]


def current_generator(device: torch.device) -> torch.Generator | None:
    """The generator of the fit in this thread for a device; None, torch's own, outside."""
    generators = _current.get()
    return None if generators is None else generators[device]


def random_integers(n: int, device: torch.device) -> torch.Tensor:
    """(n,) random 64-bit integers of the stream, or of torch's own generator outside."""
    generators = _current.get()
    if generators is not None and numpy_computes(device):
        return torch.from_numpy(generators.bits.random_raw(n).view(np.int64))
    draws = torch.empty(n, dtype=torch.int64, device=device)
    return draws.random_(-(1 << 63), None, generator=current_generator(device))


@contextmanager
def every_draw_from_stream() -> Iterator[None]:
    """Within it, torch's random operators in this thread draw from `current_generator`.

    An operator to which a generator is passed uses that one. Every call of an operator
    takes some microseconds longer.
    """
    generators = _current.get()
    if generators is None:
        yield
        return
    with _EveryDraw(generators):
        yield


@contextmanager
def built_from_stream(*makers: type) -> Iterator[None]:
    """`every_draw_from_stream`, for the construction of a network by these classes.

    Constructors of lamina's classes draw by initialisers only. Intercepting these as
    functions avoids torch's dispatch mode, which imports its compiler (a second).
    """
    generators = _current.get()
    is_ours = all(maker.__module__.startswith("lamina.") for maker in makers)
    if generators is None or not is_ours:
        with every_draw_from_stream():
            yield
        return
    with _Initialisations(generators):
        yield


def draws_by_itself(*parts: object) -> bool:
    """Whether a module or a task may draw without passing on `current_generator`."""
    modules = [
        module
        for part in parts
        for module in (part.modules() if isinstance(part, nn.Module) else [part])
    ]
    return any(
        isinstance(module, RANDOM_LAYERS)
        or (isinstance(module, nn.RNNBase) and module.dropout > 0)
        or not type(module).__module__.startswith(("lamina.", "torch.nn."))
        for module in modules
    )


class _WithGenerators:
    """Mixin: a mode of torch that adds the generator of the device to random operators."""

    def __init__(self, generators: Generators):
        super().__init__()
        self.generators = generators


class _Initialisations(_WithGenerators, TorchFunctionMode):
    """Adds it to initialisers, which are called as functions."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        del types
        kwargs = kwargs or {}
        if func.__name__ in INITIALISERS and kwargs.get("generator") is None:
            device = _device_of(list(args), None)
            kwargs = kwargs | {"generator": self.generators[device]}
        return func(*args, **kwargs)


class _EveryDraw(_WithGenerators, TorchDispatchMode):
    """Adds it to every operator that draws."""

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Sequence[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> object:
        del types
        kwargs, draw = kwargs or {}, _with_generator(func)
        values = [*args, *kwargs.values()]
        if draw is None or any(isinstance(v, torch.Generator) for v in values):
            return func(*args, **kwargs)
        device = _device_of(values, kwargs.get("device"))
        if device.type == "meta":
            return func(*args, **kwargs)
        return draw(*args, **(kwargs | {"generator": self.generators[device]}))


@cache
def _with_generator(func: OpOverload) -> Callable[..., object] | None:
    """The variant of an operator with an argument `generator`; None if it does not draw."""
    if torch.Tag.nondeterministic_seeded not in func.tags:
        return None
    if func is torch.ops.aten.native_dropout.default:
        return _dropout
    packet = func.overloadpacket
    for overload in [func, *(getattr(packet, name) for name in packet.overloads())]:
        arguments = _arguments(overload)
        if "generator" in dict(arguments) and _without(arguments) == _without(
            _arguments(func)
        ):
            return overload
    warnings.warn(
        f"{func} cannot draw from a given generator: it draws from torch's global one, "
        f"and a fit with it cannot be repeated by random_state.",
        RuntimeWarning,
        stacklevel=3,
    )
    return None


def _arguments(func: OpOverload) -> list[tuple[str, str]]:
    """Names and types of an operator's arguments."""
    return [(a.name, str(a.type)) for a in func._schema.arguments]


def _without(arguments: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [argument for argument in arguments if argument[0] != "generator"]


def _device_of(values: list[object], named: torch.device | None) -> torch.device:
    """The device of an operator: that of its first tensor, or its argument `device`."""
    devices = [value.device for value in values if isinstance(value, torch.Tensor)]
    device = devices[0] if devices else named or CPU
    if device.index is None and device != CPU:
        return torch.empty(0, device=device).device  # with the index of the current one
    return device


def _dropout(
    x: torch.Tensor, p: float, train: bool | None, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """`native_dropout`: (output, mask of the kept values)."""
    if train is False:
        return x.clone(), torch.ones_like(x, dtype=torch.bool)
    kept = torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - p, generator=generator)
    return x * kept * (1 / (1 - p) if p < 1 else 0.0), kept
