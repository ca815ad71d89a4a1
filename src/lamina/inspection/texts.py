"""The lines from baselines to texts.

They are straight in the embeddings. Each token starts at the embedding of an unknown one,
and the bag of n-grams starts empty: it is the sum of a part for each token, of the n-grams
that the token is in (`NGrams.encode_tokens`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lamina.batch import UNKNOWN, Batch, Features
from lamina.encoders.texts.encoder import BagEncoder, TextEncoder
from lamina.encoders.tokenizers import spans
from lamina.estimators.base import NeuralEstimator
from lamina.exceptions import ParameterError
from lamina.inputs import DataLike
from lamina.inspection.attribution import Words
from lamina.inspection.lines import CELLS_AT_ONCE, Lines
from lamina.nn.body import Body, KernelBody, TextBody
from lamina.nn.columns import ColumnEmbeddings
from lamina.ragged import Ragged
from lamina.scripts import composed
from lamina.texts import items


class TextLines(Lines):
    """Cells: the tokens, each with its part of the bag."""

    def __init__(
        self,
        estimator: NeuralEstimator,
        X: DataLike,
        plain: list[list[str]],
        baseline: DataLike | None,
    ):
        if baseline is not None:
            raise ParameterError(
                "The argument 'baseline' must be None for texts, whose words are compared "
                "with unknown ones."
            )
        encoder, self.body = estimator.encoder_, estimator.network_.body
        self.words = [
            _words(sample, tokens, encoder.schema.unit)
            for sample, tokens in zip(items(X), plain, strict=True)
        ]
        self.n_tokens = torch.tensor([len(tokens) for tokens in plain])
        self.feature_names = np.unique([token for text in plain for token in text])
        self.bags = Ragged(_of_tokens(estimator, plain), self.n_tokens)

    def shape(self, batch: Batch) -> tuple[int, ...]:
        return (batch.target.values.shape[1],)

    def patch(self, size: int | None) -> tuple[int, ...]:
        return (size or 1,)

    def n_steps(self, batch: Batch) -> int:
        return batch.target.values.shape[1]

    def lengths(self, batch: Batch) -> Tensor:
        return batch.target.lengths

    def parts(self, batch: Batch) -> Iterator[tuple[Tensor, Batch]]:
        """The same; targets become the parts of the bags (B, T, E) of the tokens."""
        numbers = batch.target.cpu()[: len(batch.target.unique())]
        lengths = self.n_tokens[numbers]
        size = max(1, CELLS_AT_ONCE // int(lengths.max()))
        for rows in lengths.argsort().split(size):
            part, tokens = batch.part(0, rows), self.bags[numbers[rows]]
            if isinstance(self.body, TextBody):
                missing = part.x.shape[1] - tokens.values.shape[1]
                values = F.pad(tokens.values, (0, 0, 0, missing))
                tokens = replace(tokens, values=values)
            part.target = tokens.to(batch.x.device)
            yield rows, part

    def points(self, batch: Batch, baseline: int, t: Tensor) -> Tensor:
        """H (S, B, T, D + E) of the embeddings of tokens, if they are read, and of bags."""
        del baseline
        of_bags = t[..., None] * batch.target.values
        if not isinstance(self.body, TextBody):
            return of_bags
        unknown = replace(batch, x=torch.full_like(batch.x, UNKNOWN))
        start, end = (self.body.embedded(b)[0] for b in (unknown, batch))
        return torch.cat([torch.lerp(start, end, t[..., None]), of_bags], 3)

    def features(self, body: Body, h: Tensor, batch: Batch) -> Features:
        width, flat = batch.target.values.shape[2], h.flatten(0, 1)
        x, bags = flat.split([flat.shape[2] - width, width], 2)
        if isinstance(body, KernelBody):
            return body.features(bags.sum(1))
        assert isinstance(body, TextBody)
        texts = Batch(x, lengths=self.lengths(batch).repeat(len(h)))
        return body.features(x, bags.sum(1) if width else None, texts)

    def by_cell(self, values: Tensor) -> Tensor:
        return values.sum(2)

    def arranged(self, values: np.ndarray, row: int) -> np.ndarray:
        return values[: int(self.n_tokens[row])]

    def samples(self) -> list[Words]:
        return self.words


@torch.no_grad()
def _of_tokens(estimator: NeuralEstimator, plain: list[list[str]]) -> Tensor:
    """(total tokens, E), the part of the bag of its text that each token has."""
    body = estimator.network_.body
    embed = None
    if isinstance(body, TextBody):
        embed = None if body.bag is None else body.bag.embed
    elif isinstance(body, KernelBody) and isinstance(body.embeddings, ColumnEmbeddings):
        (embed,) = body.embeddings.bags
    else:
        raise ParameterError(
            f"explain takes texts of a body that is a TextBody (lamina.nn.body); the body of "
            f"this {type(estimator).__name__} is a {type(body).__name__}."
        )
    if embed is None:
        return torch.empty(sum(map(len, plain)), 0)
    encoder = estimator.encoder_
    assert isinstance(encoder, TextEncoder | BagEncoder) and encoder.ngrams is not None
    return embed(encoder.ngrams.encode_tokens(plain))


def _words(sample: str | Sequence, tokens: list[str], unit: str) -> Words:
    """The words of a text, or of a list of tokens, which are joined by spaces."""
    if isinstance(sample, str):
        text = composed(sample)
        offsets = spans(text, unit)
    else:
        text = " ".join(composed(str(token)) for token in sample)
        stops = accumulate(len(composed(str(token))) + 1 for token in sample)
        offsets = [
            (stop - 1 - len(composed(str(token))), stop - 1)
            for token, stop in zip(sample, stops, strict=True)
        ]
    return Words(text, tokens, np.array(offsets))
