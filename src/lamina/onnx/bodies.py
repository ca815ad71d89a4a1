"""Bodies as nodes of a graph: a function for each class of body.

function(graph, body, batch) -> features h (B, T, D) and lengths (B,)
"""

from collections.abc import Sequence
from typing import cast

import numpy as np

from lamina.bodies.convolutional import (
    Block,
    Convolution,
    ConvolutionalBody,
    Stage,
)
from lamina.bodies.dense import DenseBody
from lamina.bodies.recurrent import RNNBody
from lamina.nn.bags import BagPath
from lamina.nn.pooling import average_pool, max_pool, no_pool
from lamina.onnx.graph import FLOAT, Graph, GraphBatch, GraphFeatures
from lamina.onnx.layers import AddNodes, apply, columns

LOWEST = -1e4
"""What `max_pool` writes over padding."""


def _dense(graph: Graph, body: DenseBody, batch: GraphBatch) -> GraphFeatures:
    x = columns(graph, body.embeddings, batch)
    if body.members is None:
        h = apply(graph, body.layers, x)
        return GraphFeatures(graph.add("Unsqueeze", h, graph.ints(1)), x=batch.x)
    h = apply(graph, body.layers, apply(graph, body.members, x))
    return GraphFeatures(graph.add("Transpose", h, perm=[1, 0, 2]), x=batch.x)


def _recurrent(graph: Graph, body: RNNBody, batch: GraphBatch) -> GraphFeatures:
    assert batch.lengths is not None
    h = apply(graph, body.embed, *batch.inputs())
    for layer in body.layers:
        h = apply(graph, layer, h, batch.lengths)
    return _with_bag(graph, body.bag, GraphFeatures(h, batch.lengths), batch)


def _convolutional(
    graph: Graph, body: ConvolutionalBody, batch: GraphBatch
) -> GraphFeatures:
    h, lengths = apply(graph, body.embed, *batch.inputs()), batch.lengths
    if body.is_sequence:
        h = graph.add("Transpose", h, perm=[0, 2, 1])
    h = _activated(graph, body.stem, h, lengths)
    pool = POOLINGS[body.pool]
    for i, stage in enumerate(cast("Sequence[Stage]", body.stages)):
        if i < body.n_pooled and pool is not None:
            h = pool(graph, h, lengths, 1 if body.is_sequence else 2)
            lengths = None if lengths is None else _halved(graph, lengths)
        h = _stage(graph, stage, h, lengths)
    if not body.is_sequence:
        h = graph.add("Reshape", h, graph.ints(0, body.width, -1))
    features = GraphFeatures(graph.add("Transpose", h, perm=[0, 2, 1]), lengths)
    return _with_bag(graph, body.bag, features, batch)


def _with_bag(
    graph: Graph, path: BagPath | None, features: GraphFeatures, batch: GraphBatch
) -> GraphFeatures:
    """The features, with those of the bag of n-grams at all steps."""
    if path is None:
        return features
    (bag,) = batch.bags
    h = apply(graph, path.layers, apply(graph, path.embed, *bag))
    n_steps = graph.add("Unsqueeze", graph.size(features.h, 1), graph.ints(0))
    shape = graph.add("Concat", graph.ints(1), n_steps, graph.ints(1), axis=0)
    h = graph.add("Expand", graph.add("Unsqueeze", h, graph.ints(1)), shape)
    return GraphFeatures(graph.add("Concat", features.h, h, axis=2), features.lengths)


def _stage(graph: Graph, stage: Stage, h: str, lengths: str | None) -> str:
    # A ModuleList does not declare the type of its items.
    for block in cast("Sequence[Block]", stage.blocks):
        inner = _activated(graph, block.first, h, lengths)
        inner = _linear(graph, block.second, inner, lengths)
        if block.residual:
            inner = graph.add("Add", inner, apply(graph, block.skip, h))
        h = apply(graph, block.second.activation, inner)
    return h


def _activated(graph: Graph, layer: Convolution, h: str, lengths: str | None) -> str:
    return apply(graph, layer.activation, _linear(graph, layer, h, lengths))


def _linear(graph: Graph, layer: Convolution, h: str, lengths: str | None) -> str:
    h = apply(graph, layer.conv, _masked(graph, h, lengths, 0.0))
    return apply(graph, layer.norm, h)


def _masked(graph: Graph, h: str, lengths: str | None, value: float) -> str:
    """H (B, C, T) with a value at padding."""
    if lengths is None:
        return h
    fill = graph.constant(value, np.float32)
    return graph.add("Where", _real(graph, h, lengths), h, fill)


def _real(graph: Graph, h: str, lengths: str) -> str:
    """(B, 1, T), True at the real steps of h (B, C, T)."""
    return graph.add("Unsqueeze", graph.mask(lengths, h, 2), graph.ints(1))


def _halved(graph: Graph, lengths: str) -> str:
    """The lengths after a pooling: a last odd step is a window by itself."""
    longer = graph.add("Add", lengths, graph.scalar(1))
    return graph.add("Div", longer, graph.scalar(2))


def _max_pool(graph: Graph, h: str, lengths: str | None, n_axes: int) -> str:
    h = _masked(graph, h, lengths, LOWEST)
    sizes = [2] * n_axes
    return graph.add("MaxPool", h, kernel_shape=sizes, strides=sizes, ceil_mode=1)


def _average_pool(graph: Graph, h: str, lengths: str | None, n_axes: int) -> str:
    pooled = _means(graph, _masked(graph, h, lengths, 0.0), n_axes)
    if lengths is None:
        return pooled
    real = graph.cast(_real(graph, h, lengths), FLOAT)
    least = graph.constant(0.5, np.float32)
    fraction = graph.add("Max", _means(graph, real, n_axes), least)
    return graph.add("Div", pooled, fraction)


def _means(graph: Graph, h: str, n_axes: int) -> str:
    sizes = [2] * n_axes
    return graph.add("AveragePool", h, kernel_shape=sizes, strides=sizes, ceil_mode=1)


POOLINGS: dict[object, AddNodes | None] = {
    max_pool: _max_pool,
    average_pool: _average_pool,
    no_pool: None,
}
BODIES: dict[type, AddNodes] = {
    DenseBody: _dense,
    ConvolutionalBody: _convolutional,
    RNNBody: _recurrent,
}
