"""What a text is cut into, and how the pieces become the text again.

>>> from lamina.units import Characters, Words
>>> Words().cut("It rained, twice.")
['It', ' rained', ',', ' twice', '.']
>>> Words().join(["It", " rained", ",", " twice", "."])
'It rained, twice.'
>>> Characters().cut("rain")
['r', 'a', 'i', 'n']
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, Self

from lamina.exceptions import MissingExtraError

WORD = re.compile(r"\s?\w+(?:['\u2019]\w+)*|\s?[^\w\s]|\s+")


class Units(Protocol):
    """A way to cut texts; nothing of a text is lost."""

    def fit(self, texts: Iterable[str], max_size: int) -> Self:
        """Learn the pieces, at most so many, where they have to be learnt."""
        ...

    def cut(self, text: str) -> list[str]:
        """The pieces of a text."""
        ...

    def join(self, tokens: Sequence[str]) -> str:
        """The text of these pieces."""
        ...


class Characters:
    """Each character is a piece."""

    def fit(self, texts: Iterable[str], max_size: int) -> Self:
        del texts, max_size
        return self

    def cut(self, text: str) -> list[str]:
        return list(text)

    def join(self, tokens: Sequence[str]) -> str:
        return "".join(tokens)


class Words(Characters):
    """Words and single punctuation marks, each with the space before it."""

    def cut(self, text: str) -> list[str]:
        return WORD.findall(text)


class BytePairs:
    """Frequent strings, grown pair by pair from bytes (Sennrich et al. 2016).

    Any text can be cut, for every byte is a piece.
    """

    def fit(self, texts: Iterable[str], max_size: int) -> Self:
        try:
            from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
        except ImportError:
            raise MissingExtraError("Byte-pair units", "tokenizers", "text") from None
        level = pre_tokenizers.ByteLevel
        self.tokenizer: Any = Tokenizer(models.BPE())
        self.tokenizer.pre_tokenizer = level(add_prefix_space=False)
        self.tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=max_size,
            initial_alphabet=sorted(level.alphabet()),
            show_progress=False,
        )
        self.tokenizer.train_from_iterator(texts, trainer)
        return self

    @property
    def tokens(self) -> list[str]:
        """Every piece there is, whether it occurred or not."""
        return sorted(self.tokenizer.get_vocab())

    def cut(self, text: str) -> list[str]:
        return self.tokenizer.encode(text).tokens

    def join(self, tokens: Sequence[str]) -> str:
        return self.tokenizer.decoder.decode(list(tokens))


UNITS: dict[str, type[Units]] = {
    "char": Characters,
    "word": Words,
    "bpe": BytePairs,
}
