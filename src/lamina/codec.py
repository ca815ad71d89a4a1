"""Texts <-> numbers of their units; nothing of a text is lost.

A word outside the vocabulary is spelled in characters, and a character that was never seen
in six hexadecimal digits of its code point. So every text has a likelihood, and those of
all texts together are at most 1.

>>> from lamina.codec import Codec
>>> codec = Codec("char", 100).fit(["a rose", "is a rose"])
>>> codec.text(codec.numbers("rosé")), len(codec.numbers("rosé"))
('rosé', 9)
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Self

from lamina.batch import END
from lamina.params import Params, at_least, one_of, only_with
from lamina.units import UNITS
from lamina.vocabulary import Vocabulary

DIGITS = [f"<{digit}>" for digit in "0123456789abcdef"]
N_DIGITS = 6
"""Hexadecimal digits of any code point."""
LOST = "\ufffd"
"""Stands for digits or bytes that make no character."""


Unit = Annotated[
    str,
    one_of(*UNITS),
    """What texts are cut into, those given and those written: characters ("char"), words
    and punctuation marks with the space before them ("word"), or frequent strings that
    are grown from bytes ("bpe", which needs the package tokenizers).""",
]


class CodecParams(Params):
    """What texts are cut into."""

    unit: Unit = "char"
    max_tokens: Annotated[
        int,
        at_least(1),
        only_with(unit=("word", "bpe")),
        """Words of the vocabulary, the most frequent; others are spelled. For "bpe" the
        number of strings, at least the 256 bytes.""",
    ] = 4_000


class Codec:
    """Units learnt from texts, and the numbers of any text in them."""

    def __init__(self, unit: str, max_tokens: int):
        self.units: Any = UNITS[unit]()
        self.max_tokens = max_tokens

    def fit(self, texts: Sequence[str]) -> Self:
        """Learn the units of these texts."""
        self.units.fit(texts, self.max_tokens)
        self.vocabulary = Vocabulary([self._pieces(texts)])
        self.digits = {self.vocabulary.numbers.get(d): d[1] for d in DIGITS}
        return self

    def __len__(self) -> int:
        return len(self.vocabulary)

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's units, without its ends."""
        known, found = self.vocabulary.numbers, []
        for piece in self.units.cut(text):
            number = known.get(piece)
            found.extend(self._spelled(piece) if number is None else (number,))
        return found

    def text(self, numbers: Iterable[int]) -> str:
        """The text of these numbers; what makes no character becomes U+FFFD."""
        if None in self.digits:  # byte pairs need none
            return self.units.join([self.vocabulary.tokens[n] for n in numbers])
        pieces, code = "", ""
        for number in numbers:
            if number in self.digits:
                code += self.digits[number]
            else:
                pieces += LOST * bool(code) + self.vocabulary.tokens[number]
                code = ""
            if len(code) == N_DIGITS:
                pieces += _character(code)
                code = ""
        return pieces + LOST * bool(code)

    def pieces(self, numbers: Iterable[int]) -> list[str]:
        """The text of each number by itself, for looking at; "<end>" for the end."""
        return [
            self.vocabulary.tokens[n] if n == END else self.text([n]) for n in numbers
        ]

    def n_units(self, text: str) -> int:
        """Units of a text and its end; a word that is spelled counts once."""
        return len(self.units.cut(text)) + 1

    def _pieces(self, texts: Sequence[str]) -> Sequence[str]:
        learnt = getattr(self.units, "tokens", None)
        if learnt is not None:
            return learnt
        frequent = Vocabulary((self.units.cut(text) for text in texts), self.max_tokens)
        return sorted({*DIGITS, *frequent.tokens[END + 1 :], *set().union(*texts)})

    def _spelled(self, piece: str) -> list[int]:
        known = self.vocabulary.numbers
        spelled = []
        for character in piece:
            digits = (f"<{d}>" for d in f"{ord(character):06x}")
            pieces = [character] if character in known else digits
            spelled.extend(known[p] for p in pieces)
        return spelled


def _character(code: str) -> str:
    number = int(code, 16)
    return chr(number) if number < 0x110000 else LOST
