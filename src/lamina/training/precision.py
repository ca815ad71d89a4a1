"""The devices and number types of the parameters `device` and `precision`."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lamina.exceptions import ParameterError
from lamina.kernels import private
from lamina.params import Rule

PRECISIONS: dict[str, torch.dtype | None] = {
    "auto": None,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
N_FINITE = 2000
"""Steps without overflow after which the scale of losses is doubled."""


def known_device() -> Rule:
    """The name of a device."""
    return Rule(
        "{'auto', 'cpu', 'cuda', 'cuda:N', 'mps'}",
        lambda v: (
            isinstance(v, str)
            and re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", v) is not None
        ),
    )


def device_of(name: str) -> torch.device:
    """The device that a `device` parameter means on this machine."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    n_devices = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }[device.type]
    if (device.index or 0) >= n_devices:
        raise ParameterError(
            f'device="{name}", but torch sees {n_devices or "no"} such GPU on this machine; '
            f'use device="auto".'
        )
    return device


def data_budget(device: torch.device) -> int:
    """Bytes of data that may stay on a device: half of its free memory."""
    return 0 if device.type != "cuda" else torch.cuda.mem_get_info(device)[0] // 2


def dtype_of(precision: str, device: torch.device, gains: bool) -> torch.dtype:
    """The number type of products that a `precision` parameter means on a device.

    `gains` is whether the network is large enough for "auto" to take bfloat16.
    """
    dtype = PRECISIONS[precision]
    if dtype is None:
        native = gains and _is_native(torch.bfloat16, device)
        dtype = torch.bfloat16 if native else torch.float32
    if dtype != torch.float32 and not _is_native(dtype, device):
        raise ParameterError(
            f'precision="{precision}" needs a processor that computes in {precision} '
            f"(on a CPU: AVX-512 or AMX units for it), which this one does not; use "
            f'precision="auto".'
        )
    return dtype


@dataclass
class LossScale:
    """Scales losses so that half-precision gradients do not vanish or overflow.

    The scale halves when a gradient overflows, whose step then counts as one along a
    gradient of 0, and doubles after 2,000 steps without overflow (Micikevicius et al. 2018).
    The host does not wait for the device.
    """

    factor: Tensor
    overflow: Tensor
    n_finite: Tensor = field(repr=False)

    @classmethod
    def on(cls, device: torch.device) -> "LossScale":
        """A new scale, with its tensors on the device."""
        return cls(
            torch.full((), 2.0**16, device=device),
            torch.zeros((), device=device),
            torch.zeros((), dtype=torch.int32, device=device),
        )

    def state(self) -> list[Tensor]:
        """The tensors that change with each step."""
        return [self.factor, self.n_finite]

    def scale(self, loss: Tensor) -> Tensor:
        """The loss to call `backward` on."""
        return loss * self.factor

    def unscale(self, gradients: list[Tensor]) -> None:
        """Gradients of the scaled loss become those of the loss, in place."""
        self.overflow.zero_()
        private.unscale(gradients, self.overflow, self.factor.reciprocal())
        for gradient in gradients:
            gradient.masked_fill_(self.overflow.bool(), 0.0)
        self._update()

    def _update(self) -> None:
        overflow = self.overflow.bool()
        self.n_finite.add_(1).masked_fill_(overflow, 0)
        doubles = self.n_finite == N_FINITE
        self.factor.mul_(torch.where(overflow, 0.5, torch.where(doubles, 2.0, 1.0)))
        self.n_finite.masked_fill_(doubles, 0)


def on_device(model: nn.Module, device: torch.device) -> AbstractContextManager:
    """A context in which a fitted model is on the device; otherwise it is on the CPU."""
    return nullcontext() if device.type == "cpu" else _moved(model, device)


@contextmanager
def _moved(model: nn.Module, device: torch.device) -> Iterator[None]:
    model.to(device)
    try:
        yield
    finally:
        model.cpu()


def _is_native(dtype: torch.dtype, device: torch.device) -> bool:
    if device.type == "cuda":
        return dtype == torch.float16 or torch.cuda.is_bf16_supported()
    if device.type == "mps":
        return False
    is_half = dtype == torch.float16
    return private.cpu_supports("amx_fp16" if is_half else "avx512_bf16")
