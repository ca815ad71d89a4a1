"""Outputs of a graph: a function for each class of task.

function(graph, task, head, features, batch) -> what `Predictor` has to be told of y
"""

from typing import Any

import numpy as np

from lamina.batch import HistoryChannel
from lamina.nn.heads import LastStepsHead, MembersHead, PooledHead
from lamina.nn.labelling import LabellingHead
from lamina.onnx.graph import DOUBLE, FLOAT, INT64, Graph, GraphBatch, GraphFeatures
from lamina.onnx.layers import AddNodes, apply
from lamina.onnx.members import COMBINED
from lamina.onnx.viterbi import labelling
from lamina.tasks.classification import SingleLabelClassification
from lamina.tasks.forecasting import Forecasting
from lamina.tasks.label_task import LabelTask
from lamina.tasks.quantiles import ranks_of
from lamina.tasks.regression import Regression
from lamina.tasks.regression_loss import LOSSES
from lamina.tasks.several_labels import (
    MultilabelClassification,
    MultioutputClassification,
)
from lamina.tasks.tagging import Tagging

Metadata = dict[str, Any]


def _outputs(
    graph: Graph,
    task: LabelTask | Regression,
    head: PooledHead | MembersHead,
    features: GraphFeatures,
) -> str:
    """Outputs (B, K) of float64, those of members combined."""
    if isinstance(head, PooledHead):
        output = _pooled(graph, head, features)
    else:
        h = graph.add("Transpose", features.h, perm=[1, 0, 2])
        output = apply(graph, head.out, h)
    if head.linear is not None:
        assert features.x is not None
        output = graph.add("Add", output, apply(graph, head.linear, features.x))
    output = graph.cast(output, DOUBLE)
    if isinstance(head, PooledHead):
        return output
    return COMBINED[type(task)](graph, task, output, len(head.out.weight))


def _pooled(graph: Graph, head: PooledHead, features: GraphFeatures) -> str:
    """H (B, T, D) -> outputs (B, K) of the mean over the real steps."""
    h, lengths = features.h, features.lengths
    if lengths is None:
        return apply(
            graph, head.out, graph.add("ReduceMean", h, graph.ints(1), keepdims=0)
        )
    real = graph.add("Unsqueeze", graph.mask(lengths, h, 1), graph.ints(2))
    h = graph.add("Where", real, h, graph.constant(0.0, np.float32))
    total = graph.add("ReduceSum", h, graph.ints(1), keepdims=0)
    count = graph.cast(graph.add("Unsqueeze", lengths, graph.ints(1)), FLOAT)
    return apply(graph, head.out, graph.add("Div", total, count))


def _labels(
    graph: Graph,
    task: LabelTask,
    head: PooledHead | MembersHead,
    features: GraphFeatures,
    batch: GraphBatch,
) -> Metadata:
    del batch
    logits = _outputs(graph, task, head, features)
    logits = graph.add("Div", logits, graph.constant(task.temperature))
    if isinstance(task, MultioutputClassification):
        parts = graph.split(logits, task.sizes)
        probabilities = graph.add(
            "Concat", *(graph.add("Softmax", p, axis=1) for p in parts), axis=1
        )
        classes = [plain_classes(each) for each in task.classes]
    elif isinstance(task, MultilabelClassification):
        probabilities = graph.add("Sigmoid", logits)
        classes = plain_classes(task.classes)
    else:
        probabilities = graph.add("Softmax", logits, axis=1)
        classes = plain_classes(task.classes)
    shape = ["batch", task.n_outputs]
    for values, name in ((logits, "logits"), (probabilities, "probabilities")):
        graph.output(graph.cast(values, FLOAT), name, FLOAT, shape)
    return {"kind": KINDS[type(task)], "classes": classes}


def plain_classes(classes: np.ndarray) -> Metadata:
    """The labels as JSON can hold them, with their dtype."""
    return {"labels": classes.tolist(), "dtype": classes.dtype.str}


def _numbers(
    graph: Graph,
    task: Regression,
    head: PooledHead | MembersHead,
    features: GraphFeatures,
    batch: GraphBatch,
) -> Metadata:
    del batch
    output = _outputs(graph, task, head, features)
    if LOSSES[task.loss_name].positive:
        output = graph.add("Exp", output)
    n_levels = max(len(task.levels), 1)
    output = graph.add("Reshape", output, graph.ints(-1, *task.shape, n_levels))
    for operation, values in zip(
        ("Mul", "Add", "Max", "Min"),
        (task.scale, task.mean, *task.bounds()),
        strict=True,
    ):
        constant = graph.constant(values[..., None], np.float64)
        output = graph.add(operation, output, constant)
    if task.levels:
        k = graph.ints(n_levels)
        output, _ = graph.add("TopK", output, k, n_outputs=2, largest=0)
        ranks = graph.ints(*ranks_of(task.levels))
        output = graph.add("Gather", output, ranks, axis=-1)
    shape = [*task.shape, *task.axis]
    output = graph.add("Reshape", output, graph.ints(-1, *shape))
    graph.output(output, "predictions", DOUBLE, ["batch", *shape])
    return {"kind": "numbers"}


def _tags(
    graph: Graph,
    task: Tagging,
    head: LabellingHead,
    features: GraphFeatures,
    batch: GraphBatch,
) -> Metadata:
    logits = apply(graph, head.out, features.h)
    assert batch.lengths is not None
    labels = labelling(graph, head.labels, logits, batch.lengths)
    graph.output(logits, "logits", FLOAT, ["batch", "steps", len(task.classes)])
    graph.output(labels, "labels", INT64, ["batch", "steps"])
    return {"kind": "tags", "classes": plain_classes(task.classes)}


def _forecasts(
    graph: Graph,
    task: Forecasting,
    head: LastStepsHead,
    features: GraphFeatures,
    batch: GraphBatch,
) -> Metadata:
    assert features.lengths is not None and batch.level_and_scale is not None
    channel = graph.ints(HistoryChannel.SEASONAL_BASELINE)
    baseline = graph.add("Gather", batch.x, channel, axis=2)
    baseline, h = (
        _last_steps(graph, values, features.lengths, head.n_steps)
        for values in (baseline, features.h)
    )
    output = graph.add("Add", baseline, apply(graph, head.out, h))
    level, scale = graph.add(
        "Split", batch.level_and_scale, n_outputs=2, axis=1, num_outputs=2
    )
    axis = graph.ints(2)
    output = graph.add(
        "Mul", graph.cast(output, DOUBLE), graph.add("Unsqueeze", scale, axis)
    )
    output = graph.add("Add", output, graph.add("Unsqueeze", level, axis))
    shape = ["batch", task.horizon, len(task.levels)]
    graph.output(output, "forecasts", DOUBLE, shape)
    bounds = {"lower": task.lower, "upper": task.upper}
    bounds = {k: None if v is None else float(v) for k, v in bounds.items()}
    return {"kind": "forecasts", "levels": task.levels, **bounds}


def _last_steps(graph: Graph, h: str, lengths: str, n: int) -> str:
    """H (B, T, D) -> (B, n, D), the last n real steps."""
    first = graph.add("Sub", lengths, graph.scalar(n))
    first = graph.add("Unsqueeze", first, graph.ints(1))
    steps = graph.add("Add", first, graph.constant(np.arange(n)))
    # One index for each step: (B, n, 1), with the batch as an axis of both.
    steps = graph.add("Unsqueeze", steps, graph.ints(2))
    return graph.add("GatherND", h, steps, batch_dims=1)


KINDS = {
    SingleLabelClassification: "label",
    MultilabelClassification: "indicators",
    MultioutputClassification: "labels",
}
OUTPUTS: dict[type, AddNodes] = {
    SingleLabelClassification: _labels,
    MultilabelClassification: _labels,
    MultioutputClassification: _labels,
    Regression: _numbers,
    Tagging: _tags,
    Forecasting: _forecasts,
}
