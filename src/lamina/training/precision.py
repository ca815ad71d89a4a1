"""Where and how exactly to compute; the process's flags are set for a call and restored."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn

from lamina.exceptions import ParameterError

DEVICES: dict[str, Callable[[], torch.device]] = {
    "auto": lambda: torch.device("cuda" if torch.cuda.is_available() else "cpu"),
    "cpu": lambda: torch.device("cpu"),
    "cuda": lambda: torch.device("cuda"),
}
PRECISIONS: dict[str, torch.dtype | None] = {
    "auto": None,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
}


def device_of(name: str) -> torch.device:
    """The device that a `device` parameter means on this machine."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ParameterError(
            'device="cuda", but torch sees no GPU on this machine; use device="auto".'
        )
    return DEVICES[name]()


@contextmanager
def computing() -> Iterator[None]:
    """Float32 products may take the machine's faster way inside, such as TF32 on a GPU."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def arithmetic(
    model: nn.Module, device: torch.device, precision: str
) -> Callable[[], AbstractContextManager]:
    """A context for each forward pass in training."""
    dtype = PRECISIONS[precision]
    if dtype is None:
        convolves = any(isinstance(m, nn.Conv2d) for m in model.modules())
        native = device.type == "cuda" or _cpu_has_bfloat16()
        dtype = torch.bfloat16 if convolves and native else torch.float32
    if dtype == torch.float32:
        return nullcontext
    if device.type == "cpu" and not _cpu_has_bfloat16():
        raise ParameterError(
            'precision="bfloat16" needs a processor that computes in bfloat16 '
            '(AVX512-BF16 or AMX), which this one does not; use precision="auto".'
        )
    return lambda: torch.autocast(device.type, dtype)


def _cpu_has_bfloat16() -> bool:
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return supported is not None and bool(supported())


@contextmanager
def on_device(model: nn.Module, device: torch.device) -> Iterator[None]:
    """A fitted model lives on the CPU, and on another device only while it computes."""
    if device.type == "cpu":
        yield
        return
    model.to(device)
    try:
        yield
    finally:
        model.cpu()
