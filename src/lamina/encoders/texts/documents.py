"""Documents -> BEGIN, units, END, whole in prediction and in windows in training."""

import re
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import BEGIN, END, Batch, Spec
from lamina.codec import Codec, CodecParams, Unit
from lamina.encoders.base import Encoder, InAnyOrder
from lamina.encoders.texts.encoder import TextSchema
from lamina.encoders.texts.windows import Windows, stretches
from lamina.exceptions import DataError, warn_of_data
from lamina.params import Use, at_least
from lamina.scripts import is_composed
from lamina.texts import ITEMS, items, text_of

FILE_NAME = re.compile(r"[^\s/\\]*([/\\]\S*|\.\w{1,5})")
"""A path of a file: without spaces, and with a folder or a suffix."""


class DocumentParams(CodecParams):
    """How documents are cut."""

    unit: Unit = "bpe"
    window: Annotated[
        int,
        at_least(1),
        Use.FROZEN,
        """Steps through which gradients flow back. The state itself is carried on from
        window to window of a document.""",
    ] = 128


class DocumentEncoder(Encoder):
    """Texts as token numbers, whole in prediction and in windows in training."""

    params = DocumentParams
    schema: TextSchema | None = None

    def __init__(self, params: DocumentParams):
        self.codec = Codec(params.unit, params.max_tokens)
        self.window = params.window

    def read(self, X: Any) -> list[str]:
        """The texts of X, which may be one text, texts or files; as they are."""
        texts = self.codec.checked(read_documents(X))
        if self.schema is None:
            self.codec.warn_of_unspaced(texts)
            normalized = all(map(is_composed, texts))
            self.schema = TextSchema("text", self.codec.unit, normalized)
        elif self.schema.normalized and not all(map(is_composed, texts)):
            warn_of_data(
                "Some texts are not in Unicode's normal form C, and all texts of fit "
                "were: accented letters are other characters than those learnt. Pass "
                "unicodedata.normalize('NFC', text)."
            )
        return texts

    def fit(self, plain: list[str], weight: np.ndarray | None = None) -> Self:
        del weight
        if not any(plain):
            raise DataError("X holds empty texts only; there is nothing to learn.")
        self.codec.fit(plain)
        self.spec = Spec(n_tokens=len(self.codec), n_space=1, max_length=self.window)
        return self

    def encode(self, plain: list[str]) -> "Documents":
        numbers = self.codec.numbers
        rows = [torch.tensor([BEGIN, *numbers(text), END]).int() for text in plain]
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


def read_documents(X: Any, name: str = "X") -> list[str]:
    """One text, texts, or paths of UTF-8 files -> a list of texts.

    The caller knows them by `name`, one of `lamina.texts.ITEMS`.
    """
    samples = [X] if isinstance(X, str | Path) else items(X, name)
    documents = [
        contents(sample, f"{ITEMS[name]} {i}")
        if isinstance(sample, Path)
        else text_of(sample, f"{ITEMS[name]} {i}")
        for i, sample in enumerate(samples)
    ]
    if any(isinstance(text, str) and _names_a_file(text) for text in samples):
        warn_of_data(
            "A text is the name of a file that exists, and is read as a text; pass a "
            "pathlib.Path for what the file contains."
        )
    return documents


def _names_a_file(text: str) -> bool:
    """Whether a text looks like the path of a file, and there is one."""
    try:
        return FILE_NAME.fullmatch(text) is not None and Path(text).is_file()
    except (OSError, ValueError):  # too long, or characters that no name has
        return False


def contents(path: Path, where: str) -> str:
    """The text of a file, its line ends as they are; a byte order mark is left out."""
    try:
        if not path.is_file():
            there = path.exists()
            why = "it is no regular file" if there else "there is no such file"
            raise DataError(f"{where} ({str(path)!r}) cannot be read: {why}.")
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{where} ({str(path)!r}) cannot be read: {error}. Files of texts are "
            f"UTF-8; save it as such, or pass its text as a str."
        ) from error
