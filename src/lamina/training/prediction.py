"""Outputs of a network for any number of samples, in float32 and in evaluation mode."""

from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import torch

from lamina.batch import Batch
from lamina.nn.model import Model
from lamina.training.loader import InOrder
from lamina.training.precision import computing, device_of

Query = Callable[[Model, Batch], Any]
"""A question about the samples of a batch; the answer has a row, or an element, each."""


@torch.inference_mode()
def outputs_of(model: Model, query: Query, batches: InOrder, params: Any) -> Any:
    """What `query` returns of each sample, in their order: (n, ...), or a list of n."""
    device, rows, parts = device_of(params.device), [], []
    n_at_once = batches.n_at_once
    work = float(n_at_once * batches.n_cells * model.n_weights)
    with computing(params.precision, model, n_at_once, work):
        for numbers, batch in batches:
            rows.append(numbers)
            parts.append(query(model, batch.to(device))[: len(numbers)])
    if isinstance(parts[0], list):
        return _ordered(torch.cat(rows).tolist(), parts)
    gathered = np.concatenate(parts) if len(parts) > 1 else parts[0]
    if batches.samples.lengths is None:
        return gathered
    outputs = np.empty_like(gathered)
    outputs[torch.cat(rows).numpy()] = gathered
    return outputs


def _ordered(rows: list[int], parts: list[list]) -> list:
    """The elements of the parts, which belong to these rows, in the order of the rows."""
    found = dict(zip(rows, chain.from_iterable(parts), strict=True))
    return [found[i] for i in range(len(found))]
