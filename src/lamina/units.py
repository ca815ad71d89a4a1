"""Ways to split a text into pieces, and to join the pieces again.

>>> from lamina.units import Characters, Words
>>> Words().split("It rained, twice.")
['It', ' rained', ',', ' twice', '.']
>>> Words().join(["It", " rained", ",", " twice", "."])
'It rained, twice.'
>>> Characters().split("rain")
['r', 'a', 'i', 'n']
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from lamina.exceptions import MissingExtraError, SavedFileError
from lamina.scripts import SYMBOL, WORD, pattern
from lamina.state import Stored

PIECE = rf"\s?{WORD}|\s?{SYMBOL}|\s+"


class Units(Protocol):
    """A way to split texts, from which `join` makes the same text."""

    holds_surrogates: ClassVar[bool]
    """Whether a text may have lone surrogates, which UTF-8 cannot encode."""

    @property
    def tokens(self) -> list[str] | None:
        """All pieces there are; None where any string may be one."""
        ...

    def fit(self, texts: Iterable[str], max_size: int) -> Self:
        """Learn at most `max_size` pieces, where they have to be learnt."""
        ...

    def split(self, text: str) -> list[str]:
        """The pieces of a text."""
        ...

    def join(self, tokens: Sequence[str]) -> str:
        """The text of these pieces."""
        ...

    def states_after(self, tokens: Sequence[str]) -> np.ndarray:
        """(S, K), the state of a text after each of K pieces, by the state before.

        State 0 is that of a text of complete characters; -1 where a piece cannot follow.
        """
        ...


class Characters(Stored):
    """Each character is a piece."""

    holds_surrogates: ClassVar = True

    @property
    def tokens(self) -> list[str] | None:
        return None

    def fit(self, texts: Iterable[str], max_size: int) -> Self:
        del texts, max_size
        return self

    def split(self, text: str) -> list[str]:
        return list(text)

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)

    def states_after(self, tokens: Sequence[str]) -> np.ndarray:
        return np.zeros((1, len(tokens)), dtype=np.int64)


class Words(Characters):
    """Words and single symbols, each with the space before it.

    Combining marks belong to the character before them.
    """

    def split(self, text: str) -> list[str]:
        return pattern(PIECE).findall(text)


class BytePairs(Stored):
    """Frequent strings, built from bytes by merging pairs (Sennrich et al. 2016).

    Any text in UTF-8 can be split, because every byte is a piece.
    """

    holds_surrogates: ClassVar = False

    def fit(self, texts: Iterable[str], max_size: int) -> Self:
        library = _tokenizers()
        level = library.pre_tokenizers.ByteLevel
        self.tokenizer: Any = library.Tokenizer(library.models.BPE())
        self.tokenizer.pre_tokenizer = level(add_prefix_space=False)
        self.tokenizer.decoder = library.decoders.ByteLevel()
        trainer = library.trainers.BpeTrainer(
            vocab_size=max_size,
            initial_alphabet=sorted(level.alphabet()),
            show_progress=False,
        )
        self.tokenizer.train_from_iterator(texts, trainer)
        return self

    def to_state(self) -> dict[str, Any]:
        return {"tokenizer": self.tokenizer.to_str()} if vars(self) else {}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        new = cls()
        if state:
            _refuse_other_parts(json.loads(state["tokenizer"]))
            new.tokenizer = _tokenizers().Tokenizer.from_str(state["tokenizer"])
        return new

    @property
    def tokens(self) -> list[str]:
        return sorted(self.tokenizer.get_vocab())

    def split(self, text: str) -> list[str]:
        return self.tokenizer.encode(text).tokens

    def join(self, tokens: Sequence[str]) -> str:
        return self.tokenizer.decoder.decode(list(tokens))

    def states_after(self, tokens: Sequence[str]) -> np.ndarray:
        byte_of, following = _bytes_of_letters(), _following_bytes()
        states = np.empty((len(following), len(tokens)), dtype=np.int64)
        for k, token in enumerate(tokens):
            state = np.arange(len(following))
            for letter in token:
                state = np.where(state < 0, -1, following[state, byte_of[letter]])
            states[:, k] = state
        return states


def _tokenizers() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError("Byte-pair units", "tokenizers", "text") from None
    return tokenizers


def _refuse_other_parts(tokenizer: dict[str, Any]) -> None:
    """Raise for a tokenizer with other parts, which may never end, than `fit` makes."""
    for part in ("normalizer", "post_processor", "truncation", "padding"):
        if tokenizer[part] is not None:
            raise SavedFileError(f"The tokenizer of the file has a {part}.")
    parts = {"model": "BPE", "pre_tokenizer": "ByteLevel", "decoder": "ByteLevel"}
    for part, kind in parts.items():
        if tokenizer[part]["type"] != kind:
            raise SavedFileError(
                f"The {part} of the tokenizer in the file is no {kind}."
            )


def _bytes_of_letters() -> dict[str, int]:
    """The byte that each letter of a token of `tokenizers` stands for.

    Printable bytes stand for themselves, the others, in order, are U+0100 and following.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = sorted(set(range(256)).difference(printable))
    letters = {chr(byte): byte for byte in printable}
    return letters | {chr(256 + i): byte for i, byte in enumerate(others)}


def _following_bytes() -> np.ndarray:
    """(8, 256), the state of a UTF-8 text after each byte, -1 where it cannot follow.

    In state 0 a character begins; the others are within one, by the bytes that may complete
    it (the Unicode Standard, table 3-7).
    """
    # (state, first byte, last byte, state after)
    steps = [
        *[(0, 0x00, 0x7F, 0), (0, 0xC2, 0xDF, 1), (0, 0xE0, 0xE0, 2)],
        *[(0, 0xE1, 0xEC, 3), (0, 0xED, 0xED, 4), (0, 0xEE, 0xEF, 3)],
        *[(0, 0xF0, 0xF0, 5), (0, 0xF1, 0xF3, 6), (0, 0xF4, 0xF4, 7)],
        *[(1, 0x80, 0xBF, 0), (2, 0xA0, 0xBF, 1), (3, 0x80, 0xBF, 1)],
        *[(4, 0x80, 0x9F, 1), (5, 0x90, 0xBF, 3), (6, 0x80, 0xBF, 3)],
        (7, 0x80, 0x8F, 3),
    ]
    following = np.full((8, 256), -1)
    for state, first, last, after in steps:
        following[state, first : last + 1] = after
    return following


UNITS: dict[str, type[Units]] = {
    "char": Characters,
    "word": Words,
    "bpe": BytePairs,
}
