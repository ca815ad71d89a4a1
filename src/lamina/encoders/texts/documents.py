"""Documents -> BEGIN, units, END; whole in prediction, as windows in training."""

import re
from pathlib import Path
from typing import Annotated, Self

import numpy as np
import torch
from torch import Tensor

from lamina.batch import BEGIN, END, Batch, Spec
from lamina.codec import Codec, CodecParams, Unit
from lamina.encoders.base import Encoder, IndependentSamples
from lamina.encoders.texts.encoder import TextSchema
from lamina.encoders.texts.windows import Windows, token_rows
from lamina.exceptions import DataError, warn_of_data
from lamina.nn.language import STEPS_AT_ONCE
from lamina.params import Use, at_least
from lamina.scripts import is_composed
from lamina.texts import ITEMS, items, text_of

FILE_NAME = re.compile(r"[^\s/\\]*([/\\]\S*|\.\w{1,5})")
"""The path of a file: without spaces, and with a folder or a suffix."""


class DocumentParams(CodecParams):
    """How documents are tokenised and cut into windows."""

    unit: Unit = "bpe"
    window: Annotated[
        int,
        at_least(1),
        Use.FROZEN,
        """Steps of backpropagation through time. The state is carried from each window of
        a document to the next.""",
    ] = 128


class DocumentEncoder(Encoder[list[str]]):
    """Texts as token ids; whole in prediction, as windows in training."""

    params = DocumentParams
    schema: TextSchema | None = None

    def __init__(self, params: DocumentParams):
        self.codec = Codec(params.unit, params.max_tokens)
        self.window = params.window

    def read(self, X: object) -> list[str]:
        """The texts of X, which is one text, texts or files; they are not normalised."""
        texts = self.codec.checked(read_documents(X))
        if self.schema is None:
            self.codec.warn_of_unspaced(texts)
            normalized = all(map(is_composed, texts))
            self.schema = TextSchema("text", self.codec.unit, normalized)
        elif self.schema.normalized and not all(map(is_composed, texts)):
            warn_of_data(
                "Some texts are not in Unicode's normal form C, and all texts of fit "
                "were: their accented letters are not those that were learnt. Pass "
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
        token_ids = [[BEGIN, *self.codec.token_ids(text), END] for text in plain]
        lengths = torch.tensor([len(ids) - 1 for ids in token_ids])
        flat = torch.cat([torch.tensor(ids).int() for ids in token_ids])
        return Documents(flat, lengths, self.window)


class Documents(IndependentSamples):
    """Documents, concatenated in `flat`; each has one token more than it has steps.

    A batch is x (B, T + 1): the first T tokens are the inputs, the last T the targets.
    """

    def __init__(self, flat: Tensor, lengths: Tensor, window: int):
        self.flat, self.lengths, self.window = flat, lengths, window
        self.starts = (lengths + 1).cumsum(0) - lengths - 1

    def __len__(self) -> int:
        return len(self.lengths)

    def n_cells(self) -> Tensor:
        # Features are computed for a part of a long text at a time. All of its steps are
        # token ids, which take less than a hundredth of the memory of features.
        return self.lengths.clamp(max=STEPS_AT_ONCE) + self.lengths // 64

    def take(self, rows: Tensor) -> Batch:
        lengths = self.lengths[rows]
        x = token_rows(self.flat, self.starts[rows], lengths)
        return Batch(x, lengths=lengths)

    def in_training(self) -> Windows:
        return Windows(self.flat, self.starts, self.lengths, self.window)


def read_documents(X: object, name: str = "X") -> list[str]:
    """One text, texts, or paths of UTF-8 files -> a list of texts.

    `name`, a key of `lamina.texts.ITEMS`, is the name of X in messages.
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
            "A text is the name of an existing file, and is read as a text; pass a "
            "pathlib.Path to read the contents of the file."
        )
    return documents


def _names_a_file(text: str) -> bool:
    """Whether a text is the path of an existing file."""
    try:
        return FILE_NAME.fullmatch(text) is not None and Path(text).is_file()
    except (OSError, ValueError):  # too long, or with invalid characters
        return False


def contents(path: Path, where: str) -> str:
    """The text of a file with its own line ends, without a byte order mark."""
    try:
        if not path.is_file():
            exists = path.exists()
            why = "it is not a regular file" if exists else "there is no such file"
            raise DataError(f"{where} ({str(path)!r}) cannot be read: {why}.")
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{where} ({str(path)!r}) cannot be read: {error}. Text files must be "
            f"UTF-8; save it as such, or pass its text as a str."
        ) from error
