"""Documents -> BEGIN, units, END, whole in prediction and in windows in training."""

from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import BEGIN, END, Batch, Spec
from lamina.codec import Codec, CodecParams, Unit
from lamina.encoders.base import Encoder, InAnyOrder
from lamina.encoders.windows import Windows, stretches
from lamina.exceptions import DataError
from lamina.params import at_least
from lamina.schema import Schema


class DocumentParams(CodecParams):
    """How documents are cut."""

    unit: Unit = "bpe"
    window: Annotated[
        int,
        at_least(1),
        """Steps through which gradients flow back. The state itself is carried on from
        window to window of a document.""",
    ] = 128


class DocumentEncoder(Encoder):
    """Texts as token numbers, whole in prediction and in windows in training."""

    params = DocumentParams

    def read(self, X: Any) -> list[str]:
        """The texts of X."""
        self.schema = self.schema or Schema("text")
        return read_documents(X)

    def __init__(self, params: DocumentParams):
        self.codec = Codec(params.unit, params.max_tokens)
        self.window = params.window

    def fit(self, X: list[str], weight: np.ndarray | None = None) -> Self:
        del weight
        if not any(X):
            raise DataError("X holds empty texts only; there is nothing to learn.")
        self.codec.fit(X)
        self.spec = Spec(n_tokens=len(self.codec), n_space=1, max_length=self.window)
        return self

    def encode(self, X: list[str]) -> "Documents":
        numbers = self.codec.numbers
        rows = [torch.tensor([BEGIN, *numbers(text), END]).int() for text in X]
        lengths = torch.tensor([len(row) - 1 for row in rows])
        return Documents(torch.cat(rows), lengths, self.window)


class Documents(InAnyOrder):
    """Whole documents end to end in `flat`; each has a token more than it has steps.

    A batch is x (B, T + 1): what is read at the T steps, and one later what follows.
    """

    decodes = False

    def __init__(self, flat: Tensor, lengths: Tensor, window: int):
        self.flat, self.lengths, self.window = flat, lengths, window
        self.starts = (lengths + 1).cumsum(0) - lengths - 1

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: Tensor) -> Batch:
        lengths = self.lengths[rows]
        x = stretches(self.flat, self.starts[rows], lengths)
        return Batch(x, lengths=lengths)

    def in_training(self) -> Windows:
        """The windows of the documents."""
        return Windows(self.flat, self.starts, self.lengths, self.window)


def read_documents(X: Any) -> list[str]:
    """One text, texts, or paths of UTF-8 files -> a list of texts."""
    if isinstance(X, str | Path):
        X = [X]
    try:
        documents = list(X)
    except TypeError:
        raise DataError(f"X is no text and no list of texts: {X!r}.") from None
    if not documents:
        raise DataError("Found array with 0 sample(s): X is an empty list of texts.")
    return [_read(document, i) for i, document in enumerate(documents)]


def _read(document: Any, i: int) -> str:
    if isinstance(document, Path):
        try:
            return document.read_text(encoding="utf8")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"Sample {i} cannot be read: {error}") from error
    if not isinstance(document, str):
        raise DataError(f"Sample {i} is not a text or a Path: {document!r}.")
    return str(document)
