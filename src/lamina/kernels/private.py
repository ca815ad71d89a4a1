"""Functions of torch without a public name that lamina uses, with public fallbacks.

Where a version of torch lacks one of these, the fallback computes the same, more slowly.
"""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_torch: Any = torch
_onednn: Any = torch.ops.mkldnn
_aten: Any = torch.ops.aten

Tensors = Sequence[Tensor]


def copy_all(to: Tensors, values: Tensors) -> None:
    """Copy each tensor into its counterpart."""
    _torch._foreach_copy_(to, values)


def copy_all_plainly(to: Tensors, values: Tensors) -> None:
    """`copy_all` by public operations."""
    for a, b in zip(to, values, strict=True):
        a.copy_(b)


def scale_all(tensors: Tensors, factor: float | Tensor) -> None:
    """Multiply each tensor in place."""
    if len(tensors) == 1:
        tensors[0].mul_(factor)
    else:
        _torch._foreach_mul_(tensors, factor)


def scale_all_plainly(tensors: Tensors, factor: float | Tensor) -> None:
    """`scale_all` by public operations."""
    for tensor in tensors:
        tensor.mul_(factor)


def add_all(to: Tensors, values: Tensors, factor: float = 1.0) -> None:
    """Add `factor` times each tensor to its counterpart."""
    _torch._foreach_add_(to, values, alpha=factor)


def add_all_plainly(to: Tensors, values: Tensors, factor: float = 1.0) -> None:
    """`add_all` by public operations."""
    for a, b in zip(to, values, strict=True):
        a.add_(b, alpha=factor)


def move_all(to: Tensors, values: Tensors, fraction: float) -> None:
    """Move each tensor towards its counterpart, by a fraction of the distance."""
    if len(to) == 1:
        to[0].lerp_(values[0], fraction)
    else:
        _torch._foreach_lerp_(to, values, fraction)


def move_all_plainly(to: Tensors, values: Tensors, fraction: float) -> None:
    """`move_all` by public operations."""
    for a, b in zip(to, values, strict=True):
        a.lerp_(b, fraction)


def norms_of(tensors: Tensors) -> list[Tensor]:
    """The Euclidean norm of each tensor."""
    if len(tensors) == 1:
        return [torch.linalg.vector_norm(tensors[0])]
    return list(_torch._foreach_norm(tensors))


def norms_of_plainly(tensors: Tensors) -> list[Tensor]:
    """`norms_of` by public operations."""
    return [torch.linalg.vector_norm(tensor) for tensor in tensors]


def adam(
    values: Tensors,
    gradients: Tensors,
    means: Tensors,
    squares: Tensors,
    n_steps: Tensor,
    rate: float | Tensor,
    betas: tuple[float, float],
    epsilon: float,
) -> None:
    """The `n_steps`-th step of Adam (Kingma & Ba 2015), in place."""
    _torch._fused_adam_(
        values,
        gradients,
        means,
        squares,
        [],
        [n_steps] * len(values),
        lr=rate,
        beta1=betas[0],
        beta2=betas[1],
        weight_decay=0.0,
        eps=epsilon,
        amsgrad=False,
        maximize=False,
    )


def adam_plainly(
    values: Tensors,
    gradients: Tensors,
    means: Tensors,
    squares: Tensors,
    n_steps: Tensor,
    rate: float | Tensor,
    betas: tuple[float, float],
    epsilon: float,
) -> None:
    """`adam` by public operations."""
    n = float(n_steps)
    for value, g, m, v in zip(values, gradients, means, squares, strict=True):
        m.lerp_(g, 1 - betas[0])
        v.mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
        scale = v.sqrt().div_(sqrt(1 - betas[1] ** n)).add_(epsilon)
        value.sub_(m / scale * (rate / (1 - betas[0] ** n)))


def momentum(
    values: Tensors,
    gradients: Tensors,
    velocities: Tensors,
    rate: float | Tensor,
    factor: float,
    nesterov: bool,
) -> None:
    """A step of gradient descent with momentum, in place; no velocities for a factor of 0."""
    _torch._fused_sgd_(
        values,
        gradients,
        velocities,
        weight_decay=0.0,
        momentum=factor,
        lr=rate,
        dampening=0.0,
        nesterov=nesterov,
        maximize=False,
        is_first_step=False,
    )


def momentum_plainly(
    values: Tensors,
    gradients: Tensors,
    velocities: Tensors,
    rate: float | Tensor,
    factor: float,
    nesterov: bool,
) -> None:
    """`momentum` by public operations."""
    for i, (value, g) in enumerate(zip(values, gradients, strict=True)):
        step = g
        if factor:
            velocity = velocities[i].mul_(factor).add_(g)
            step = g + factor * velocity if nesterov else velocity
        value.sub_(step * rate)


def unscale(gradients: Tensors, overflow: Tensor, factor: Tensor) -> None:
    """Multiply gradients by `factor`; `overflow` becomes 1 if one of them is not finite."""
    _torch._amp_foreach_non_finite_check_and_unscale_(gradients, overflow, factor)


def unscale_plainly(gradients: Tensors, overflow: Tensor, factor: Tensor) -> None:
    """`unscale` by public operations."""
    for gradient in gradients:
        overflow.logical_or_(~gradient.isfinite().all())
        gradient.mul_(factor)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None, then: str) -> Tensor:
    """X W^T + b by oneDNN, then an activation by its name there ("none", "relu")."""
    return _onednn._linear_pointwise(x, weight, bias, then, [], "")


def linear_plainly(x: Tensor, weight: Tensor, bias: Tensor | None, then: str) -> Tensor:
    """`linear` by public operations."""
    z = F.linear(x, weight, bias)
    return z.relu_() if then == "relu" else z


def embedding_gradient(gradient: Tensor, rows: Tensor, n_rows: int) -> Tensor:
    """(n_rows, D), the sums of the gradients (..., D) with the same row index (...)."""
    if gradient.device.type == "cpu":  # in a half to a quarter of the time
        return embedding_gradient_plainly(gradient, rows, n_rows)
    return _aten.embedding_dense_backward(gradient, rows, n_rows, -1, False)


def embedding_gradient_plainly(gradient: Tensor, rows: Tensor, n_rows: int) -> Tensor:
    """`embedding_gradient` by public operations."""
    sums = gradient.new_zeros(n_rows, gradient.shape[-1])
    return sums.index_add_(0, rows.flatten(), gradient.flatten(0, -2))


def times_logistic_derivative(
    g: Tensor, s: Tensor, out: Tensor | None = None
) -> Tensor:
    """G s (1 - s), where s is the value of the logistic function."""
    if out is None:
        return _aten.sigmoid_backward(g, s)
    return _aten.sigmoid_backward.grad_input(g, s, grad_input=out)


def times_logistic_derivative_plainly(
    g: Tensor, s: Tensor, out: Tensor | None = None
) -> Tensor:
    """`times_logistic_derivative` by public operations."""
    return torch.mul(g, s * (1 - s), out=out)


def has_bfloat16_units() -> bool:
    """Whether oneDNN multiplies bfloat16 natively on this processor."""
    return torch.backends.mkldnn.is_available() and _onednn._is_mkldnn_bf16_supported()


def has_no_bfloat16_units() -> bool:
    """`has_bfloat16_units` where torch does not say."""
    return False


def cpu_supports(feature: str) -> bool:
    """Whether the processor has "avx512_bf16" or "amx_fp16", as far as torch says."""
    is_supported = getattr(torch.cpu, f"_is_{feature}_supported", None)
    return is_supported is not None and bool(is_supported())


def has_intel_processor() -> bool:
    """Whether the processor is one of Intel's."""
    return "Intel" in str(torch.cpu.get_capabilities().get("cpu_name"))


def has_unknown_processor() -> bool:
    """`has_intel_processor` where torch does not say."""
    return False


def _missing(module: object, *names: str) -> bool:
    return not all(hasattr(module, name) for name in names)


if _missing(torch, "_foreach_copy_", "_foreach_mul_", "_foreach_add_", "_foreach_norm"):
    copy_all, scale_all = copy_all_plainly, scale_all_plainly
    add_all, norms_of = add_all_plainly, norms_of_plainly
if _missing(torch, "_foreach_lerp_"):
    move_all = move_all_plainly
if _missing(torch, "_fused_adam_"):
    adam = adam_plainly
if _missing(torch, "_fused_sgd_"):
    momentum = momentum_plainly
if _missing(torch, "_amp_foreach_non_finite_check_and_unscale_", "_amp_update_scale_"):
    unscale = unscale_plainly
if _missing(_aten, "embedding_dense_backward"):
    embedding_gradient = embedding_gradient_plainly
if _missing(_aten, "sigmoid_backward"):
    times_logistic_derivative = times_logistic_derivative_plainly
if _missing(_onednn, "_linear_pointwise"):
    linear = linear_plainly
if _missing(_onednn, "_is_mkldnn_bf16_supported"):
    has_bfloat16_units = has_no_bfloat16_units
if _missing(torch.cpu, "get_capabilities"):
    has_intel_processor = has_unknown_processor
