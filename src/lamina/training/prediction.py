"""Outputs of a network for any number of samples, in float32 and in evaluation mode."""

from collections.abc import Callable
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch
from lamina.nn.model import Model
from lamina.training.loader import PredictionBatches
from lamina.training.plan import prediction_plan

if TYPE_CHECKING:
    from lamina.training.params import TrainerParams

Query = Callable[[Model, Batch], Any]
"""A function of a batch that returns a row of an array, or of a list, for each sample."""


@torch.inference_mode()
def outputs_of(
    model: Model, query: Query, batches: PredictionBatches, params: "TrainerParams"
) -> Any:
    """What `query` returns for the samples, in their order: (n, ...), or a list of n."""
    plan = prediction_plan(model, params, batches.n_macs)
    rows, parts = [], []
    n = plan.team.n_threads

    def answer(indexed: tuple[Tensor, Batch]) -> Any:
        of_batch, batch = indexed
        return _answer(query, model, batch.to(plan.device))[: len(of_batch)]

    if n > 1:
        answer = torch.inference_mode()(answer)  # which is thread-local
    with plan.active():
        indexed = iter(batches)
        while group := list(islice(indexed, n)):
            rows += [of_batch for of_batch, _ in group]
            parts += plan.team.map(answer, group)
    if isinstance(parts[0], list):
        return _ordered(torch.cat(rows).tolist(), parts)
    gathered = np.concatenate(parts) if len(parts) > 1 else parts[0]
    if isinstance(batches.n_cells, int):  # they are in order
        return gathered
    outputs = np.empty_like(gathered)
    outputs[torch.cat(rows).numpy()] = gathered
    return outputs


def _answer(query: Query, model: Model, batch: Batch) -> Any:
    """What `query` returns, half by half where memory does not suffice for the batch."""
    try:
        return query(model, batch)
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise
    half = len(batch) // 2
    halves = slice(0, half), slice(half, len(batch))
    answers = [_answer(query, model, batch.part(i, r)) for i, r in enumerate(halves)]
    first, second = answers
    return first + second if isinstance(first, list) else np.concatenate(answers)


def _ordered(rows: list[int], parts: list[list]) -> list:
    """The elements of the parts, of which `rows` are the indices, in order of these."""
    by_row = dict(zip(rows, chain.from_iterable(parts), strict=True))
    return [by_row[i] for i in range(len(by_row))]
