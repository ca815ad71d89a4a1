"""Documents -> BEGIN, units, END; nothing of a text is lost.

A word outside the vocabulary is spelled in characters, and a character that was never seen
in six hexadecimal digits of its code point. So every text has a likelihood, and those of
all texts together are at most 1.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import BEGIN, END, Batch, Spec
from lamina.encoders.base import InAnyOrder
from lamina.encoders.windows import Windows, stretches
from lamina.exceptions import DataError
from lamina.params import Params, at_least, one_of, only_with
from lamina.units import UNITS
from lamina.vocabulary import Vocabulary

DIGITS = [f"<{digit}>" for digit in "0123456789abcdef"]
N_DIGITS = 6
"""Hexadecimal digits of any code point."""
LOST = "\ufffd"
"""Stands for digits or bytes that make no character."""


class DocumentParams(Params):
    """How documents are cut."""

    unit: Annotated[
        str,
        one_of(*UNITS),
        """What a text is cut into and what is predicted one by one: "char"acters, "word"s
        and punctuation marks with the space before them, or "bpe", frequent strings that
        are grown from bytes (needs the package tokenizers).""",
    ] = "char"
    max_tokens: Annotated[
        int,
        at_least(1),
        only_with(unit=("word", "bpe")),
        """Words of the vocabulary, the most frequent; others are spelled. For "bpe" the
        number of strings, at least the 256 bytes.""",
    ] = 4_000
    window: Annotated[
        int,
        at_least(1),
        """Steps through which gradients flow back. The state itself is carried on from
        window to window of a document.""",
    ] = 128


class DocumentEncoder:
    """Texts as token numbers, whole in prediction and in windows in training."""

    params = DocumentParams
    n_features = None

    def __init__(self, params: DocumentParams):
        self.units: Any = UNITS[params.unit]()
        self.max_tokens, self.window = params.max_tokens, params.window

    def fit(self, X: list[str], weight: np.ndarray | None = None) -> Self:
        del weight
        if not any(X):
            raise DataError("X holds empty texts only; there is nothing to learn.")
        self.units.fit(X, self.max_tokens)
        self.vocabulary = Vocabulary([self._pieces(X)])
        self.digits = {self.vocabulary.numbers.get(d): d[1] for d in DIGITS}
        self.spec = Spec(
            n_tokens=len(self.vocabulary), n_space=1, max_length=self.window
        )
        return self

    def encode(self, X: list[str]) -> "Documents":
        rows = [torch.tensor([BEGIN, *self.numbers(t), END]).int() for t in X]
        lengths = torch.tensor([len(row) - 1 for row in rows])
        return Documents(torch.cat(rows), lengths, self.window)

    def numbers(self, text: str) -> list[int]:
        """The tokens of a text, without its ends."""
        known, found = self.vocabulary.numbers, []
        for piece in self.units.cut(text):
            number = known.get(piece)
            found.extend(self._spelled(piece) if number is None else (number,))
        return found

    def text(self, tokens: Iterable[int]) -> str:
        """The text of these tokens; what makes no character becomes U+FFFD."""
        if None in self.digits:  # byte pairs need none
            return self.units.join([self.vocabulary.tokens[t] for t in tokens])
        pieces, code = "", ""
        for token in tokens:
            if token in self.digits:
                code += self.digits[token]
            else:
                pieces += LOST * bool(code) + self.vocabulary.tokens[token]
                code = ""
            if len(code) == N_DIGITS:
                pieces += _character(code)
                code = ""
        return pieces + LOST * bool(code)

    def n_units(self, text: str) -> int:
        """Units of a text and its end; a word that is spelled counts once."""
        return len(self.units.cut(text)) + 1

    def _pieces(self, X: list[str]) -> Sequence[str]:
        learnt = getattr(self.units, "tokens", None)
        if learnt is not None:
            return learnt
        frequent = Vocabulary((self.units.cut(text) for text in X), self.max_tokens)
        return sorted({*DIGITS, *frequent.tokens[END + 1 :], *set().union(*X)})

    def _spelled(self, piece: str) -> list[int]:
        known = self.vocabulary.numbers
        spelled = []
        for character in piece:
            digits = (f"<{d}>" for d in f"{ord(character):06x}")
            pieces = [character] if character in known else digits
            spelled.extend(known[p] for p in pieces)
        return spelled


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


def _character(code: str) -> str:
    number = int(code, 16)
    return chr(number) if number < 0x110000 else LOST
