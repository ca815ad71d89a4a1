"""The edges of the bins of numeric columns.

Half of them are at equal distances in the order of the rows and half in the order of the
distinct values, so that neither frequent nor rare values share a bin with many others.
"""

import numpy as np
from scipy import sparse

from lamina.encoders.standardizer import Place, Standardizer

EDGES_PER_ROOT, MIN_EDGES, MAX_EDGES = 1.5, 17, 129
"""Edges of each kind for the square root of the number of distinct rows, and bounds of their
number; many of them coincide. More edges fit noise in small tables, and fewer are too coarse
in large ones."""
MAX_COLUMNS = 512
"""Numeric columns of a table up to which they have bins by default."""
MAX_ROWS, MAX_VALUES = 100_000, 1 << 24
"""Rows, and values of these, that are used, at most; of more, as many are drawn."""
MIN_WIDTH = 1e-6
"""Standardised values at a smaller distance differ by the rounding of float32."""
ROUNDING = 1 - 1e-9
"""Weights that add up to a level but for rounding errors have reached it."""

Edges = tuple[tuple[float, ...], ...]


def bin_edges(
    values: np.ndarray | sparse.csr_matrix,
    weight: np.ndarray | None,
    standardizer: Standardizer,
    place: Place,
) -> Edges:
    """The edges, in standardised values, of each column of (n, C), rows weighted (n,).

    A column with fewer than three values, of which all functions are linear, has none.
    """
    n_rows, n_columns = values.shape
    n_used = max(1, min(MAX_ROWS, MAX_VALUES // n_columns))
    if n_rows > n_used:
        rows = np.random.RandomState(0).permutation(n_rows)[:n_used]
        values, weight = values[rows], None if weight is None else weight[rows]
    if not isinstance(values, np.ndarray):
        values = values.toarray()
    z = np.empty((len(values), standardizer.n_channels), np.float32)
    standardizer.write(values, z, place)
    weight = np.ones(len(values)) if weight is None else weight
    # Counted so that neither a repeated row nor the scale of the weights has an effect.
    n_distinct = len(np.unique(z.view(f"V{z.strides[0]}")))
    n_edges = round(EDGES_PER_ROOT * n_distinct**0.5)
    levels = np.linspace(0, 1, min(max(n_edges, MIN_EDGES), MAX_EDGES))
    columns = zip(z.T, np.isnan(values).T, strict=False)
    return tuple(
        _edges(column[~is_missing], weight[~is_missing], levels)
        for column, is_missing in columns
    )


def _edges(
    values: np.ndarray, weight: np.ndarray, levels: np.ndarray
) -> tuple[float, ...]:
    distinct, index = np.unique(values, return_inverse=True)
    if len(distinct) < 3:
        return ()
    below = np.cumsum(np.bincount(index, weight))
    by_row = np.searchsorted(below, levels * below[-1] * ROUNDING)
    by_value = np.round(levels * (len(distinct) - 1)).astype(int)
    chosen = np.union1d(np.minimum(by_row, len(distinct) - 1), by_value)
    edges = distinct[chosen]
    is_apart = np.append(True, np.diff(edges) > MIN_WIDTH)
    return tuple(edges[is_apart].tolist()) if is_apart.sum() > 2 else ()
