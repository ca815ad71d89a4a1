"""Texts <-> token ids of their units, without loss.

A word outside the vocabulary is spelled in characters, and a character that `fit` did not
see in six hexadecimal digits of its code point. So every text has a likelihood, and those of
all texts sum to at most 1. Texts are not normalised: the same words in another normal form
of Unicode are another text.

A head has one output for the end of a text, output 0, and one for each unit.

>>> from lamina.codec import Codec
>>> codec = Codec("char", 100).fit(["a rose", "is a rose"])
>>> codec.text(codec.token_ids("rosé")), len(codec.token_ids("rosé"))
('rosé', 9)
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

import numpy as np

from lamina.batch import END, to_outputs, to_token_ids
from lamina.params import Params, Use, at_least, only_with
from lamina.scripts import is_unspaced
from lamina.state import Stored
from lamina.texts import ITEMS, refuse_surrogates, warn_of_unspaced
from lamina.units import UNITS, Units
from lamina.vocabulary import Vocabulary

DIGITS = [f"<{digit}>" for digit in "0123456789abcdef"]
N_DIGITS = 6
"""Hexadecimal digits of a code point."""
LOST = "\ufffd"
"""Stands for digits or bytes that are no valid character."""


Unit = Annotated[
    Literal["char", "word", "bpe"],
    Use.FROZEN,
    """What texts are split into, inputs and outputs: characters ("char"), words and
    punctuation marks with the space before them ("word"), or frequent strings built from
    bytes ("bpe", which needs the package tokenizers). Words are separated by spaces;
    choose another unit for scripts without spaces.""",
]


class CodecParams(Params):
    """What texts are split into."""

    unit: Unit = "char"
    max_tokens: Annotated[
        int,
        at_least(1),
        only_with(unit=("word", "bpe")),
        Use.FROZEN,
        """Size of the vocabulary: the most frequent words, others are spelled; for "bpe"
        the number of strings, of which at least the 256 bytes.""",
    ] = 4_000


class Codec(Stored):
    """Units learnt from texts, and the token ids of any text in them."""

    states_after: np.ndarray
    """(S, K), the state of a text after each output of a head, by the state before; see
    `Units.states_after`."""
    max_units: int
    """Units of the longest text of `fit`, its end included."""
    may_follow: np.ndarray
    """(S, K), whether each output may be generated, by the state of a text: only units that
    occurred in the texts of `fit`, and bytes that continue a valid character."""

    def __init__(self, unit: str, max_tokens: int):
        self.unit, self.max_tokens = unit, max_tokens
        self.units: Units = UNITS[unit]()

    def checked(self, texts: list[str], name: str = "X") -> list[str]:
        """The same texts, after `check`; `name` is a key of `texts.ITEMS`."""
        for i, text in enumerate(texts):
            self.check(text, f"{ITEMS[name]} {i}")
        return texts

    def check(self, text: str, where: str) -> None:
        """Raise `DataError`, with `where` in it, for a text that has no token ids."""
        if not self.units.holds_surrogates:
            refuse_surrogates(text, where)

    def warn_of_unspaced(self, texts: Sequence[str]) -> None:
        """Warn if the unit is words and the script of the texts has no spaces."""
        if self.unit == "word" and is_unspaced(texts):
            warn_of_unspaced('unit="char" or unit="bpe"')

    def fit(self, texts: Sequence[str]) -> Self:
        """Learn the units of these texts."""
        self.units.fit(texts, self.max_tokens)
        self.vocabulary = Vocabulary([self._pieces(texts)])
        self.digits = {self.vocabulary.ids.get(d): d[1] for d in DIGITS}
        states = self.units.states_after(self.vocabulary.tokens[END + 1 :])
        end = np.full((len(states), 1), -1)
        end[0] = 0
        states = np.concatenate([end, states], axis=1)
        self.may_follow = (states >= 0) & self._occurred(texts)
        self.states_after = states.clip(min=0).astype(np.int8)
        return self

    def __len__(self) -> int:
        return len(self.vocabulary)

    def token_ids(self, text: str) -> list[int]:
        """The token ids of a text's units, without its ends."""
        ids, token_ids = self.vocabulary.ids, []
        for piece in self.units.split(text):
            token_id = ids.get(piece)
            spelled = self._spelled(piece) if token_id is None else (token_id,)
            token_ids.extend(spelled)
        return token_ids

    def outputs(self, text: str) -> list[int]:
        """The output of a head for each unit of a text, without its end."""
        return [to_outputs(token_id) for token_id in self.token_ids(text)]

    def text_of_outputs(self, outputs: Sequence[int]) -> str:
        """The text of these outputs, without an incomplete character at its end."""
        text = self.text([to_token_ids(output) for output in outputs])
        return text[:-1] if self.state_of(outputs) else text

    def state_of(self, outputs: Iterable[int], state: int = 0) -> int:
        """The state of a text after these outputs; 0 if all its characters are complete."""
        if len(self.states_after) > 1:
            for output in outputs:
                state = int(self.states_after[state, output])
        return state

    def text(self, token_ids: Iterable[int]) -> str:
        """The text of these token ids; invalid digits or bytes become U+FFFD."""
        tokens = self.vocabulary.tokens
        if None in self.digits:  # byte pairs spell by bytes, not by digits
            return self.units.join([tokens[token_id] for token_id in token_ids])
        pieces, code = "", ""
        for token_id in token_ids:
            if token_id in self.digits:
                code += self.digits[token_id]
            else:
                pieces += LOST * bool(code) + tokens[token_id]
                code = ""
            if len(code) == N_DIGITS:
                pieces += _character(code)
                code = ""
        return pieces + LOST * bool(code)

    def pieces(self, token_ids: Iterable[int]) -> list[str]:
        """The text of each token id by itself, for display; "<end>" for the end."""
        return [
            self.vocabulary.tokens[i] if i == END else self.text([i]) for i in token_ids
        ]

    def n_units(self, text: str) -> int:
        """Units of a text and its end; a word that is spelled counts once."""
        return len(self.units.split(text)) + 1

    def _pieces(self, texts: Sequence[str]) -> Sequence[str]:
        """The tokens of the vocabulary."""
        if self.units.tokens is not None:
            return self.units.tokens
        split = (self.units.split(text) for text in texts)
        frequent = Vocabulary(split, self.max_tokens)
        return sorted({*DIGITS, *frequent.tokens[END + 1 :], *set().union(*texts)})

    def _occurred(self, texts: Sequence[str]) -> np.ndarray:
        """(K,), whether each output occurs in these texts; also finds `max_units`."""
        occurred, self.max_units = {END}, 1
        for text in texts:
            token_ids = self.token_ids(text)
            occurred.update(token_ids)
            self.max_units = max(self.max_units, len(token_ids) + 1)
        return np.isin(np.arange(END, len(self)), list(occurred))

    def _spelled(self, piece: str) -> list[int]:
        """Token ids of the characters, or of the digits of their code points."""
        ids, spelled = self.vocabulary.ids, []
        for character in piece:
            digits = (f"<{d}>" for d in f"{ord(character):06x}")
            pieces = [character] if character in ids else digits
            spelled.extend(ids[p] for p in pieces)
        return spelled


def _character(code: str) -> str:
    code_point = int(code, 16)
    return chr(code_point) if code_point < 0x110000 else LOST
