"""The outputs that stand for those of M members: a function for each class of task.

function(graph, task, output, n_members) -> (B, K), `task.combined` of an output (M, B, K)

Outputs are float64, as in the task.
"""

from math import log

from lamina.onnx.graph import Graph
from lamina.onnx.layers import AddNodes
from lamina.tasks.classification import SingleLabelClassification
from lamina.tasks.regression import LOSSES, Regression
from lamina.tasks.several_labels import (
    MultilabelClassification,
    MultioutputClassification,
)


def _label(
    graph: Graph, task: SingleLabelClassification, output: str, n_members: int
) -> str:
    del task
    return _log_mean(graph, graph.add("LogSoftmax", output, axis=-1), n_members)


def _indicators(
    graph: Graph, task: MultilabelClassification, output: str, n_members: int
) -> str:
    del task
    # onnxruntime has no Softplus of float64:
    # log sigmoid(z) = min(z, 0) - log(1 + exp(-|z|)) = log sigmoid(-z) + z
    decay = graph.add("Exp", graph.add("Neg", graph.add("Abs", output)))
    rest = graph.add("Log", graph.add("Add", decay, graph.constant(1.0)))
    log_p = graph.add("Sub", graph.add("Min", output, graph.constant(0.0)), rest)
    log_not = graph.add("Sub", log_p, output)
    log_p, log_not = (_log_mean(graph, each, n_members) for each in (log_p, log_not))
    return graph.add("Sub", log_p, log_not)


def _labels(
    graph: Graph, task: MultioutputClassification, output: str, n_members: int
) -> str:
    parts = [
        _log_mean(graph, graph.add("LogSoftmax", part, axis=-1), n_members)
        for part in graph.split(output, task.sizes)
    ]
    return graph.add("Concat", *parts, axis=-1)


def _numbers(graph: Graph, task: Regression, output: str, n_members: int) -> str:
    if LOSSES[task.loss_name].positive:
        return _log_mean(graph, output, n_members)
    return graph.add("ReduceMean", output, graph.ints(0), keepdims=0)


def _log_mean(graph: Graph, log_p: str, n_members: int) -> str:
    """The logarithms (B, K) of the mean of the members' values, from log_p (M, B, K)."""
    total = graph.add("ReduceLogSumExp", log_p, graph.ints(0), keepdims=0)
    return graph.add("Sub", total, graph.constant(log(n_members)))


COMBINED: dict[type, AddNodes] = {
    SingleLabelClassification: _label,
    MultilabelClassification: _indicators,
    MultioutputClassification: _labels,
    Regression: _numbers,
}
