"""The best labelling (`lamina.nn.viterbi`) as two scans of a graph.

The first scan computes the highest score of each label, and from which label it is reached;
the second reads these labels backwards. At the first step, and after the last one of a
sample, scores stay as they are and each label is reached from itself. Scores are float64, as
in the network.
"""

import numpy as np

from lamina.nn.crf import LinearChainCRF, Penalties
from lamina.nn.labelling import Labelling
from lamina.onnx.graph import BOOL, DOUBLE, INT64, Graph, GraphProto


def labelling(graph: Graph, labels: Labelling, logits: str, lengths: str) -> str:
    """(B, T), the indices of the best labels for logits (B, T, K)."""
    parts: list[LinearChainCRF | Penalties] = []
    if isinstance(labels, LinearChainCRF):
        parts.append(labels)
    if labels.penalties is not None:
        parts.append(labels.penalties)
    if not parts:
        return graph.add("ArgMax", logits, axis=2, keepdims=0)
    scores = graph.cast(logits, DOUBLE)
    for part in parts:
        scores = _with_ends(graph, scores, lengths, part)
    moves = sum(graph.array(part.transitions, np.float64) for part in parts)
    return _best_path(graph, scores, np.asarray(moves), lengths)


def _with_ends(
    graph: Graph, scores: str, lengths: str, part: LinearChainCRF | Penalties
) -> str:
    """Scores (B, T, K) with those of the first and of the last label added."""
    n_steps = graph.size(scores, 1)
    steps = graph.add("Range", graph.scalar(0), n_steps, graph.scalar(1))
    last = graph.add("Sub", lengths, graph.scalar(1))
    last = graph.add("Unsqueeze", last, graph.ints(1))
    for at, scores_there in ((graph.scalar(0), part.start), (last, part.end)):
        is_there = graph.cast(graph.add("Equal", steps, at), DOUBLE)
        is_there = graph.add("Unsqueeze", is_there, graph.ints(-1))
        bonus = graph.constant(graph.array(scores_there, np.float64))
        scores = graph.add("Add", scores, graph.add("Mul", is_there, bonus))
    return scores


def _best_path(graph: Graph, scores: str, moves: np.ndarray, lengths: str) -> str:
    n_labels = len(moves)
    is_later = graph.mask(lengths, scores, 1)
    steps = graph.add("Transpose", scores, perm=[1, 0, 2])
    first = graph.add("Gather", steps, graph.scalar(0), axis=0)
    n_steps = graph.size(scores, 1)
    index = graph.add("Range", graph.scalar(0), n_steps, graph.scalar(1))
    is_later = graph.add("And", is_later, graph.add("Greater", index, graph.scalar(0)))
    is_later = graph.add("Transpose", is_later, perm=[1, 0])
    best, origins = graph.add(
        "Scan",
        first,
        steps,
        is_later,
        n_outputs=2,
        num_scan_inputs=2,
        body=_forward(moves),
    )
    last = graph.add("ArgMax", best, axis=1, keepdims=0)
    _, path = graph.add(
        "Scan",
        last,
        origins,
        n_outputs=2,
        num_scan_inputs=1,
        body=_backward(n_labels),
        scan_input_directions=[1],
        scan_output_directions=[1],
    )
    return graph.add("Transpose", path, perm=[1, 0])


def _forward(moves: np.ndarray) -> GraphProto:
    """The highest scores (B, K) after a step, and the labels before it that give them.

    From the highest scores before the step, its own scores, and whether they count.
    """
    body, n_labels = Graph("forward_"), len(moves)
    before = body.input("forward_before", DOUBLE, ["batch", n_labels])
    step = body.input("forward_step", DOUBLE, ["batch", n_labels])
    is_later = body.input("forward_is_later", BOOL, ["batch"])
    is_later = body.add("Unsqueeze", is_later, body.ints(1))
    pairs = body.add("Unsqueeze", before, body.ints(2))
    pairs = body.add("Add", pairs, body.constant(moves))
    origin = body.add("ArgMax", pairs, axis=1, keepdims=0)
    best = body.add("ReduceMax", pairs, body.ints(1), keepdims=0)
    best = body.add("Where", is_later, body.add("Add", best, step), before)
    origin = body.add("Where", is_later, origin, body.constant(np.arange(n_labels)))
    body.output(best, "forward_best", DOUBLE, ["batch", n_labels])
    body.output(origin, "forward_origin", INT64, ["batch", n_labels])
    return body.proto("forward")


def _backward(n_labels: int) -> GraphProto:
    """The label (B,) of a step, and labels (B, K) before it -> the label before it."""
    body = Graph("backward_")
    label = body.input("backward_label", INT64, ["batch"])
    origin = body.input("backward_origin", INT64, ["batch", n_labels])
    at = body.add("Unsqueeze", label, body.ints(1))
    before = body.add("GatherElements", origin, at, axis=1)
    before = body.add("Squeeze", before, body.ints(1))
    body.output(before, "backward_before", INT64, ["batch"])
    body.output(label, "backward_step", INT64, ["batch"])
    return body.proto("backward")
