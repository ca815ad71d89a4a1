"""Outputs of a network for any number of samples, in float32 and in evaluation mode."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from lamina.batch import Batch
from lamina.nn.model import Model
from lamina.training.loader import InOrder
from lamina.training.precision import computing, device_of

Ask = Callable[[Model, Batch], Any]
"""A question about the samples of a batch; the answer has a row, or an element, each."""


@torch.inference_mode()
def outputs_of(model: Model, ask: Ask, batches: InOrder, params: Any) -> Any:
    """What `ask` returns of each sample, in their order: (n, ...), or a list of n."""
    device, rows, parts = device_of(params.device), [], []
    n_at_once = batches.n_at_once
    work = float(n_at_once * batches.n_cells * model.n_weights)
    with computing(params.precision, model, n_at_once, work):
        for numbers, batch in batches:
            rows.append(numbers)
            parts.append(ask(model, batch.to(device))[: len(numbers)])
    if len(parts) == 1 and batches.samples.lengths is None:
        return parts[0]
    order = torch.cat(rows).numpy()
    if isinstance(parts[0], list):
        found = (row for part in parts for row in part)
        ordered: list[Any] = [None] * len(order)
        for i, row in zip(order.tolist(), found, strict=True):
            ordered[i] = row
        return ordered
    gathered = np.concatenate(parts)
    outputs = np.empty_like(gathered)
    outputs[order] = gathered
    return outputs
