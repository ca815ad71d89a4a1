"""The lines from baselines to the rows of a table.

They are straight in the scaled numbers, one-hot categories and embeddings of codes.
"""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.batch import Batch, Features
from lamina.encoders.tables.encoder import TableEncoder
from lamina.exceptions import ParameterError, data_errors
from lamina.inputs import DataLike
from lamina.inspection.lines import Lines
from lamina.nn.body import Body, KernelBody
from lamina.nn.columns import ColumnEmbeddings

STEPS_OF_ROW = 16
"""Steps of a sequence that take as much memory as a row, of which each column is embedded."""


class TableLines(Lines):
    """Cells: the columns. All that a column becomes counts for it."""

    def __init__(self, estimator: Any, X: DataLike, plain: Any, baseline: Any):
        del X, plain
        encoder, body = estimator.encoder_, estimator.network_.body
        embeddings = body.embeddings if isinstance(body, KernelBody) else None
        if not isinstance(embeddings, ColumnEmbeddings):
            raise ParameterError(
                f"explain takes tables of a body with ColumnEmbeddings, as DNNClassifier has; "
                f"the body of this {type(estimator).__name__} is a {type(body).__name__}."
            )
        self.embeddings, self.n_columns = embeddings, encoder.n_features
        names = encoder.schema.names or [f"x{i}" for i in range(self.n_columns)]
        self.feature_names = np.array([str(name) for name in names], dtype=object)
        self.channels = torch.from_numpy(encoder.channel_columns())
        self.columns = self.channels[embeddings.origins()]
        if baseline is None:
            x, codes = _average(encoder)
        else:
            x, codes = _of_rows(encoder, baseline)
        self.n_baselines, self.x = len(x), x
        layers = embeddings.categories
        self.embedded = [
            weights @ layer.weight.detach()
            for weights, layer in zip(codes, layers, strict=True)
        ]

    def shape(self, batch: Batch) -> tuple[int, ...]:
        return (self.n_columns,)

    def patch(self, size: int | None) -> tuple[int, ...]:
        if size is not None:
            raise ParameterError(
                f"patch_size={size} has no effect for a table, of which each column is a "
                f"patch; leave it at 'auto'."
            )
        return (1,)

    def points(self, batch: Batch, baseline: int, t: Tensor) -> Tensor:
        """The inputs (S, B, D) of the dense layers."""
        ends = [batch.x, *self.embeddings.embedded(batch)]
        starts = [tensor[baseline].to(t.device) for tensor in (self.x, *self.embedded)]
        x, *embedded = [
            torch.lerp(start, end, of_end).flatten(0, 1)
            for start, end, of_end in zip(starts, ends, self._of_ends(t), strict=True)
        ]
        return self.embeddings.joined(x, embedded).unflatten(0, (len(t), -1))

    def _of_ends(self, t: Tensor) -> list[Tensor]:
        """The t of x and of each column of codes."""
        if t.shape[2] == 1:
            return [t] * (1 + len(self.embedded))
        n_codes = len(self.embedded)
        of_channels = t.index_select(2, self.channels.to(t.device))
        return list(of_channels.split([self.x.shape[1], *[1] * n_codes], 2))

    def features(self, body: Body, h: Tensor, batch: Batch) -> Features:
        assert isinstance(body, KernelBody)
        return body.features(h.flatten(0, 1))

    def by_cell(self, values: Tensor) -> Tensor:
        sums = values.new_zeros(len(values), self.n_columns)
        return sums.index_add(1, self.columns.to(values.device), values)

    def arranged(self, values: np.ndarray, row: int) -> np.ndarray:
        del row
        return values

    def samples(self) -> None:
        """A table has no picture of its own."""

    def n_steps(self, batch: Batch) -> int:
        return STEPS_OF_ROW


def _average(encoder: TableEncoder) -> tuple[Tensor, list[Tensor]]:
    """The average row of `fit`: x (1, C), and the weights (1, codes) of each column."""
    x, codes = encoder.average()
    return _row(x), [_row(weights) for weights in codes]


def _of_rows(encoder: TableEncoder, rows: DataLike) -> tuple[Tensor, list[Tensor]]:
    """The same of m rows: x (m, C) and (m, codes)."""
    with data_errors("baseline"):
        samples = encoder.encode(encoder.read(rows))
    batch, sizes = samples.take(torch.arange(len(samples))), encoder.spec.n_categories
    codes = [] if batch.codes is None else batch.codes.T
    pairs = zip(codes, sizes, strict=True)
    return batch.x, [F.one_hot(column, n).float() for column, n in pairs]


def _row(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).float()[None]
