"""Layers as nodes of a graph: a function for each class of layer.

function(graph, layer, *inputs) -> the name of its output
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from lamina.exceptions import ParameterError
from lamina.kernels.activations import ACTIVATIONS
from lamina.nn.bags import BagEmbedding
from lamina.nn.columns import ColumnEmbeddings
from lamina.nn.dense import DenseLayers
from lamina.nn.embedding import CharacterEmbedding, DroppingEmbedding
from lamina.nn.linear import LinearPath
from lamina.nn.members import MemberInputs, MemberOutputs
from lamina.nn.normalization import BatchNorm, LayerNorm, NoNorm
from lamina.nn.numbers import PiecewiseLinear
from lamina.nn.recurrent import RecurrentLayer, TorchLayer
from lamina.onnx.bags import bag_embedding
from lamina.onnx.graph import INT32, Graph, GraphBatch
from lamina.onnx.interpolation import interpolate

AddNodes = Callable[..., Any]
"""A function that adds the nodes of a module to a graph."""


def nodes_of(functions: Mapping[type, AddNodes], part: object, what: str) -> AddNodes:
    """The function for the class of `part`; `ParameterError` if there is none.

    A subclass may compute something else, so it is not exported as its base.
    """
    if type(part) not in functions:
        exported = ", ".join(sorted(known.__name__ for known in functions))
        raise ParameterError(
            f"The {what} {type(part).__name__} cannot be exported to ONNX; only these "
            f"can: {exported}."
        )
    return functions[type(part)]


def apply(graph: Graph, layer: nn.Module, *inputs: str | None) -> str:
    """The output of a layer."""
    return nodes_of(LAYERS, layer, "layer")(graph, layer, *inputs)


def _node(operator: str) -> AddNodes:
    """The function of a layer that is one operator without weights."""
    return lambda graph, layer, x: graph.add(operator, x)


def _silu(graph: Graph, layer: nn.Module, x: str) -> str:
    return graph.add("Mul", x, graph.add("Sigmoid", x))


def _linear(graph: Graph, layer: nn.Linear, x: str) -> str:
    product = graph.add("MatMul", x, graph.constant(layer.weight.t()))
    return graph.add("Add", product, graph.constant(layer.bias))


def _linear_path(graph: Graph, path: LinearPath, x: str) -> str:
    x = graph.add("Min", x, graph.constant(path.high))
    x = graph.add("Max", x, graph.constant(path.low))
    product = graph.add("MatMul", x, graph.constant(path.weight))
    return graph.add("Add", product, graph.constant(path.bias))


def _dense(graph: Graph, layers: DenseLayers, x: str) -> str:
    activation = ACTIVATIONS[layers.activation].module()
    for linear in layers.linears:
        x = apply(graph, activation, _linear(graph, linear, x))
    return x


def columns(graph: Graph, layer: nn.Module, batch: GraphBatch) -> str:
    """X (B, C), codes (B, K) and bags -> (B, D)."""
    assert isinstance(layer, ColumnEmbeddings)
    x, codes = batch.x, batch.codes
    parts = [x]
    if layer.numbers is not None:
        binned, others = (
            graph.add("Gather", x, graph.constant(columns), axis=1)
            for columns in (layer.binned, layer.others)
        )
        parts = [apply(graph, layer.numbers, binned), others]
    for i, embedding in enumerate(layer.categories):
        assert codes is not None
        column = graph.add("Gather", codes, graph.scalar(i), axis=1)
        parts.append(apply(graph, embedding, column))
    for bag, names in zip(layer.bags, batch.bags, strict=True):
        parts.append(apply(graph, bag, *names))
    return graph.add("Concat", *parts, axis=1)


def _numbers(graph: Graph, layer: PiecewiseLinear, x: str) -> str:
    """X (B, N) -> h (B, N * D)."""
    table, edges = graph.array(layer.table()), graph.array(layer.edges)
    h = graph.add("Relu", interpolate(graph, table, edges, x))
    return graph.add("Reshape", h, graph.ints(0, layer.n_numbers * layer.width))


def _member_inputs(graph: Graph, layer: MemberInputs, x: str) -> str:
    return graph.add("Mul", x, graph.constant(layer.factors.unsqueeze(1)))


def _member_outputs(graph: Graph, layer: MemberOutputs, h: str) -> str:
    product = graph.add("MatMul", h, graph.constant(layer.weight))
    return graph.add("Add", product, graph.constant(layer.bias))


def _embedding(graph: Graph, layer: nn.Embedding, token_ids: str) -> str:
    return graph.add("Gather", graph.constant(layer.weight), token_ids)


def _characters(
    graph: Graph, layer: CharacterEmbedding, x: str, codes: str, spellings: str
) -> str:
    """Token ids (B, T), rows (B, T) of spellings (N, W) -> h (B, T, D)."""
    letters = _embedding(graph, layer.characters, spellings)
    letters = graph.add("Transpose", letters, perm=[0, 2, 1])
    h = graph.add("Relu", _convolution(graph, layer.filters, letters))
    is_padding = graph.add("Equal", spellings, graph.scalar(0))
    is_padding = graph.add("Unsqueeze", is_padding, graph.ints(1))
    h = graph.add("Where", is_padding, graph.constant(0.0, np.float32), h)
    spelled = graph.add("ReduceMax", h, graph.ints(2), keepdims=0)
    spelled = graph.add("Gather", spelled, codes)
    return graph.add("Concat", _embedding(graph, layer.words, x), spelled, axis=2)


def _convolution(graph: Graph, layer: nn.Conv1d | nn.Conv2d, h: str) -> str:
    """H (B, C, ...) -> (B, D, ...), with zeros around it as `layer.padding` says."""
    weights = [graph.constant(layer.weight)]
    if layer.bias is not None:
        weights.append(graph.constant(layer.bias))
    padding: Any = layer.padding
    if padding == "same":
        padding = [size // 2 for size in layer.kernel_size]
    return graph.add(
        "Conv", h, *weights, strides=list(layer.stride), pads=[*padding, *padding]
    )


def _batch_norm(graph: Graph, layer: BatchNorm, h: str) -> str:
    tensors: tuple[Tensor, ...] = layer.weight, layer.bias, layer.mean, layer.variance
    values = [graph.constant(tensor) for tensor in tensors]
    return graph.add("BatchNormalization", h, *values, epsilon=layer.eps)


def _layer_norm(graph: Graph, layer: LayerNorm, h: str) -> str:
    """Over the channels of h (B, C, ...), a rank-3 or rank-4 tensor in rank-3 form."""
    norm = layer.norm
    values = [graph.constant(norm.weight), graph.constant(norm.bias)]
    flat = graph.add("Reshape", h, graph.ints(0, 0, -1))
    flat = graph.add("Transpose", flat, perm=[0, 2, 1])
    flat = graph.add("LayerNormalization", flat, *values, epsilon=norm.eps)
    flat = graph.add("Transpose", flat, perm=[0, 2, 1])
    return graph.add("Reshape", flat, graph.add("Shape", h))


RECURRENT: dict[type, tuple[str, list[int], dict[str, Any]]] = {
    nn.LSTM: ("LSTM", [0, 3, 1, 2], {}),
    nn.GRU: ("GRU", [1, 0, 2], {"linear_before_reset": 1}),
    nn.RNN: ("RNN", [0], {}),
}
"""The operator, the gates in its order as positions in torch's, and attributes. torch's GRU
applies the reset gate to the product of the state, not to the state."""


def _recurrent(graph: Graph, layer: RecurrentLayer, x: str, lengths: str) -> str:
    """X (B, T, C) -> h (B, T, D); after its length a sample is 0."""
    operator, order, attributes = RECURRENT[type(layer.directions[0])]
    weights = [_gates(rnn, order) for rnn in layer.directions]
    W, V, b = (np.stack(each) for each in zip(*weights, strict=True))
    n_directions, width = len(weights), V.shape[2]
    steps = graph.add("Transpose", x, perm=[1, 0, 2])
    constants = [graph.constant(each) for each in (W, V, b)]
    h = graph.add(
        operator,
        steps,
        *constants,
        graph.cast(lengths, INT32),
        hidden_size=width,
        direction="bidirectional" if n_directions == 2 else "forward",
        **attributes,
    )
    h = graph.add("Transpose", h, perm=[2, 0, 1, 3])
    return graph.add("Reshape", h, graph.ints(0, 0, n_directions * width))


def _gates(rnn: TorchLayer, order: list[int]) -> list[np.ndarray]:
    """W (G H, C), V (G H, H) and both biases (2 G H,), with the gates in this order."""
    arrays = [w.detach().cpu().numpy() for w in rnn.all_weights[0]]
    W, V, b, c = (
        np.concatenate([np.split(a, len(order))[gate] for gate in order])
        for a in arrays
    )
    return [W, V, np.concatenate([b, c])]


LAYERS: dict[type, AddNodes] = {
    nn.Identity: lambda graph, layer, x: x,
    nn.ReLU: _node("Relu"),
    nn.GELU: _node("Gelu"),
    nn.SELU: _node("Selu"),
    nn.Tanh: _node("Tanh"),
    nn.Sigmoid: _node("Sigmoid"),
    nn.SiLU: _silu,
    nn.Linear: _linear,
    nn.Embedding: _embedding,
    DroppingEmbedding: _embedding,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    DenseLayers: _dense,
    BagEmbedding: bag_embedding,
    PiecewiseLinear: _numbers,
    MemberInputs: _member_inputs,
    MemberOutputs: _member_outputs,
    CharacterEmbedding: _characters,
    RecurrentLayer: _recurrent,
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    LinearPath: _linear_path,
    NoNorm: lambda graph, layer, x: x,
}
