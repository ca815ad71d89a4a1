"""Linear interpolation in tables (`lamina.kernels.interpolation`) as nodes of a graph.

The bin of a number is found by bisection: log2 of the number of bins steps, each of which
reads one edge, where a comparison with all edges would take N * E values a row.

    table v (N, E, D), edges e (N, E), x (B, N) -> y (B, N, D)
"""

import numpy as np

from lamina.onnx.graph import INT64, Graph


def interpolate(graph: Graph, table: np.ndarray, edges: np.ndarray, x: str) -> str:
    """The rows of the tables between edges at x (B, N): (B, N, D)."""
    x = graph.add("Max", x, graph.constant(edges[:, 0]))
    x = graph.add("Min", x, graph.constant(edges[:, -1]))
    low, high = edges[:, :-1], edges[:, 1:]
    below, above = table[:, :-1], table[:, 1:]
    bins = _bins(graph, high, x)
    distance = graph.add("Sub", x, _rows(graph, low, bins))
    t = graph.add("Div", distance, _rows(graph, high - low, bins))
    change = _rows(graph, above - below, bins)
    change = graph.add("Mul", graph.add("Unsqueeze", t, graph.ints(2)), change)
    return graph.add("Add", _rows(graph, below, bins), change)


def _bins(graph: Graph, upper: np.ndarray, x: str) -> str:
    """The rows (B, N) in tables (N * n_bins, ...) of the bins of x, given their upper edges.

    The bin of a number is its number of upper edges below x; the last one is never below.
    """
    n_numbers, n_bins = upper.shape
    size = 1 << (n_bins - 1).bit_length()
    padded = np.full((n_numbers, size), np.inf, np.float32)
    padded[:, :n_bins] = upper
    edges, starts = graph.constant(padded.ravel()), np.arange(n_numbers)
    bins = graph.constant(starts * size)
    while size > 1:
        size //= 2
        edge = graph.add("Add", bins, graph.scalar(size - 1))
        is_below = graph.add("Less", graph.add("Gather", edges, edge), x)
        passed = graph.add("Mul", graph.cast(is_below, INT64), graph.scalar(size))
        bins = graph.add("Add", bins, passed)
    return graph.add("Sub", bins, graph.constant(starts * (padded.shape[1] - n_bins)))


def _rows(graph: Graph, table: np.ndarray, bins: str) -> str:
    """The rows (B, N, ...) of tables (N, n_bins, ...)."""
    flat = table.reshape(-1, *table.shape[2:])
    return graph.add("Gather", graph.constant(flat), bins)
