"""How batches are computed: the choice of number type, parts and threads.

The number type and the parts of a batch depend on the network, the size of the batch and
the kind of processor, and determine the result bit by bit. The number of threads that
compute the parts does not change the result: `Team` chooses it by measurement.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import joblib
import torch

from lamina.kernels.parallel import TEAM, Team
from lamina.kernels.products import large_products
from lamina.nn.body import Body, KernelBody
from lamina.nn.model import Model
from lamina.process import MATMUL, TF32, THREADS, one_blas_thread
from lamina.training.precision import LossScale, device_of, dtype_of

if TYPE_CHECKING:
    from lamina.training.params import TrainerParams

MIN_MACS_BFLOAT16 = 1.5e7
"""Multiply-accumulates of a forward pass from which bfloat16 saves more than casts cost.

From here on oneDNN's products are faster in float32 as well; its call overhead is 12 us
higher than MKL's.
"""
MIN_MACS_PART = {torch.float32: 1e7, torch.bfloat16: 5e7}
"""Multiply-accumulates of a forward pass in a part, .1 ms or more: fewer gain less than
another thread costs. In bfloat16 they take a fraction of the time."""
MIN_MACS_THREAD = 4e6
"""Multiply-accumulates of a prediction for each thread."""
MAX_PARTS = 4
"""Each part takes memory for its gradients, and time to add them."""


_cores: ContextVar[int | None] = ContextVar("cores", default=None)


@dataclass(frozen=True)
class ExecutionPlan:
    """How passes over batches are computed."""

    device: torch.device
    dtype: torch.dtype = torch.float32
    """The number type of products; weights, losses and outputs are float32."""
    n_parts: int = 1
    """Parts of a batch that are computed independently in training."""
    rows_part: int = 0
    """Rows of each part; the last one may have fewer."""
    team: Team = field(default_factory=Team)
    n_torch_threads: int = 1
    """Threads within an operation; more than 1 only for a body from outside of lamina."""
    is_large: bool = False
    """Whether oneDNN's products are faster than MKL's."""
    uses_numpy_blas: bool = False
    matmul_precision: str = "highest"
    scaler: LossScale | None = None
    n_cores: int = 1
    """Cores that this call may use, for predictions within a fit."""

    @contextmanager
    def active(self) -> Iterator[None]:
        """A context with the settings of the plan."""
        blas = one_blas_thread() if self.uses_numpy_blas else nullcontext()
        products = large_products() if self.is_large else nullcontext()
        matmul, cudnn = MATMUL.at(self.matmul_precision), self._cudnn()
        token, outer = _cores.set(self.n_cores), TEAM.set(self.team)
        try:
            with matmul, cudnn, THREADS.at(self.n_torch_threads), blas, products:
                yield
        finally:
            _cores.reset(token)
            TEAM.reset(outer)

    def _cudnn(self) -> AbstractContextManager[object]:
        """A context in which convolutions are rounded on a GPU as products are."""
        if self.device.type != "cuda":
            return nullcontext()
        return TF32.at(self.matmul_precision != "highest")

    def parts_of(self, n: int) -> list[slice]:
        """The rows of each part of a batch with `n` rows."""
        if self.n_parts == 1:
            return [slice(0, n)]
        # A row is in the same part of every batch, where its carried state is.
        starts = range(0, n, self.rows_part)
        return [slice(start, min(start + self.rows_part, n)) for start in starts]

    def autocast(self) -> AbstractContextManager:
        """A context for each forward pass."""
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)


def training_plan(
    model: Model,
    device: torch.device,
    params: "TrainerParams",
    batch_size: int,
    n_macs: float,
) -> ExecutionPlan:
    """The plan of a fit whose batches take `n_macs` in a forward pass."""
    n_cores = _n_cores(params.n_threads)
    dtype = dtype_of(params.precision, device, n_macs >= MIN_MACS_BFLOAT16)
    on_cpu = device.type == "cpu"
    by_kernel = isinstance(model.body, KernelBody)
    is_split = on_cpu and dtype != torch.float16 and not by_kernel
    n_useful = n_macs / MIN_MACS_PART[dtype] if is_split else 0
    n_parts = parts_of_batch(model.body, batch_size, n_useful)
    return ExecutionPlan(
        device,
        dtype,
        n_parts,
        -(-batch_size // n_parts),
        Team(n_cores if is_split and n_useful >= 1 else 1),
        _n_torch_threads(model.body, n_cores, n_macs),
        n_macs >= MIN_MACS_BFLOAT16,
        on_cpu and by_kernel,
        _matmul_precision(params.precision, device, n_macs),
        LossScale.on(device) if dtype == torch.float16 else None,
        n_cores,
    )


def prediction_plan(
    model: Model, params: "TrainerParams", n_macs: float
) -> ExecutionPlan:
    """The plan of predictions that take `n_macs` altogether, in float32."""
    device = device_of(params.device)
    is_split = device.type == "cpu" and model.body.is_reentrant
    is_split = is_split and n_macs >= MIN_MACS_THREAD
    n_cores = _n_cores(params.n_threads) if n_macs >= MIN_MACS_THREAD else 1
    return ExecutionPlan(
        device,
        team=Team(n_cores if is_split else 1),
        n_torch_threads=_n_torch_threads(model.body, n_cores, n_macs),
        is_large=n_macs >= MIN_MACS_BFLOAT16,
        matmul_precision=_matmul_precision(params.precision, device, n_macs),
    )


def parts_of_batch(body: Body, batch_size: int, n_useful: float) -> int:
    """The number of parts of a batch, of which `n_useful` have enough to compute."""
    if not body.is_reentrant or body.min_rows_part is None:
        return 1
    n_parts = min(batch_size // body.min_rows_part, int(n_useful))
    return max(1, min(n_parts, MAX_PARTS))


def _n_torch_threads(body: Body, n_cores: int, n_macs: float) -> int:
    if body.is_reentrant:
        return 1
    return max(1, min(n_cores, int(n_macs / MIN_MACS_THREAD)))


def _n_cores(n_threads: int | str) -> int:
    """Cores that a call may use: those of the process, or the number set by the user."""
    if not isinstance(n_threads, str):
        return n_threads
    outer = _cores.get()
    if outer is not None:
        return outer
    return min(torch.get_num_threads(), joblib.cpu_count())


def _matmul_precision(precision: str, device: torch.device, n_macs: float) -> str:
    """The same for all calls on a CPU, because the setting is global."""
    if precision == "float32" or n_macs < MIN_MACS_BFLOAT16:
        return "highest"
    return "high" if device.type == "cuda" else "highest"
