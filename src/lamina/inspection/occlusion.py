"""Occlusion (Zeiler & Fergus 2014): how F changes where a patch is as in the baseline.

    v_i = (F(sample) - F(sample with the patch of i from the baseline)) / cells of the patch

Patches cover the sample without overlap, and the values of a patch sum up to its change. The
sum over all patches is not the difference of the outputs: patches may act together.
"""

from collections.abc import Iterator
from math import prod

import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.inspection.lines import Contributions, Explained


def occlusion(
    explained: Explained, batch: Batch, patch_size: int | None
) -> Contributions:
    """The contributions of patches; without `patch_size` of the default size of the form."""
    lines = explained.lines
    outputs, weights = explained.at_samples(batch)
    shape = lines.shape(batch)
    patches = patch_numbers(shape, lines.patch(patch_size)).to(batch.x.device)
    output = (outputs * weights).sum(1)
    changes, base_values = [], []
    for baseline in range(lines.n_baselines):
        masked = list(_masked(explained, batch, baseline, patches, weights))
        f = torch.cat(masked)
        base_values.append(f[0])
        changes.append(output - f[1:])
    is_real, change = lines.is_real(batch).cpu(), torch.stack(changes).mean(0).T
    patches = patches.cpu()
    n_cells = torch.zeros_like(change).index_add(1, patches, is_real.to(change))
    return Contributions(
        (change / n_cells.clamp(min=1))[:, patches],
        torch.stack(base_values).mean(0),
        output,
        torch.zeros(len(batch)),
    )


def _masked(
    explained: Explained,
    batch: Batch,
    baseline: int,
    patches: Tensor,
    weights: Tensor,
) -> Iterator[Tensor]:
    """F (1, B) at the baseline, and then (S, B) for the next S patches."""
    n_rows, n_patches = len(batch), int(patches.max()) + 1
    numbers = torch.arange(-1, n_patches, device=patches.device)
    for part in numbers.split(explained.n_points(batch)):
        is_kept = (patches != part[:, None]) & (part[:, None] >= 0)
        t = is_kept.to(weights.dtype).float()[:, None].expand(-1, n_rows, -1)
        h = explained.lines.points(batch, baseline, t)
        yield (explained.outputs(h, batch) * weights).sum(2)


def patch_numbers(shape: tuple[int, ...], patch: tuple[int, ...]) -> Tensor:
    """(N,) the number of the patch of each cell, for N cells of this shape."""
    numbers = torch.zeros(shape, dtype=torch.long)
    for axis, (n, size) in enumerate(zip(shape, patch, strict=True)):
        n_patches = -(-n // size)
        index = torch.arange(n) // size
        column = index.view(*[-1 if i == axis else 1 for i in range(len(shape))])
        numbers = numbers * n_patches + column
    return numbers.expand(shape).reshape(prod(shape))
