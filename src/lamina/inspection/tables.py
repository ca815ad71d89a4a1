"""The lines from baselines to the rows of a table.

They are straight in the scaled numbers, one-hot categories, and embeddings of codes and of
texts.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lamina.batch import Batch, Features
from lamina.encoders.tables.encoder import TableEncoder
from lamina.encoders.tables.schema import Columns
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import ParameterError, data_errors
from lamina.inputs import DataLike
from lamina.inspection.lines import Lines
from lamina.nn.body import Body, KernelBody
from lamina.nn.columns import ColumnEmbeddings

STEPS_OF_ROW = 16
"""Steps of a sequence that take as much memory as a row, of which each column is embedded."""


class TableLines(Lines):
    """Cells: the columns. All that a column becomes counts for it."""

    def __init__(
        self,
        estimator: NeuralEstimator,
        X: DataLike,
        plain: Columns,
        baseline: DataLike | None,
    ):
        del X, plain
        encoder, body = estimator.encoder_, estimator.network_.body
        assert isinstance(encoder, TableEncoder) and encoder.schema is not None
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
        of_linear_path = self.channels[: encoder.spec.n_channels]
        self.columns = torch.cat([self.channels[embeddings.origins()], of_linear_path])
        if baseline is None:
            self.x, self.embedded = _average(encoder, embeddings)
        else:
            self.x, self.embedded = _of_rows(encoder, embeddings, baseline)
        self.n_baselines = len(self.x)

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
        """The inputs (S, B, D + C) of the dense layers, and of the linear path."""
        ends = [batch.x, *self.embeddings.embedded(batch)]
        starts = [tensor[baseline].to(t.device) for tensor in (self.x, *self.embedded)]
        x, *embedded = [
            torch.lerp(start, end, of_end).flatten(0, 1)
            for start, end, of_end in zip(starts, ends, self._of_ends(t), strict=True)
        ]
        inputs = self.embeddings.joined(x, embedded)
        return torch.cat([inputs, x], 1).unflatten(0, (len(t), -1))

    def _of_ends(self, t: Tensor) -> list[Tensor]:
        """The t of x, of each column of codes and of each of texts."""
        n_embedded = len(self.embedded)
        if t.shape[2] == 1:
            return [t] * (1 + n_embedded)
        of_channels = t.index_select(2, self.channels.to(t.device))
        return list(of_channels.split([self.x.shape[1], *[1] * n_embedded], 2))

    def features(self, body: Body, h: Tensor, batch: Batch) -> Features:
        assert isinstance(body, KernelBody)
        inputs, x = h.flatten(0, 1).tensor_split([self.embeddings.width], 1)
        return replace(body.features(inputs), x=x)

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


@torch.no_grad()
def _average(
    encoder: TableEncoder, embeddings: ColumnEmbeddings
) -> tuple[Tensor, list[Tensor]]:
    """The average row of `fit`: x (1, C), and the embeddings (1, E) of its other columns.

    Its texts are empty.
    """
    x, codes = encoder.average()
    pairs = zip(codes, embeddings.categories, strict=True)
    embedded = [_row(weights) @ layer.weight for weights, layer in pairs]
    texts = [torch.zeros(1, bag.ngrams.embedding_dim) for bag in embeddings.bags]
    return _row(x), embedded + texts


@torch.no_grad()
def _of_rows(
    encoder: TableEncoder, embeddings: ColumnEmbeddings, rows: DataLike
) -> tuple[Tensor, list[Tensor]]:
    """The same of m rows: x (m, C) and embeddings (m, E)."""
    with data_errors("baseline"):
        samples = encoder.encode(encoder.read(rows))
    batch = samples.take(torch.arange(len(samples)))
    return batch.x, embeddings.embedded(batch)


def _row(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).float()[None]
