"""Outputs of a network for any number of samples, in float32 and in evaluation mode."""

from typing import Any

import numpy as np
import torch

from lamina.encoders.base import Samples
from lamina.nn.model import Model
from lamina.tasks.base import Task
from lamina.training.loader import in_order, rows_at_once
from lamina.training.precision import computing, device_of


@torch.inference_mode()
def outputs_of(
    model: Model,
    task: Task,
    samples: Samples,
    n_cells: int,
    params: Any,
) -> np.ndarray:
    """(n, ...) outputs, in the order of the samples."""
    device, rows, parts = device_of(params.device), [], []
    n_at_once = min(len(samples), rows_at_once(n_cells))
    work = float(n_at_once * n_cells * model.n_weights)
    with computing(params.precision, model, n_at_once, work):
        for numbers, batch in in_order(samples, n_cells):
            rows.append(numbers)
            parts.append(task.predict(model, batch.to(device))[: len(numbers)])
    gathered = np.concatenate(parts) if len(parts) > 1 else parts[0]
    if samples.lengths is None:
        return gathered
    outputs = np.empty_like(gathered)
    outputs[torch.cat(rows).numpy()] = gathered
    return outputs
