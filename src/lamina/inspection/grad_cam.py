"""Grad-CAM (Selvaraju et al. 2017): the last features of a convolutional network, weighted.

    v_j = sum over d of a_d h_jd,   a_d = mean over the cells j of dF/dh_jd

at the J cells of the last layer, each divided among the pixels or steps around it (linear
interpolation) and the channels there. Values below 0 are kept, which the paper sets to 0: they
say what lowers F. Since F is linear in the mean of the features, the values sum up to the
difference between F and its value for features of 0.
"""

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.batch import Batch, Features
from lamina.inspection.lines import Contributions, Explained


def grad_cam(
    explained: Explained, batch: Batch, patch_size: int | None
) -> Contributions:
    """The contributions of all cells of the samples (B, N)."""
    del patch_size
    features = explained.model.body(replace(batch, target=None))
    h = features.h.clone().requires_grad_()
    with torch.enable_grad():
        outputs = explained.of_features(replace(features, h=h))
        weights = explained.target(outputs.detach())
        f = (outputs * weights).sum(1)
        (gradient,) = torch.autograd.grad(f.sum(), h)
    values = (features.h * _means(gradient, features)).sum(2)
    mask = features.mask()
    if mask is not None:
        values = values.masked_fill(~mask, 0.0)
    nothing = replace(features, h=torch.zeros_like(features.h))
    base_value = (explained.of_features(nothing) * weights).sum(1)
    spread = _spread(values, features, explained.lines.shape(batch), batch.lengths)
    return Contributions(spread, base_value, f.detach(), torch.zeros(len(f)))


def _means(gradient: Tensor, features: Features) -> Tensor:
    """(B, 1, D), the mean over the real cells of gradients (B, J, D)."""
    mask = features.mask()
    if mask is None:
        return gradient.mean(1, keepdim=True)
    weight = mask / mask.sum(1, keepdim=True)
    return (gradient * weight[:, :, None]).sum(1, keepdim=True)


def _spread(
    values: Tensor, features: Features, shape: tuple[int, ...], lengths: Tensor | None
) -> Tensor:
    """Values (B, J) of cells -> (B, N), each divided among what is around it."""
    if features.grid is not None:
        n_channels, height, width = shape
        rows, columns = features.grid
        grid = values.view(-1, rows, columns).cpu()
        spread = _matrix(rows, height) @ grid @ _matrix(columns, width).T
        return (spread / n_channels).flatten(1).repeat(1, n_channels)
    n_steps, n_channels = shape
    spread = values.new_zeros(len(values), n_steps, device="cpu")
    n_cells = features.lengths
    for i, of_cells in enumerate(values.cpu()):
        n_real = n_steps if lengths is None else int(lengths[i])
        n = len(of_cells) if n_cells is None else int(n_cells[i])
        spread[i, :n_real] = _matrix(n, n_real) @ of_cells[:n]
    return (spread / n_channels).repeat_interleave(n_channels, 1)


def _matrix(n_cells: int, n: int) -> Tensor:
    """(n, n_cells), columns of sum 1: how each cell is divided among n places."""
    weights = F.interpolate(torch.eye(n_cells)[None], n, mode="linear")[0].T
    return weights / weights.sum(0)
