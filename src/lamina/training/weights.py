"""The weights that a fit changes, in as few tensors as possible."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lamina.nn.columns import ColumnEmbeddings


@dataclass
class Weights:
    """The trained parameters, and their values as the optimizer updates them.

    Weights decay; biases and parameters of normalisation do not.
    """

    parameters: list[nn.Parameter]
    values: list[Tensor]
    decaying: list[Tensor]
    categories: list[nn.Parameter]
    """The embeddings of categories."""
    flat_gradient: Tensor | None = None

    @property
    def gradients(self) -> list[Tensor]:
        """The gradients of the values."""
        if self.flat_gradient is not None:
            return [self.flat_gradient]
        return [p.grad for p in self.parameters if p.grad is not None]

    @property
    def decaying_gradients(self) -> list[Tensor]:
        """The gradients of the weights that decay."""
        if self.flat_gradient is not None:
            return [self.flat_gradient[: len(v)] for v in self.decaying]
        return [p.grad for p in self.parameters if p.grad is not None and p.ndim > 1]


def weights_of(model: nn.Module) -> Weights:
    """Each parameter in separate memory."""
    parameters = trained(model)
    decaying = [p.detach() for p in parameters if p.ndim > 1]
    values = [p.detach() for p in parameters]
    return Weights(parameters, values, decaying, categories_of(model))


def flat_weights_of(model: nn.Module) -> Weights:
    """All parameters in one buffer, and their gradients, `.grad`, in another.

    For kernels that write gradients to given memory. An operation on all weights is then
    one call. `release` reverses it.
    """
    parameters = sorted(trained(model), key=lambda p: p.ndim <= 1)
    values = torch.cat([p.detach().flatten() for p in parameters])
    gradient, start = torch.zeros_like(values), 0
    for p in parameters:
        stop = start + p.numel()
        p.data = values[start:stop].view(p.shape)
        p.grad = gradient[start:stop].view(p.shape)
        start = stop
    n_decaying = sum(p.numel() for p in parameters if p.ndim > 1)
    decaying = [values[:n_decaying]]
    return Weights(parameters, [values], decaying, categories_of(model), gradient)


def release(model: nn.Module) -> None:
    """Give each parameter separate memory, and delete the gradients."""
    for p in trained(model):
        p.grad = None
        if p.untyped_storage().nbytes() > p.nbytes:
            p.data = p.detach().clone()


def trained(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that training changes."""
    return [p for p in model.parameters() if p.requires_grad]


def categories_of(model: nn.Module) -> list[nn.Parameter]:
    """The embeddings of categories that training changes."""
    columns = [m for m in model.modules() if isinstance(m, ColumnEmbeddings)]
    embeddings = (
        p for each in columns for m in each.categories for p in m.parameters()
    )
    return [p for p in embeddings if p.requires_grad]
