"""Texts <-> numbers of their units; nothing of a text is lost.

A word outside the vocabulary is spelled in characters, and a character that was never seen
in six hexadecimal digits of its code point. So every text has a likelihood, and those of
all texts together are at most 1. Texts are not normalised: the same words in another normal
form of Unicode are another text.

A head has one output for the end of a text, output 0, and one for each unit.

>>> from lamina.codec import Codec
>>> codec = Codec("char", 100).fit(["a rose", "is a rose"])
>>> codec.text(codec.numbers("rosé")), len(codec.numbers("rosé"))
('rosé', 9)
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

import numpy as np

from lamina.batch import END, to_numbers, to_outputs
from lamina.params import Params, Use, at_least, only_with
from lamina.scripts import is_unspaced
from lamina.texts import ITEMS, refuse_surrogates, warn_of_unspaced
from lamina.units import UNITS, Units
from lamina.vocabulary import Vocabulary

DIGITS = [f"<{digit}>" for digit in "0123456789abcdef"]
N_DIGITS = 6
"""Hexadecimal digits of any code point."""
LOST = "\ufffd"
"""Stands for digits or bytes that make no character."""


Unit = Annotated[
    Literal["char", "word", "bpe"],
    Use.FROZEN,
    """What texts are cut into, those given and those written: characters ("char"), words
    and punctuation marks with the space before them ("word"), or frequent strings that
    are grown from bytes ("bpe", which needs the package tokenizers). Words are found by
    the spaces between them; choose another unit for scripts without.""",
]


class CodecParams(Params):
    """What texts are cut into."""

    unit: Unit = "char"
    max_tokens: Annotated[
        int,
        at_least(1),
        only_with(unit=("word", "bpe")),
        Use.FROZEN,
        """Words of the vocabulary, the most frequent; others are spelled. For "bpe" the
        number of strings, at least the 256 bytes.""",
    ] = 4_000


class Codec:
    """Units learnt from texts, and the numbers of any text in them."""

    states_after: np.ndarray
    """(S, K): the state of a text after each output of a head, by the state before; see
    `Units.states_after`."""
    longest: int
    """Units of the longest text of `fit`, its end included."""
    may_follow: np.ndarray
    """(S, K): whether each output may follow in a text that is written: a unit that was
    in the texts of `fit`, where the characters written so far stay valid."""

    def __init__(self, unit: str, max_tokens: int):
        self.unit, self.max_tokens = unit, max_tokens
        self.units: Units = UNITS[unit]()

    def checked(self, texts: list[str], name: str = "X") -> list[str]:
        """The same texts, which the caller knows by `name`."""
        for i, text in enumerate(texts):
            self.check(text, f"{ITEMS[name]} {i}")
        return texts

    def check(self, text: str, where: str) -> None:
        """Raise `DataError`, with `where` in it, for a text that has no units."""
        if not self.units.holds_surrogates:
            refuse_surrogates(text, where)

    def warn_of_unspaced(self, texts: Sequence[str]) -> None:
        """Warn if words are asked of texts without spaces between them."""
        if self.unit == "word" and is_unspaced(texts):
            warn_of_unspaced('unit="char" or unit="bpe"')

    def fit(self, texts: Sequence[str]) -> Self:
        """Learn the units of these texts."""
        self.units.fit(texts, self.max_tokens)
        self.vocabulary = Vocabulary([self._pieces(texts)])
        self.digits = {self.vocabulary.numbers.get(d): d[1] for d in DIGITS}
        states = self.units.states_after(self.vocabulary.tokens[END + 1 :])
        end = np.full((len(states), 1), -1)
        end[0] = 0
        states = np.concatenate([end, states], axis=1)
        self.may_follow = (states >= 0) & self._occurred(texts)
        self.states_after = states.clip(min=0)
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

    def outputs(self, text: str) -> list[int]:
        """The output of a head for each unit of a text, without its end."""
        return [to_outputs(number) for number in self.numbers(text)]

    def written(self, outputs: Sequence[int]) -> str:
        """The text of these outputs; a character at its end that was cut is left out."""
        text = self.text([to_numbers(output) for output in outputs])
        return text[:-1] if self.state_of(outputs) else text

    def state_of(self, outputs: Iterable[int], state: int = 0) -> int:
        """The state of a text after these outputs; 0 where all characters are whole."""
        if len(self.states_after) > 1:
            for output in outputs:
                state = int(self.states_after[state, output])
        return state

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
        learnt = self.units.tokens
        if learnt is not None:
            return learnt
        frequent = Vocabulary((self.units.cut(text) for text in texts), self.max_tokens)
        return sorted({*DIGITS, *frequent.tokens[END + 1 :], *set().union(*texts)})

    def _occurred(self, texts: Sequence[str]) -> np.ndarray:
        """(K,) whether each output is needed to write these texts."""
        numbers, self.longest = {END}, 1
        for text in texts:
            found = self.numbers(text)
            numbers.update(found)
            self.longest = max(self.longest, len(found) + 1)
        return np.isin(np.arange(END, len(self)), list(numbers))

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
