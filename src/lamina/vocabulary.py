"""Tokens <-> token ids, learnt from the training samples."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Self

from lamina.batch import END, PAD, UNKNOWN
from lamina.state import Stored


class Vocabulary(Stored):
    """The tokens that occur in `sentences`.

    Id 0 is padding, 1 any token that was not seen, 2 and 3 are the ends of a text.

    Parameters
    ----------
    sentences : iterable of sequences of str
        The training samples, as tokens.
    max_size : int or None, default=None
        Keep only the most frequent tokens, at most this many; others are unknown.
    min_count : int, default=1
        Tokens that occur less often are unknown.

    Examples
    --------
    >>> from lamina.vocabulary import Vocabulary
    >>> words = Vocabulary([["a", "b", "a"], ["c"]])
    >>> words.encode(["a", "c", "x"])
    [4, 6, 1]
    >>> words.decode([4, 6])
    ['a', 'c']
    """

    def __init__(
        self,
        sentences: Iterable[Iterable[str]],
        max_size: int | None = None,
        min_count: int = 1,
    ):
        counts = Counter(token for sentence in sentences for token in sentence)
        frequent = (token for token, n in counts.items() if n >= min_count)
        ranked = sorted(frequent, key=lambda token: (-counts[token], token))
        # In alphabetical order, so that ids do not depend on the counts.
        self.tokens = [
            "<pad>",
            "<unknown>",
            "<begin>",
            "<end>",
            *sorted(ranked[:max_size]),
        ]
        self._number()

    def _number(self) -> None:
        self.ids = {t: i for i, t in enumerate(self.tokens) if i > END}

    def extend(self, tokens: Iterable[str]) -> None:
        """Keep these tokens too; the ids of the others change."""
        self.tokens[END + 1 :] = sorted({*self.ids, *tokens})
        self._number()

    def to_state(self) -> dict[str, Any]:
        return {"tokens": self.tokens}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        new = super().from_state(state)
        new._number()
        return new

    def __len__(self) -> int:
        return len(self.tokens)

    def encode(self, sentence: Iterable[str]) -> list[int]:
        """The id of each token."""
        return [self.ids.get(token, UNKNOWN) for token in sentence]

    def decode(self, token_ids: Iterable[int]) -> list[str]:
        """The token of each id, without padding."""
        return [self.tokens[i] for i in token_ids if i != PAD]
