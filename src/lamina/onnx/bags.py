"""Bags of n-grams (`lamina.encoders.ngrams`) as nodes of a graph.

`Predictor` counts the n-grams of texts, which needs no fitted data; the graph knows which of
them `fit` kept, their weights and their embeddings.

    hashes (B, L) and counts (B, L), 0 at padding -> ids (B, L) and weights (B, L)
"""

import numpy as np

from lamina.encoders.counts import KINDS
from lamina.encoders.ngrams import NORM, NGrams
from lamina.nn.bags import BagEmbedding
from lamina.onnx.graph import FLOAT, INT64, Graph


def bag_input(graph: Graph, ngrams: NGrams, number: int) -> tuple[str, str]:
    """The ids and the weights of the n-grams of a text, or of a column of texts."""
    parts = []
    for kind in KINDS:
        name, shape = f"{kind}_{number}", ["batch", f"{kind}_{number}"]
        hashes = graph.input(f"{name}_hashes", INT64, shape)
        counts = graph.input(f"{name}_counts", FLOAT, shape)
        parts.append(_weighted(graph, ngrams, hashes, counts))
    ids, weights = zip(*parts, strict=True)
    return graph.add("Concat", *ids, axis=1), graph.add("Concat", *weights, axis=1)


def _weighted(
    graph: Graph, ngrams: NGrams, hashes: str, counts: str
) -> tuple[str, str]:
    known = ngrams.hashes.view(np.int64).tolist()
    ids = graph.add(
        "LabelEncoder",
        hashes,
        keys_int64s=known or [0],
        values_int64s=range(1, len(known) + 1) if known else [0],
        default_int64=0,
    )
    of_id = graph.constant(np.append(0, ngrams.weights), np.float32)
    one = graph.constant(1.0, np.float32)
    logs = graph.add("Add", one, graph.add("Log", graph.add("Max", counts, one)))
    weights = graph.add("Mul", logs, graph.add("Gather", of_id, ids))
    # Padding has the hash 0, which may be that of an n-gram.
    is_real = graph.add("Greater", counts, graph.constant(0.0, np.float32))
    weights = graph.add("Where", is_real, weights, graph.constant(0.0, np.float32))
    norm = graph.add("ReduceL2", weights, graph.ints(1), keepdims=1)
    norm = graph.add("Max", norm, graph.constant(1e-30, np.float32))
    weights = graph.add("Mul", weights, graph.constant(NORM, np.float32))
    return ids, graph.add("Div", weights, norm)


def bag_embedding(graph: Graph, layer: BagEmbedding, ids: str, weights: str) -> str:
    """The weighted sums (B, D) of the embeddings."""
    rows = graph.add("Gather", graph.constant(layer.ngrams.weight), ids)
    row = graph.add("Unsqueeze", weights, graph.ints(1))
    return graph.add("Squeeze", graph.add("MatMul", row, rows), graph.ints(1))
