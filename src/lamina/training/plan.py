"""How a network computes its batches: number type, parts and threads, decided here alone.

The number type and the parts into which a batch is divided follow from the network, the
size of the batch and the processor's kind, and decide the result to the last bit. How many
threads share the parts does not change the result: `Team` chooses by measurement.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import joblib
import torch

from lamina.bodies.base import Body, KernelBody
from lamina.kernels.parallel import Team
from lamina.kernels.products import large_products
from lamina.nn.model import Model
from lamina.process import MATMUL, THREADS, one_blas_thread
from lamina.training.precision import LossScale, device_of, dtype_of

MIN_MACS_BFLOAT16 = 1.5e7
"""Multiply-accumulates of a forward pass from which bfloat16 saves more than casts cost.

From here on oneDNN's products are the faster ones in float32 as well: a call of it takes
12 us more than one of MKL.
"""
MIN_MACS_PART = 4e6
"""Multiply-accumulates of a forward pass for which another thread is worth asking."""
MAX_PARTS = 4
"""Each part has gradients of its own, which are added."""


@dataclass(frozen=True)
class ExecutionPlan:
    """How passes over batches of one size are computed."""

    device: torch.device
    dtype: torch.dtype = torch.float32
    """The number type of products; weights, losses and outputs are float32."""
    n_parts: int = 1
    """Parts of a batch that are computed independently of one another in training."""
    team: Team = field(default_factory=Team)
    n_torch_threads: int = 1
    """Threads within an operation; more than 1 only for a body from outside of lamina."""
    is_large: bool = False
    """Whether oneDNN's products are faster than MKL's."""
    uses_numpy_blas: bool = False
    matmul_precision: str = "highest"
    scaler: LossScale | None = None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Within it the settings of torch and numpy are those of the plan."""
        blas = one_blas_thread() if self.uses_numpy_blas else nullcontext()
        products = large_products() if self.is_large else nullcontext()
        matmul = MATMUL.at(self.matmul_precision)
        with matmul, THREADS.at(self.n_torch_threads), blas, products:
            yield

    def autocast(self) -> AbstractContextManager:
        """A context for each forward pass."""
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)


def training_plan(
    model: Model,
    device: torch.device,
    precision: str,
    n_threads: int | str,
    batch_size: int,
    n_macs: float,
) -> ExecutionPlan:
    """The plan of a fit whose batches take `n_macs` in a forward pass."""
    dtype = dtype_of(precision, device, n_macs >= MIN_MACS_BFLOAT16)
    on_cpu = device.type == "cpu"
    n_parts = _n_parts(model.body, batch_size, n_macs) if on_cpu else 1
    return ExecutionPlan(
        device,
        dtype,
        n_parts,
        Team(min(n_parts, _n_cores(n_threads)) if n_parts > 1 else 1),
        _n_torch_threads(model.body, n_threads, n_macs),
        n_macs >= MIN_MACS_BFLOAT16,
        on_cpu and isinstance(model.body, KernelBody),
        _matmul_precision(precision, device, n_macs),
        LossScale.on(device) if dtype == torch.float16 else None,
    )


def prediction_plan(
    model: Model, device: str, precision: str, n_threads: int | str, n_macs: float
) -> ExecutionPlan:
    """The plan of predictions that take `n_macs` altogether, in float32."""
    place = device_of(device)
    is_split = place.type == "cpu" and model.body.min_rows_part is not None
    is_split = is_split and n_macs >= MIN_MACS_PART
    return ExecutionPlan(
        place,
        team=Team(_n_cores(n_threads) if is_split else 1),
        n_torch_threads=_n_torch_threads(model.body, n_threads, n_macs),
        is_large=n_macs >= MIN_MACS_BFLOAT16,
        matmul_precision=_matmul_precision(precision, place, n_macs),
    )


def _n_parts(body: Body, batch_size: int, n_macs: float) -> int:
    if body.min_rows_part is None:
        return 1
    n_parts = min(batch_size // body.min_rows_part, int(n_macs / MIN_MACS_PART))
    return max(1, min(n_parts, MAX_PARTS))


def _n_torch_threads(body: Body, n_threads: int | str, n_macs: float) -> int:
    if body.min_rows_part is not None:
        return 1
    return max(1, min(_n_cores(n_threads), int(n_macs / MIN_MACS_PART)))


def _n_cores(n_threads: int | str) -> int:
    """Cores that a call may use: those of the process, or as many as the user says."""
    if not isinstance(n_threads, str):
        return n_threads
    return min(torch.get_num_threads(), joblib.cpu_count())


def _matmul_precision(precision: str, device: torch.device, n_macs: float) -> str:
    """One for all calls on a CPU: two at the same time must not need different ones."""
    if precision == "float32" or n_macs < MIN_MACS_BFLOAT16:
        return "highest"
    return "high" if device.type == "cuda" else "highest"
